#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| phew_fuzz::data::label_table(bytes, &phew_fuzz::scratch()));
