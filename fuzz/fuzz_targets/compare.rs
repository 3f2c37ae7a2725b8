#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pycaudit_fuzz::compare(bytes));

libfuzzer_sys::fuzz_mutator!(|bytes: &mut [u8], size: usize, most: usize, seed: u32| {
    // The second file begins where the first two bytes say.
    let length = bytes[..size].first_chunk().map_or(0, |&length| usize::from(u16::from_le_bytes(length)));
    let at = if seed & 0x8000_0000 == 0 { 2 } else { 2 + length };
    pycaudit_fuzz::mutate_pyc(bytes, size, most, seed & 0x7fff_ffff, at)
});
