#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| cordon_fuzz::upstream(octets));
