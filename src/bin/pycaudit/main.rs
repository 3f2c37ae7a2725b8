//! The `pycaudit` command.
fn main() {}
