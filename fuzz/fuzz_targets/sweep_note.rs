#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| phew_fuzz::cli::sweep_note(bytes, &phew_fuzz::scratch()));
