//! The one integration test executable.

mod differential;
mod sdp_abuse;
mod tidy;
mod torture;
mod wire;
