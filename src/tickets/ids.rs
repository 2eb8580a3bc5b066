//! The names of what is kept.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

use crate::base::ids::CallId;
use crate::tickets::entry::EntryId;

/// What joins everything about one contact of a citizen (`linkage_id`): the call in which it reached us first. It
/// survives every transfer and every further call that was made for it (trap T30).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkageId(pub CallId);

impl fmt::Display for LinkageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One record of one service about one contact: that of the hotline which had the citizen first is number 0, each
/// receiver's gets the next number (the two-record rule, R14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TicketId {
    /// The contact. A call that a PBX has made for another call's citizen numbers its own records: this is that call then,
    /// and only the ticket's `linkage_id` names the contact.
    pub linkage: LinkageId,
    /// The record's number within it.
    pub number: u16,
}

impl fmt::Display for TicketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.linkage, self.number)
    }
}

/// The idempotency key of one event of one ticket: a UUIDv7 (RFC 9562 5.7), the same on every retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub u128);

impl EventId {
    /// The key of an event at a time since 1970, from 74 random bits.
    pub const fn new(unix_ms: u64, random: u128) -> Self {
        let time = (unix_ms as u128 & 0xFFFF_FFFF_FFFF) << 80;
        let version = 7 << 76;
        let random_a = (random >> 64 & 0xFFF) << 64;
        let variant = 0b10 << 62;
        let random_b = random & 0x3FFF_FFFF_FFFF_FFFF;
        Self(time | version | random_a | variant | random_b)
    }

    /// The key of the event at a place of an entry. Its bits are as random as the call's id, and those of no other event;
    /// an entry that is made again at the same time, as from a checkpoint, gets the same ones.
    pub fn derived(unix_ms: u64, entry: EntryId, place: usize) -> Self {
        let digest = Sha256::new()
            .chain_update(entry.call.0.to_be_bytes())
            .chain_update(entry.seq.to_be_bytes())
            .chain_update(u64::try_from(place).unwrap_or(u64::MAX).to_be_bytes())
            .finalize();
        let bits = digest.iter().take(16).fold(0, |bits, byte| bits << 8 | u128::from(*byte));
        Self::new(unix_ms, bits)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        let (a, rest) = hex.split_at(8);
        let (b, rest) = rest.split_at(4);
        let (c, rest) = rest.split_at(4);
        let (d, e) = rest.split_at(4);
        write!(f, "{a}-{b}-{c}-{d}-{e}")
    }
}

/// A text that is not the name that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not {0}")]
pub struct Misnamed(&'static str);

impl FromStr for LinkageId {
    type Err = Misnamed;

    fn from_str(text: &str) -> Result<Self, Misnamed> {
        hex(text).map(|id| Self(CallId(id))).ok_or(Misnamed("a linkage id: 32 hexadecimal digits"))
    }
}

impl FromStr for TicketId {
    type Err = Misnamed;

    fn from_str(text: &str) -> Result<Self, Misnamed> {
        let parts =
            text.split_once('-').and_then(|(linkage, number)| Some((linkage.parse().ok()?, number.parse().ok()?)));
        parts.map(|(linkage, number)| Self { linkage, number }).ok_or(Misnamed("a ticket id: linkage id, dash, number"))
    }
}

impl FromStr for EventId {
    type Err = Misnamed;

    fn from_str(text: &str) -> Result<Self, Misnamed> {
        let dashes = [8, 13, 18, 23];
        let placed = text.char_indices().all(|(at, letter)| (letter == '-') == dashes.contains(&at));
        let digits: String = text.chars().filter(|letter| *letter != '-').collect();
        let id = hex(&digits).filter(|_| placed);
        id.map(Self).ok_or(Misnamed("a UUID: 8-4-4-4-12 hexadecimal digits"))
    }
}

/// A number of exactly 32 hexadecimal digits.
fn hex(text: &str) -> Option<u128> {
    let plain = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if plain { u128::from_str_radix(text, 16).ok() } else { None }
}

/// Each is written as its text, so that a reader of another make finds what a person would write.
macro_rules! as_text {
    ($($name:ident)*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

as_text!(LinkageId TicketId EventId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written_and_nothing_else_is() {
        let ticket = TicketId { linkage: LinkageId(CallId(u128::MAX - 10)), number: u16::MAX };
        assert_eq!(ticket.to_string().parse(), Ok(ticket));
        let event = EventId::new(1, 2);
        assert_eq!(event.to_string().parse(), Ok(event));
        for odd in ["", "1", "-1", "+0000000000000000000000000000001-1", "0000000000000000000000000000000g-1"] {
            assert!(odd.parse::<TicketId>().is_err(), "{odd}");
            assert!(odd.parse::<EventId>().is_err(), "{odd}");
        }
        assert!("017f22e279b07cc398c4dc0c0c07398f".parse::<EventId>().is_err(), "without its dashes");
    }

    #[test]
    fn an_event_id_is_a_uuid_of_version_7_that_begins_with_its_time() {
        // The example of RFC 9562 A.6.
        let id = EventId::new(0x017F_22E2_79B0, (0xCC3 << 64) | 0x18C4_DC0C_0C07_398F);
        assert_eq!(id.to_string(), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
        assert_eq!(EventId::new(u64::MAX, u128::MAX).to_string(), "ffffffff-ffff-7fff-bfff-ffffffffffff");
    }
}
