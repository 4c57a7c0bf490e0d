#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| phew_fuzz::graph::export_weights(bytes, &phew_fuzz::scratch()));
