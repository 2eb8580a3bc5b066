//! Transactions: a request and its responses (RFC 3261 17, RFC 6026, RFC 4320).
//!
//! Decides: which transaction a message belongs to, what is sent again and when, which non-2xx is ACKed, and when a
//! peer has been silent for too long.
//! Invariants: a repeated request has no second effect and gets the same response; every non-2xx to our INVITE is
//! ACKed; every transaction ends by itself; nothing answers an ACK or a response.
//! Does not do: dialogs. 2xx responses to an INVITE and their ACKs pass through to the dialog (RFC 3261 13).
//!
//! The four machines ([`client_invite`], [`client`], [`server_invite`], [`server`]) are enums of structs that know
//! neither message nor table; [`table`] keeps them, their bytes and their deadlines.

#![warn(clippy::wildcard_enum_match_arm)]

pub mod client;
pub mod client_invite;
pub mod entry;
pub mod key;
pub mod machine;
pub mod server;
pub mod server_invite;
pub mod table;
pub mod timers;

#[cfg(test)]
mod tests;
