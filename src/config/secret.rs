//! Passwords: from the environment or a file of their own, never from these files; weak ones are refused.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use super::schema::{AgentEntry, AgentsFile, Ha1Keys};
use super::source::{Parsed, Sources};
use super::{Placed, Problem};

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
const COMMON: [&str; 8] = ["password", "12345678", "changeme", "lianxian", "secret", "qwerty", "admin", "default"];

/// Reads every agent's credential and notes what is wrong with it.
pub(super) fn read_all(
    sources: &Sources<'_>,
    folder: &Path,
    agents: &Parsed<AgentsFile>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, Credential> {
    let mut credentials = BTreeMap::new();
    for agent in &agents.value.agent {
        match read(sources, folder, agents, agent) {
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
) -> Result<Credential, Box<Problem>> {
    let refuse = |place: &Placed<String>, key: &str, wrong: String, right: &str| {
        Box::new(agents.problem(place, format!("agent.{key}"), wrong, right))
    };
    match (&agent.secret, &agent.secret_file, &agent.ha1) {
        (Some(secret), None, None) => {
            let Some(name) = secret.get_ref().strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
                let wrong = "a password is written out in the configuration".to_owned();
                return Err(refuse(secret, "secret", wrong, "\"${NAME}\" for an environment variable, or secret_file"));
            };
            let Some(password) = (sources.environment)(name) else {
                let wrong = format!("the environment variable {name} is not set");
                return Err(refuse(secret, "secret", wrong, "set it before the daemon starts"));
            };
            match weakness(&password, agent.number.get_ref()) {
                None => Ok(Credential::Password(password)),
                Some(weak) => Err(refuse(secret, "secret", format!("the password in {name} {weak}"), STRONG)),
            }
        }
        (None, Some(file), None) => {
            let text = (sources.read)(&folder.join(file.get_ref())).map_err(|error| {
                refuse(file, "secret_file", format!("cannot be read: {error}"), "a file with one line")
            })?;
            let password = text.lines().next().unwrap_or_default().trim();
            match weakness(password, agent.number.get_ref()) {
                None => Ok(Credential::Password(password.to_owned())),
                Some(weak) => Err(refuse(file, "secret_file", format!("the password in it {weak}"), STRONG)),
            }
        }
        (None, None, Some(keys)) => digests(agents, keys),
        (None, None, None) => {
            let right = "one of secret = \"${NAME}\", secret_file, ha1";
            Err(refuse(&agent.number, "secret", format!("agent {} has no secret", agent.number.get_ref()), right))
        }
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
            let wrong = format!("agent {} has more than one secret", agent.number.get_ref());
            Err(refuse(&agent.number, "secret", wrong, "exactly one of secret, secret_file, ha1"))
        }
    }
}

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

fn digests(agents: &Parsed<AgentsFile>, keys: &Placed<Ha1Keys>) -> Result<Credential, Box<Problem>> {
    let read = |digest: &Option<Placed<String>>, name: &str, length: usize| match digest {
        None => Ok(None),
        Some(hex) => {
            let text = hex.get_ref().to_ascii_lowercase();
            if text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
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
