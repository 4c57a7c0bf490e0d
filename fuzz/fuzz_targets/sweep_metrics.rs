#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| phew_fuzz::cli::sweep_metrics(bytes, &phew_fuzz::scratch()));
