//! The two tags of the policy documents, to the letter (R14, R15; 000, 001).

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the record of the service that handed a citizen over is tagged with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Tag {
    /// 12345 has handed the citizen to 110, and 110 has taken the call.
    #[serde(rename = "已转110受理")]
    HandedTo110,
    /// 110 has handed the citizen to 12345, and 12345 has taken the call.
    #[serde(rename = "已转12345热线受理")]
    HandedTo12345,
}

impl Tag {
    /// The tag as the documents write it.
    pub const fn text(self) -> &'static str {
        match self {
            Self::HandedTo110 => "已转110受理",
            Self::HandedTo12345 => "已转12345热线受理",
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
