//! `hotlines.toml`: the numbers people dial, and who is called then.

use serde::Deserialize;
use toml::Spanned;

use super::defaults;
use crate::routing::config::Priority;

/// `hotlines.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HotlinesFile {
    /// The hotlines.
    #[serde(default)]
    pub hotline: Vec<HotlineEntry>,
}

/// `[[hotline]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HotlineEntry {
    /// The number people dial.
    pub number: Spanned<String>,
    /// Its name for people.
    #[serde(default)]
    pub name: String,
    /// Whether it may use the emergency reserve.
    #[serde(default)]
    pub priority: Priority,
    /// 200 and music while waiting, instead of 180 until a person answers.
    #[serde(default)]
    pub answer_on_queue: bool,
    /// How long each party rings, in seconds.
    #[serde(default = "defaults::ring_timeout_s")]
    pub ring_timeout_s: Spanned<u16>,
    /// Who is called, in order, round after round.
    pub plan: Spanned<Vec<Spanned<StepEntry>>>,
}

/// A step of a plan: either a group, or a number on a trunk.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepEntry {
    /// A group of agents: the longest idle first.
    pub group: Option<Spanned<String>>,
    /// A trunk.
    pub trunk: Option<Spanned<String>>,
    /// The number called on the trunk.
    pub number: Option<Spanned<String>>,
}
