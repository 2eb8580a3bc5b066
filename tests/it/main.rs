//! The one integration test executable.

#![allow(clippy::unwrap_used, reason = "a test may; `allow-unwrap-in-tests` does not see helpers of integration tests")]

mod differential;
mod every_step;
mod fuzzing;
mod identity;
mod mutants;
mod random;
mod registration;
mod regression;
mod scenario;
mod sdp_abuse;
mod strangers;
mod tidy;
mod torture;
mod wire;
mod world;
