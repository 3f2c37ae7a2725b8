//! Tests over files and through the public interface, in one binary.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic, helpers included")]

mod code;
mod compiled;
mod containers;
mod corpus;
mod diff;
mod digest;
mod dis;
mod exact;
mod extract;
mod frozen;
mod hooks;
mod hostile;
mod inspect;
mod invariants;
mod kinds;
mod lies;
mod literals;
mod load;
mod packages;
mod pytest;
mod regressions;
mod reports;
mod samples;
mod schema;
mod secrets;
mod streams;
mod suppression;
mod tars;
mod terminal;
mod tidy;
mod untrusted;
mod verify;
mod versions;
