//! `agents.toml`: groups and agents.

use serde::Deserialize;
use toml::Spanned;

/// `agents.toml`.
#[derive(Clone, Debug, Deserialize)]
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
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupEntry {
    /// Its id.
    pub id: Spanned<String>,
    /// Its name for people.
    #[serde(default)]
    pub name: String,
}

/// `[[agent]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentEntry {
    /// The operator's number (工号): the user name of the softphone.
    pub number: Spanned<String>,
    /// The operator's name.
    #[serde(default)]
    pub name: String,
    /// The groups.
    pub groups: Vec<Spanned<String>>,
    /// `"${NAME}"`: the password is the environment variable NAME.
    pub(in crate::config) secret: Option<Spanned<String>>,
    /// The password is the first line of this file, relative to `lianxian.toml`.
    pub(in crate::config) secret_file: Option<Spanned<String>>,
    /// The digests of `user:realm:password`.
    pub(in crate::config) ha1: Option<Spanned<Ha1Keys>>,
}

/// `ha1 = { md5 = "..", sha256 = ".." }`
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Ha1Keys {
    pub(in crate::config) md5: Option<Spanned<String>>,
    pub(in crate::config) sha256: Option<Spanned<String>>,
}

impl std::fmt::Debug for Ha1Keys {
    /// A digest is as good as the password here.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ha1Keys(..)")
    }
}
