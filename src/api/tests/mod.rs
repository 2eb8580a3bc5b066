//! The interface as a client sees it, with a script in the loop's place.

#![allow(clippy::disallowed_methods, reason = "a task of a test ends with the test's runtime")]

mod access;
mod house;
mod reading;
mod streams;
mod tickets;
mod transferring;
