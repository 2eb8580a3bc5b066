//! lianxian 连线: a SIP back-to-back user agent between the trunks of the hotlines 12345 and 110.
//!
//! This file is the map. Everything that decides is a value without input or output; everything with input or output
//! decides nothing. Read in this order:
//!
//! Pure folders - no async, socket, clock, disk, randomness or lock; time and chance are arguments:
//! * [`base`] words everything speaks.
//! * [`sip`] bytes, messages, transactions, dialogs, registrations.
//! * [`sdp`] session descriptions, offer and answer.
//! * [`media`] packets, tones, keys: who is heard by whom.
//! * [`routing`] where a call goes and whose number it shows.
//! * [`tickets`] what is kept of a call, and what the ticket stores learn of it.
//! * [`call`] one call: who is rung, who hears whom, when a leg may end.
//! * [`switch`] all of it: the call table, agents, ports, admission.
//!
//! Folders with input or output:
//! * [`engine`] the one loop, the one reader of the clock, the media threads.
//! * [`net`] signalling and media sockets with their limits.
//! * [`store`] what is kept on disk: facts of calls, and what the ticket stores are to learn of them.
//! * [`metrics`] observations to Prometheus.
//! * [`api`] the administrators' listener.
//! * [`config`] files to values, every problem with its place.
//! * [`delivery`] one HTTP attempt for each ticket event, and what the answer means.
//! * [`demo`] people who telephone through a daemon, for all to hear.
//! * [`cli`] the composition root.

#![forbid(unsafe_code)]

pub mod base;
pub mod call;
pub mod media;
pub mod routing;
pub mod sdp;
pub mod sip;
pub mod switch;
pub mod tickets;

pub mod api;
pub mod cli;
pub mod config;
pub mod delivery;
pub mod demo;
pub mod engine;
pub mod metrics;
pub mod net;
pub mod store;
