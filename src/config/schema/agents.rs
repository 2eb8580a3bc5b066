//! `agents.toml`: groups and agents.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::Placed;

/// `agents.toml`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentsFile {
    /// The groups.
    #[serde(default)]
    pub group: Vec<GroupEntry>,
    /// The agents.
    #[serde(default)]
    pub agent: Vec<AgentEntry>,
}

/// `[[group]]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupEntry {
    /// Its id.
    pub id: Placed<String>,
    /// Its name for people.
    #[serde(default)]
    pub name: String,
    /// The code of the region (属地) that its agents serve: where a call is taken to be from that one of them makes.
    pub region: Option<Placed<String>>,
}

/// `[[agent]]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentEntry {
    /// The operator's number (工号): the user name of the softphone.
    pub number: Placed<String>,
    /// The operator's name.
    #[serde(default)]
    pub name: String,
    /// The groups.
    pub groups: Vec<Placed<String>>,
    /// `"${NAME}"`: the password is the environment variable NAME.
    pub(in crate::config) secret: Option<Placed<String>>,
    /// The password is the first line of this file, relative to `lianxian.toml`.
    pub(in crate::config) secret_file: Option<Placed<String>>,
    /// The digests of `user:realm:password`.
    pub(in crate::config) ha1: Option<Placed<Ha1Keys>>,
}

/// `ha1 = { md5 = "..", sha256 = ".." }`
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Ha1Keys {
    /// By MD5: 32 hexadecimal digits.
    pub(in crate::config) md5: Option<Placed<String>>,
    /// By SHA-256: 64 hexadecimal digits.
    pub(in crate::config) sha256: Option<Placed<String>>,
}

impl std::fmt::Debug for Ha1Keys {
    /// A digest is as good as the password here.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ha1Keys(..)")
    }
}
