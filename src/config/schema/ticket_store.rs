//! `[[ticket_store]]` of `lianxian.toml`: who gets the records of calls.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::defaults;
use crate::config::Placed;

/// `[[ticket_store]]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TicketStoreEntry {
    /// Its name, by which hotlines choose it.
    pub name: Placed<String>,
    /// Where each event is posted. Redirects are not followed.
    pub url: Placed<String>,
    /// Whether `http` to another machine is allowed: citizens' data go in the clear then.
    #[serde(default)]
    pub allow_plaintext: bool,
    /// The file that says its field names, relative to this file; linkage-ticket/1 as it is if not given.
    pub mapping: Option<Placed<String>>,
    /// How we prove who we are.
    #[serde(default)]
    pub auth: AuthKey,
    /// The header of the key; only with `auth = "key"`.
    pub header: Option<Placed<String>>,
    /// `"${NAME}"`: the secret is the environment variable NAME.
    pub(in crate::config) secret: Option<Placed<String>>,
    /// The secret is the first line of this file, relative to `lianxian.toml`.
    pub(in crate::config) secret_file: Option<Placed<String>>,
    /// Its certificate is believed if one of these has signed it (PEM, relative to this file); those that the system
    /// believes if not given.
    pub ca_file: Option<Placed<String>>,
    /// How long a connection may take to come up, in seconds.
    #[serde(default = "defaults::connect_timeout_s")]
    pub connect_timeout_s: Placed<u16>,
    /// How long an attempt may take, in seconds.
    #[serde(default = "defaults::timeout_s")]
    pub timeout_s: Placed<u16>,
    /// How many events may be on their way at a time. Those of one ticket go one after the other in any case.
    #[serde(default = "defaults::in_flight")]
    pub in_flight: Placed<u16>,
    /// What the JSON body of a 2xx has to say; not given: the status is enough.
    pub success: Option<SuccessKey>,
    /// The member of the answer's body that is kept as the receipt, its names joined by dots.
    pub receipt: Option<String>,
    /// What 409 means.
    #[serde(default)]
    pub conflict: ConflictKey,
}

/// What a body has to say.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuccessKey {
    /// The member, its names joined by dots.
    pub member: String,
    /// Its value as text: `true`, `0`, `ok`.
    pub value: String,
}

/// How we prove who we are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthKey {
    /// By nothing.
    #[default]
    None,
    /// `Authorization: Bearer SECRET` (RFC 6750).
    Bearer,
    /// The secret in a header of its own, such as `x-api-key`.
    Key,
    /// `X-Lianxian-Timestamp`, seconds since 1970, and `X-Lianxian-Signature`: HMAC-SHA256 in hexadecimal over POST, the
    /// path with its query, the timestamp, each followed by a line feed, and the body.
    Hmac,
}

/// What 409 means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConflictKey {
    /// The record is refused.
    #[default]
    Refused,
    /// The ticket store has this event already.
    Taken,
}
