#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| phew_fuzz::cli::plan(bytes, &phew_fuzz::scratch()));
