#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pycaudit_fuzz::stream(bytes));
