//! Identifiers: newtypes, never bare strings or numbers.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A call: all legs that belong together, from the first INVITE to the last BYE (never a SIP Call-ID).
///
/// 128 random bits, so that it stays unique over restarts and sites and can never run out (fault F35).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallId(pub u128);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallId({self})")
    }
}

/// A transfer of a call: one press of an agent, with all its attempts. 128 random bits, as a [`CallId`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TransferId(pub u128);

impl fmt::Display for TransferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for TransferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TransferId({self})")
    }
}

/// A command from outside, numbered by whoever gives it, so that the reply finds its way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CommandId(pub u64);

/// One party's side of a call. Numbered by the endpoint from 1 upward and never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LegId(pub u64);

impl fmt::Display for LegId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "leg-{}", self.0)
    }
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as an administrator wrote it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(name: &str) -> Self {
                Self(name.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    )*};
}

names! {
    /// A SIP trunk to a PBX or carrier: a row of `trunks.toml`.
    TrunkId;
    /// An agent of a hotline, by the operator's number (工号): a row of `agents.toml`.
    AgentId;
    /// A group of agents who answer the same calls: a row of `agents.toml`.
    GroupId;
    /// A hotline, by the number people dial: a row of `hotlines.toml`.
    HotlineId;
    /// How one kind of peer behaves: a file of `sip-profiles/`.
    ProfileId;
    /// A region (属地): the six digits of GB/T 2260 for province, city and county, or a local code. A row of
    /// `regions.csv`.
    RegionCode;
}
