//! One pyc: header and marshalled code, from bytes of an attacker.
//!
//! [`parse`] never panics, uses memory and time in proportion to its input, and reports offsets that lie inside it. It does
//! not judge: it says what is there.
#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable
)]

pub mod header;
pub mod versions;

pub use header::Header;
pub use header::HeaderLayout;
pub use header::Invalidation;
pub use versions::Magic;
pub use versions::Version;
