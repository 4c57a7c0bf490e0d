#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| phew_fuzz::graph::weights(bytes, &phew_fuzz::scratch()));
