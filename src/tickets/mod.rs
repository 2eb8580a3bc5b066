//! What is kept of a call and what the ticket stores learn of it: facts, tickets, tags, and the order of their delivery.
//!
//! Decides: what a fact and a ticket say (`linkage-ticket/1`), which tag a handover bears, and which event is sent to
//! which ticket store next, how often and when.
//! Invariants: a handover has its tag if and only if the target took the call (promise 3); facts and tickets of one
//! step are one [`entry::Entry`], written as a whole or not at all; an event keeps its [`ids::EventId`] through every
//! retry, and the events of one ticket leave in the order of their `seq`.
//! Does not do: write to a disk (`store`), speak HTTP (`delivery`), decide when a call is handed over (`call`).
//!
//! The way of a fact: `call` says it in an [`entry::Entry`]; the engine gives that to `store`, which seals the tickets in
//! it (`seq`, hash chain), commits, and says so; the commit comes back to the call as a fact. From there each sealed
//! ticket leaves as a [`parcel::Parcel`], one attempt at a time, until its store has taken it.

#![warn(clippy::wildcard_enum_match_arm)]

pub mod aftermath;
pub mod entry;
pub mod fact;
pub mod ids;
pub mod mapping;
mod mask;
pub mod parcel;
pub mod schedule;
pub mod seal;
pub mod tag;
#[cfg(test)]
mod tests;
pub mod ticket;
