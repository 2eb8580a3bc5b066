//! SIP (RFC 3261 and friends) as a value: bytes and the time go in, bytes, facts and a deadline come out.
//!
//! Decides: what a message means, which transaction and dialog it belongs to, what must be answered, repeated,
//! acknowledged or cancelled, who may register, and which requests a peer may send at all.
//! Invariants: every server INVITE gets exactly one final response; every 2xx is ACKed or followed by our BYE; CSeq
//! grows; offer and answer alternate; nothing is ever sent to an address that was not the source or a configured peer.
//! Does not do: routing, media, or what a call means. SDP is opaque bytes here. The transport of a peer is not changed: a
//! request above 1,300 bytes to a peer on UDP stays there, in fragments, where RFC 3261 18.1.1 would try TCP. A trunk's
//! gateway is written down with its transport, and trunks of carriers answer on no other one; opening a second way per
//! message, and falling back from it, would cost a call to 110 the seconds of a refused connection. An administrator
//! whose gateway takes TCP says `transport = "tcp"`, and a softphone registers over the stream that it wants.
//!
//! Reading order: `flow`, `wire` (bytes), `message` (typed), `transaction`, `dialog`, `auth`, `registrar`, then
//! `endpoint`, which the switch drives through [`order`] and hears through [`fact`].

#![warn(clippy::wildcard_enum_match_arm)]

pub mod auth;
pub mod dialog;
pub mod endpoint;
pub mod fact;
pub mod flow;
pub mod message;
pub mod order;
pub mod registrar;
pub mod transaction;
pub mod verb;
pub mod wire;
