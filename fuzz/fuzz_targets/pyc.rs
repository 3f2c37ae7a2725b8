#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pycaudit_fuzz::pyc(bytes));

libfuzzer_sys::fuzz_mutator!(|bytes: &mut [u8], size: usize, most: usize, seed: u32| {
    pycaudit_fuzz::mutate_pyc(bytes, size, most, seed, 0)
});
