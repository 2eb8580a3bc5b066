//! `hotlines.toml`: the numbers people dial, and who is called then.

use schemars::JsonSchema;
use serde::Deserialize;

use super::defaults;
use crate::config::Placed;
use crate::routing::config::{Class, Platform, Priority};

/// `hotlines.toml`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HotlinesFile {
    /// The hotlines.
    #[serde(default)]
    pub hotline: Vec<HotlineEntry>,
    /// Keys that agents type on telephones without a transfer key.
    #[serde(default)]
    pub feature_code: Vec<FeatureCodeEntry>,
}

/// `[[feature_code]]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeatureCodeEntry {
    /// The keys: `*` or `#` first, and no other code begins with them.
    pub code: Placed<String>,
    /// The hotline that the caller is handed to (一键转接); not given: the transfer under way is given up (取消转接).
    pub to: Option<Placed<String>>,
}

/// `[[hotline]]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HotlineEntry {
    /// The number people dial.
    pub number: Placed<String>,
    /// Its name for people.
    #[serde(default)]
    pub name: String,
    /// Whether it may use the emergency reserve. If not given: emergency for 110, 119, 120 and 122, else normal.
    #[schemars(schema_with = "super::words::priority")]
    pub priority: Option<Priority>,
    /// 200 and music while waiting, instead of 180 until a person answers.
    #[serde(default)]
    pub answer_on_queue: bool,
    /// What a caller who waits is told first: a file of the prompt folder, without `.wav`. If not given: please_wait.
    pub announcement: Option<Placed<String>>,
    /// How long each party rings, in seconds.
    #[serde(default = "defaults::ring_timeout_s")]
    pub ring_timeout_s: Placed<u16>,
    /// Who is called where `territories.toml` says nothing else, in order, round after round.
    pub plan: Placed<Vec<Placed<StepEntry>>>,
    /// The tag on the record of a matter that was handed to it. For 12345 and 110 the policy prescribes the text; 已转
    /// and the number and 受理, if not given.
    pub tag: Option<Placed<String>>,
    /// Whose records its records are, as several numbers may lead to one platform. If not given: its number, if that is
    /// one of these, else utility.
    #[schemars(schema_with = "super::words::platform")]
    pub platform: Option<Platform>,
    /// The code of the organisation that keeps its records: 12 digits for the police (110 and 122), else a unified social
    /// credit code (统一社会信用代码, GB 32100).
    pub org_code: Option<Placed<String>>,
    /// The name of that organisation.
    #[serde(default)]
    pub org_name: String,
    /// Where its records go: the name of a `[[ticket_store]]`, `builtin`, or `none`, which keeps them in the outbox for
    /// export.
    #[serde(default = "defaults::ticket_store")]
    pub ticket_store: Placed<String>,
}

/// A step of a plan: either a group, or a number on a trunk.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepEntry {
    /// A group of agents: the longest idle first.
    pub group: Option<Placed<String>>,
    /// A trunk.
    pub trunk: Option<Placed<String>>,
    /// The number called on the trunk.
    pub number: Option<Placed<String>>,
    /// What kind of target it is.
    #[serde(default)]
    #[schemars(schema_with = "super::words::class")]
    pub class: Class,
}
