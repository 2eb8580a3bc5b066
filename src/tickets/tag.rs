//! The tags of the policy documents, to the letter (R14, R15; 000, 001).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::tag::{TRANSFERRED_TO_110, TRANSFERRED_TO_12345};

/// What the record of the service that handed a citizen over is tagged with.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Tag {
    /// 110 has taken the call: 已转110受理.
    HandedTo110,
    /// 12345 has taken the call: 已转12345热线受理.
    HandedTo12345,
    /// Anybody else has taken it. The documents prescribe no text; the configuration says it.
    Other(String),
}

impl Tag {
    /// The tag as the documents write it.
    pub fn text(&self) -> &str {
        match self {
            Self::HandedTo110 => TRANSFERRED_TO_110,
            Self::HandedTo12345 => TRANSFERRED_TO_12345,
            Self::Other(text) => text,
        }
    }
}

impl From<String> for Tag {
    fn from(text: String) -> Self {
        match text.as_str() {
            TRANSFERRED_TO_110 => Self::HandedTo110,
            TRANSFERRED_TO_12345 => Self::HandedTo12345,
            _ => Self::Other(text),
        }
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> Self {
        tag.to_string()
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}
