//! Where a call goes and whose number it shows: configuration in, one decision out.
//!
//! Decides: which hotline a called number means, the territory (属地) and the ordered plan of those who may take the call
//! there now, and the caller's number with the right to show it.
//! Invariants: what was dialled matches a configured hotline or nothing (no toll fraud: targets are only those
//! configured); an identity asserted by a peer outside the trust domain is never believed (I23); one [`Decision`]
//! value carries the plan, the number and the reasons, and is used by the INVITE and by the record alike.
//! Does not do: who is free or registered now (that is the switch's), SIP messages (the [`recipe`] says what stands in
//! which header, the call writes it).
//!
//! Reading order: [`config`] (the rows an administrator writes), [`claims`] and [`caller_id`] (携号, inwards),
//! [`regions`] and [`territory`] (属地), [`decision`], [`profile`] and [`recipe`] (携号, outwards); for trunks [`gateway`] (which one first) and [`health`]
//! (which one works).

#![warn(clippy::wildcard_enum_match_arm)]

pub mod caller_id;
pub mod chain;
pub mod claims;
pub mod config;
pub mod decision;
pub mod gateway;
pub mod health;
pub mod home;
pub mod hours;
mod locate;
pub mod profile;
pub mod recipe;
pub mod regions;
pub mod territory;
#[cfg(test)]
mod tests;

pub use caller_id::{CallerId, Presentation};
pub use claims::{Claim, Claims};
pub use config::Config;
pub use decision::{
    Decision, Enquiry, Handover, Located, LocatedBy, Refusal, RegionHints, current_plan, decide, decide_join,
    decide_transfer,
};
