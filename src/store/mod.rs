//! What is kept on disk.
//!
//! Decides: how a step of a call is written so that it is there as a whole or not at all, what is done when the disk is
//! full, slow or broken, and which databases there are.
//! Invariants: nobody of the signalling side ever waits for a disk - the engine hands things over and is told later;
//! what was said to be written is there after `kill -9`; a damaged database is set aside under another name and told,
//! never overwritten and never replaced in silence.
//! Does not do: decide what a ticket says or when it is sent again (`tickets`), speak HTTP (`delivery`, `api`).

mod database;
pub mod folder;
pub mod outbox;
pub mod tickets;
