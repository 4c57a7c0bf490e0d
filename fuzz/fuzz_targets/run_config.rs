#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| phew_fuzz::data::run_config(bytes, &phew_fuzz::scratch()));
