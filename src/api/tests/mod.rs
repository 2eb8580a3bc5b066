//! The interface as a client sees it, with a script in the loop's place.

mod access;
mod house;
mod reading;
mod streams;
mod transferring;
