//! The one integration test executable.

mod sdp_abuse;
mod tidy;
mod torture;
mod wire;
