//! Session descriptions (RFC 8866) and the offer/answer model (RFC 3264), as values.
//!
//! Decides: what an offer asks, what our answer says, and where sound may then go: payload types, direction, addresses.
//! Invariants: input of any shape is refused in linear time and never panics (V24, V32); a name in a connection line is
//! refused, never resolved (V45); an answer has a line for every line of the offer, in its order; the version in `o=`
//! grows by one if and only if what we send has changed (I7); a payload number once agreed keeps its meaning (T27).
//! Does not do: whether an address may be used (the call asks the peer's profile, see [`address_class`]), and whose
//! turn it is to offer (that is the dialog's). It knows nothing of SIP or of media sockets.
//!
//! Reading order: [`parse`] (bytes to lines), [`negotiate`] (what both sides can do), [`session`] (one leg's memory).

#![warn(clippy::wildcard_enum_match_arm)]

mod address;
mod build;
pub mod negotiate;
pub mod parse;
pub mod session;

pub use address::{AddressClass, address_class};

#[cfg(test)]
mod tests;
