//! `mappings/*.toml`: a ticket in the words of a ticket store.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Placed;

/// `mappings/*.toml`: a ticket in the words of a ticket store.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MappingFile {
    /// The platform whose records these are, such as `110`: in `from`, `own.` is its side and `other.` the opposite one.
    pub platform: Placed<String>,
    /// How times are written where a field says nothing else.
    #[serde(default)]
    pub times: TimeKey,
    /// What is written where there is nothing.
    #[serde(default)]
    pub blanks: BlanksKey,
    /// The events that the ticket store is told of; every one if not given.
    #[serde(default)]
    pub events: Vec<Placed<String>>,
    /// Its members, in the order of writing.
    pub field: Placed<Vec<MappedField>>,
    /// Code tables: their code by ours. `true` and `false` are codes; the row `"*"` is for every code without a row.
    #[serde(default)]
    pub table: BTreeMap<String, BTreeMap<String, String>>,
}

/// One member of their record.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MappedField {
    /// Its name; dots make objects within objects.
    pub name: Placed<String>,
    /// The member of linkage-ticket/1 that it says, its names joined by dots; of several the first that is not empty.
    pub from: Option<Placed<OneOrMore>>,
    /// A text that is the same in every record.
    pub constant: Option<Placed<String>>,
    /// How a time is written.
    pub time: Option<TimeKey>,
    /// The table that has the code.
    pub table: Option<Placed<String>>,
    /// A list becomes one text, with this between its parts.
    pub join: Option<String>,
    /// Whether a number or a truth value is written as text.
    #[serde(default)]
    pub text: bool,
}

/// A path, or several.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a member of the ticket such as \"caller.name\", or a list of them")]
pub enum OneOrMore {
    /// One.
    One(String),
    /// The first of these that is not empty.
    More(Vec<String>),
}

impl OneOrMore {
    /// As a list.
    pub fn paths(&self) -> &[String] {
        match self {
            Self::One(path) => std::slice::from_ref(path),
            Self::More(paths) => paths,
        }
    }
}

/// How a time is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimeKey {
    /// `2025-01-01T08:00:45.000+08:00`
    #[default]
    Rfc3339,
    /// `20250101080045`
    Digits,
    /// `2025-01-01 08:00:45`
    Spaced,
}

/// What is written where there is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BlanksKey {
    /// `""`
    #[default]
    Empty,
    /// `null`
    Null,
    /// The member is left out.
    LeftOut,
}
