//! The arithmetic of sound: RTP and RTCP headers, relay, tones, prompts, G.711, keys (RFC 4733, or in the voice), who may
//! send to us.
//!
//! Decides: which packet is accepted, where it goes and what its header says then; what a leg hears when nobody talks.
//! Invariants: a packet of one call reaches only parties of that call (I12); nothing goes to an address outside the
//! leg's SDP, or with `learn` its locked source (I13); SSRC, sequence and timestamp are continuous per receiver, also from
//! relay to mix and back; whoever is to hear something hears something: where nothing comes for a second, comfort noise
//! or ringback stands in, until the call knows what to say of it.
//! Does not do: sockets, threads, clocks (`engine` runs a [`plane::Plane`] per media thread), SDP.

#![warn(clippy::wildcard_enum_match_arm)]

pub mod counters;
pub mod fact;
pub mod g711;
mod inband;
mod jitter;
mod key;
pub mod library;
mod mixer;
pub mod order;
pub mod plane;
pub mod ports;
mod rate;
mod reception;
mod rtcp;
pub mod rtp;
mod source;
mod stream;
pub mod tone;
