//! The real daemon on loopback, with real phones and trunks around it.
//!
//! Decides: nothing; it starts `lianxian serve` as a process with a configuration of its own and lets SIPp, baresip,
//! PJSUA2 and kamailio call through it. Every party has an address of its own in a 127.x.y.0/24 that belongs to one
//! test, sends a tone of its own and records: who hears whom, and how long a gap was, are numbers.
//! Invariants: every wait has a deadline; every process is ended by the guard that started it, also when the test
//! fails; a missing tool fails the test. Does not do: timing promises (scripts/bench does).

#![allow(clippy::disallowed_methods, reason = "these tests run against the real clock")]

// The harness.
mod baresip;
mod chaos;
mod client;
mod crowd;
mod desk;
mod kamailio;
mod linphone;
mod loopback;
mod namespace;
mod phone;
mod process;
mod setup;
mod sipp;
mod sound;
mod ticket_store;

// The stories.
mod cancelled_and_refused;
mod crash_sweep;
mod crossings;
mod daemon;
mod gateways;
mod held;
mod http;
mod ims;
mod kept;
mod media_plane;
mod outbox;
mod relay_in_bad_weather;
mod reloaded;
mod route_agrees;
mod shut_down;
mod sprayed;
mod storms;
mod torture_on_the_wire;
mod transfer;
mod transport;
mod trunk_test;
mod who_hears_whom;
