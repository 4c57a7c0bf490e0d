#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| phew_fuzz::data::run_early(bytes, &phew_fuzz::scratch()));
