#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| phew_fuzz::data::data_tensors(bytes, &phew_fuzz::scratch()));
