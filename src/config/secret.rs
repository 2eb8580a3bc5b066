//! Passwords: from the environment or a file of their own, never from these files; weak ones are refused.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use super::schema::{AgentEntry, AgentsFile, Ha1Keys};
use super::source::{Parsed, Sources};
use super::{Placed, Problem};
use crate::sip::auth::{self, Algorithm};

/// What proves an agent.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// The password.
    Password(String),
    /// Digests of `user:realm:password`.
    Ha1(Ha1),
}

/// Digests of `user:realm:password` (RFC 8760), in lower-case hexadecimal.
#[derive(Clone, PartialEq, Eq)]
pub struct Ha1 {
    /// MD5, if this algorithm is to be offered.
    pub md5: Option<String>,
    /// SHA-256, if this algorithm is to be offered.
    pub sha256: Option<String>,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(..)")
    }
}

impl fmt::Debug for Ha1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ha1(..)")
    }
}

/// The shortest password that is accepted.
const SHORTEST: usize = 12;
/// The fewest different characters in it.
const FEWEST_DIFFERENT: usize = 6;
/// Words that no password may contain.
const COMMON: [&str; 16] = [
    "password",
    "passw0rd",
    "12345678",
    "87654321",
    "changeme",
    "change-me",
    "lianxian",
    "secret",
    "qwerty",
    "admin",
    "default",
    "example",
    "letmein",
    "abcdefgh",
    "hotline",
    "replace",
];

/// Passwords of factories and manuals: a digest does not show what it was made of, but these can be tried.
const FACTORY: [&str; 18] = [
    "",
    "0000",
    "1234",
    "12345",
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "000000",
    "111111",
    "666666",
    "888888",
    "password",
    "admin",
    "changeme",
    "secret",
    "lianxian",
    "test",
];

/// Reads every agent's credential and notes what is wrong with it.
pub(super) fn read_all(
    sources: &Sources<'_>,
    folder: &Path,
    agents: &Parsed<AgentsFile>,
    realm: &str,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, Credential> {
    let mut credentials = BTreeMap::new();
    for agent in &agents.value.agent {
        match read(sources, folder, agents, agent, realm) {
            Ok(credential) => {
                credentials.insert(agent.number.get_ref().clone(), credential);
            }
            Err(problem) => problems.push(*problem),
        }
    }
    credentials
}

fn read(
    sources: &Sources<'_>,
    folder: &Path,
    agents: &Parsed<AgentsFile>,
    agent: &AgentEntry,
    realm: &str,
) -> Result<Credential, Box<Problem>> {
    let number = agent.number.get_ref();
    if let (None, None, Some(keys)) = (&agent.secret, &agent.secret_file, &agent.ha1) {
        return digests(agents, keys, number, realm);
    }
    if agent.ha1.is_some() {
        let wrong = format!("agent {number} has more than one secret");
        let right = "exactly one of secret, secret_file, ha1";
        return Err(Box::new(agents.problem(&agent.number, "agent.secret", wrong, right)));
    }
    let written = Written {
        file: agents,
        noun: "password",
        key: "agent",
        whose: (&agent.number, format!("agent {number}")),
        secret: agent.secret.as_ref(),
        secret_file: agent.secret_file.as_ref(),
        other: "ha1",
    };
    let (text, place, key) = written.read(sources, folder)?;
    match weakness(&text, number) {
        None => Ok(Credential::Password(text)),
        Some(weak) => Err(Box::new(agents.problem(place, key, format!("the password {weak}"), STRONG))),
    }
}

/// Where an entry says that its secret is: in the environment or in a file of its own.
pub(super) struct Written<'a, T> {
    pub(super) file: &'a Parsed<T>,
    /// What the secret is called.
    pub(super) noun: &'static str,
    /// The dotted key of the entry.
    pub(super) key: &'static str,
    /// The entry's name, with what it is called in a sentence.
    pub(super) whose: (&'a Placed<String>, String),
    pub(super) secret: Option<&'a Placed<String>>,
    pub(super) secret_file: Option<&'a Placed<String>>,
    /// The key of its digest, which could stand instead.
    pub(super) other: &'static str,
}

impl<'a, T> Written<'a, T> {
    /// The secret, with the place and the key to complain about if it is not good.
    pub(super) fn read(
        &self,
        sources: &Sources<'_>,
        folder: &Path,
    ) -> Result<(String, &'a Placed<String>, String), Box<Problem>> {
        let (name, whose) = &self.whose;
        match (self.secret, self.secret_file) {
            (Some(secret), None) => self.variable(sources, secret),
            (None, Some(file)) => self.first_line(sources, &folder.join(file.get_ref()), file),
            (None, None) => {
                let right = format!("one of secret = \"${{NAME}}\", secret_file, {}", self.other);
                Err(self.refuse(name, "secret", format!("{whose} has no secret"), right))
            }
            (Some(_), Some(_)) => {
                let right = format!("exactly one of secret, secret_file, {}", self.other);
                Err(self.refuse(name, "secret", format!("{whose} has more than one secret"), right))
            }
        }
    }

    fn refuse(&self, place: &Placed<String>, key: &str, wrong: String, right: impl Into<String>) -> Box<Problem> {
        Box::new(self.file.problem(place, format!("{}.{key}", self.key), wrong, right))
    }

    fn variable(
        &self,
        sources: &Sources<'_>,
        secret: &'a Placed<String>,
    ) -> Result<(String, &'a Placed<String>, String), Box<Problem>> {
        let Some(name) = secret.get_ref().strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
            let wrong = format!("a {} is written out in the configuration", self.noun);
            return Err(self.refuse(
                secret,
                "secret",
                wrong,
                "\"${NAME}\" for an environment variable, or secret_file",
            ));
        };
        match (sources.environment)(name) {
            Some(text) => Ok((text, secret, format!("{}.secret", self.key))),
            None => {
                let wrong = format!("the environment variable {name} is not set");
                Err(self.refuse(secret, "secret", wrong, "set it before the daemon starts"))
            }
        }
    }

    /// A secret that everybody on the machine can read is none.
    fn first_line(
        &self,
        sources: &Sources<'_>,
        path: &Path,
        place: &'a Placed<String>,
    ) -> Result<(String, &'a Placed<String>, String), Box<Problem>> {
        let text = (sources.read)(path).map_err(|error| {
            self.refuse(place, "secret_file", format!("cannot be read: {error}"), "a file with one line")
        })?;
        if let Some(mode) = (sources.mode)(path).filter(|mode| mode & OTHERS != 0) {
            let wrong = format!("{} can be read or written by others (mode {:04o})", path.display(), mode & 0o7777);
            return Err(self.refuse(place, "secret_file", wrong, format!("chmod 600 {}", path.display())));
        }
        let line = text.lines().next().unwrap_or_default().trim().to_owned();
        Ok((line, place, format!("{}.secret_file", self.key)))
    }
}

/// The permission bits of everybody but the owner.
const OTHERS: u32 = 0o077;

pub(super) const STRONG: &str = "at least 12 characters, 6 of them different, no common word, not the agent's number";

/// What makes a password weak, as the end of a sentence.
pub(super) fn weakness(password: &str, user: &str) -> Option<&'static str> {
    let folded = password.to_ascii_lowercase();
    if password.chars().count() < SHORTEST {
        Some("is shorter than 12 characters")
    } else if password.chars().collect::<BTreeSet<_>>().len() < FEWEST_DIFFERENT {
        Some("has fewer than 6 different characters")
    } else if COMMON.iter().any(|word| folded.contains(word)) {
        Some("contains a common word")
    } else if folded.contains(&user.to_ascii_lowercase()) {
        Some("contains the agent's number")
    } else {
        None
    }
}

fn digests(
    agents: &Parsed<AgentsFile>,
    keys: &Placed<Ha1Keys>,
    user: &str,
    realm: &str,
) -> Result<Credential, Box<Problem>> {
    let is_default = |name: &str, hex: &str| {
        let algorithm = if name == "md5" { Algorithm::Md5 } else { Algorithm::Sha256 };
        let of = |password: &str| Some(auth::Ha1::of_password(algorithm, user, realm, password));
        let given = auth::Ha1::from_hex(algorithm, hex);
        FACTORY.iter().chain(&[user]).any(|password| of(password) == given)
    };
    let read = |digest: &Option<Placed<String>>, name: &str, length: usize| match digest {
        None => Ok(None),
        Some(hex) => {
            let text = hex.get_ref().to_ascii_lowercase();
            if text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                if is_default(name, &text) {
                    let wrong = "the digest of a password that telephones are delivered with";
                    return Err(Box::new(agents.problem(hex, format!("agent.ha1.{name}"), wrong, STRONG)));
                }
                return Ok(Some(text));
            }
            let wrong = format!("no {name} digest: {} characters", text.len());
            let right = format!("{length} hexadecimal digits");
            Err(Box::new(agents.problem(hex, format!("agent.ha1.{name}"), wrong, right)))
        }
    };
    let ha1 = Ha1 { md5: read(&keys.get_ref().md5, "md5", 32)?, sha256: read(&keys.get_ref().sha256, "sha256", 64)? };
    if ha1.md5.is_none() && ha1.sha256.is_none() {
        let right = "md5 or sha256, or both";
        return Err(Box::new(agents.problem(keys, "agent.ha1", "no digest", right)));
    }
    Ok(Credential::Ha1(ha1))
}
