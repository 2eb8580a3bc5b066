//! The one integration test executable.

#![allow(clippy::unwrap_used, reason = "a test may; `allow-unwrap-in-tests` does not see helpers of integration tests")]

mod differential;
mod fuzzing;
mod registration;
mod sdp_abuse;
mod strangers;
mod tidy;
mod torture;
mod wire;
