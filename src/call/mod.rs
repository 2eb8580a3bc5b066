//! One call: a caller's leg and the service's legs, back to back.
//!
//! Decides: what a fact means for the call, who is rung next, who hears whom, and when a leg may end.
//! Invariants: the caller's leg ends by its own BYE or CANCEL, or by a deliberate BYE of the last service party while
//! they talk, and in no other way (I19, `ending`); a lost service leg never takes the caller with it; a connected
//! caller hears a person, ringback, music or an announcement (I15); no 200 before a person answers, unless the hotline
//! says so; every leg's offer and answer end here, so that a hold is our music and never a re-INVITE to the other side.
//! Does not do: anything. Facts come in as [`event::Event`], orders go out as [`action::Action`]; the switch carries
//! them out after the handler has returned, or throws them away when it panicked.
//!
//! Reading order: [`event`], [`action`], `state` (a file for each state), then what the states share: `hunt` (who is
//! rung), `pair` (two who are joined), `leg` (one side), [`record`].

#![warn(clippy::wildcard_enum_match_arm)]

pub mod action;
pub mod event;
pub mod notice;
pub mod record;
pub mod timer;
