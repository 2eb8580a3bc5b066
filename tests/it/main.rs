//! The one integration test executable.

mod tidy;
