//! A Refer-To, a Replaces.

#![no_main]

#[path = "../../tests/it/fuzzing/checks.rs"]
#[allow(dead_code, reason = "each target uses one of the checks")]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::refer_to(bytes));
