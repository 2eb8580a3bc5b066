//! The switch: the whole daemon's decisions as one plain value.
//!
//! Decides: which call a fact belongs to, whether a new call is admitted, which agent is free.
//! Invariants: one input, then the outputs are drained; a panic in one call stays in that call (F5); what a call uses
//! - legs, ports, agents - is read off its state after every event, so that nothing can be left over (I9).
//! Does not do: input or output. Time is an argument, chance is a seeded stream.

#![warn(clippy::wildcard_enum_match_arm)]

pub mod input;
pub mod output;
pub mod view;

pub use input::{Command, Input};
pub use output::Output;
pub use view::View;
