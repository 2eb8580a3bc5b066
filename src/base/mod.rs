//! The words everything speaks: identifiers, time, chance, numbers, personal data.
//!
//! Decides: how these are written, compared and masked.
//! Invariants: every type is a plain value that serialises; nothing here reads a clock, a socket or a source of
//! randomness - time and chance are arguments everywhere below the wall.
//! Does not do: any protocol.

#![warn(clippy::wildcard_enum_match_arm)]

pub mod bucket;
pub mod calendar;
pub mod entropy;
pub mod ids;
pub mod number;
pub mod organisation;
pub mod pii;
pub mod tag;
pub mod time;
pub mod timer;
