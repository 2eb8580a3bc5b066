//! The tokens of `[[http.token]]`: read like passwords, kept as digests.

use std::collections::BTreeSet;
use std::path::Path;

use super::schema::{AgentsFile, MainFile, NumbersKey, RoleKey, TokenEntry};
use super::secret::{STRONG, Written, weakness};
use super::source::{Parsed, Sources};
use super::{Placed, Problem};
use crate::api::{Numbers, Role, Token, digest};
use crate::base::ids::AgentId;

/// The shortest token that is accepted: it is written into files, not remembered.
const SHORTEST: usize = 24;

/// What is read from.
struct Reading<'a> {
    sources: &'a Sources<'a>,
    folder: &'a Path,
    main: &'a Parsed<MainFile>,
    agents: &'a Parsed<AgentsFile>,
}

/// Reads every token and notes what is wrong with it.
pub(super) fn read_all(
    sources: &Sources<'_>,
    folder: &Path,
    main: &Parsed<MainFile>,
    agents: &Parsed<AgentsFile>,
    problems: &mut Vec<Problem>,
) -> Vec<Token> {
    let reading = Reading { sources, folder, main, agents };
    let mut tokens: Vec<Token> = Vec::new();
    let mut names = BTreeSet::new();
    for entry in main.value.http.iter().flat_map(|http| &http.token) {
        let name = entry.name.get_ref();
        if name.is_empty() || name.len() > 64 || name.chars().any(char::is_control) || !names.insert(name) {
            let right = "1 to 64 characters, another name for each token";
            problems.push(main.problem(&entry.name, "http.token.name", "empty, too long or used twice", right));
        }
        match (reading.role(entry), reading.digest(entry)) {
            (Ok(role), Ok(digest)) if tokens.iter().any(|token| token.digest == digest) => {
                let (wrong, right) = (format!("{name} has the token of another entry"), "a token of its own");
                problems.push(main.problem(&entry.name, "http.token.secret", wrong, right));
                drop(role);
            }
            (Ok(role), Ok(digest)) => {
                let numbers = match entry.numbers {
                    NumbersKey::Masked => Numbers::Masked,
                    NumbersKey::Whole => Numbers::Whole,
                };
                tokens.push(Token { name: name.clone(), role, numbers, digest });
            }
            (role, digest) => problems.extend(role.err().into_iter().chain(digest.err()).map(|problem| *problem)),
        }
    }
    tokens
}

impl Reading<'_> {
    fn refuse<T>(&self, place: &Placed<T>, key: &str, wrong: impl Into<String>, right: &str) -> Box<Problem> {
        Box::new(self.main.problem(place, format!("http.token.{key}"), wrong, right))
    }

    fn named(&self, place: &Placed<String>, key: &str, wrong: impl Into<String>, right: &str) -> Box<Problem> {
        Box::new(self.main.problem(place, key, wrong, right))
    }

    fn role(&self, entry: &TokenEntry) -> Result<Role, Box<Problem>> {
        match (entry.role, &entry.agent) {
            (RoleKey::Agent, Some(agent)) => {
                let number = agent.get_ref();
                if self.agents.value.agent.iter().any(|row| row.number.get_ref() == number) {
                    return Ok(Role::Agent(AgentId::from(number.as_str())));
                }
                let right = "the number of an [[agent]] in agents.toml";
                Err(self.refuse(agent, "agent", format!("there is no agent `{}`", number.escape_debug()), right))
            }
            (RoleKey::Agent, None) => {
                let right = "agent = \"1001\", the agent whose desk it is";
                Err(self.refuse(&entry.name, "agent", "role agent without an agent", right))
            }
            (RoleKey::Supervisor | RoleKey::Administrator | RoleKey::System, Some(agent)) => Err(self.refuse(
                agent,
                "agent",
                "only a token of role agent has an agent",
                "no agent, or role = \"agent\"",
            )),
            (RoleKey::Supervisor, None) => Ok(Role::Supervisor),
            (RoleKey::Administrator, None) => Ok(Role::Administrator),
            (RoleKey::System, None) => Ok(Role::System),
        }
    }

    fn digest(&self, entry: &TokenEntry) -> Result<[u8; 32], Box<Problem>> {
        let name = entry.name.get_ref();
        match (&entry.secret, &entry.secret_file, &entry.sha256) {
            (None, None, Some(hex)) => from_hexadecimal(hex.get_ref())
                .ok_or_else(|| self.refuse(hex, "sha256", "no SHA-256 digest", "64 hexadecimal digits")),
            (_, _, Some(_)) => {
                let right = "exactly one of secret, secret_file, sha256";
                Err(self.refuse(&entry.name, "secret", format!("token {name} has more than one secret"), right))
            }
            (secret, secret_file, None) => {
                let written = Written {
                    file: self.main,
                    noun: "token",
                    key: "http.token",
                    whose: (&entry.name, format!("token {name}")),
                    secret: secret.as_ref(),
                    secret_file: secret_file.as_ref(),
                    other: "sha256",
                };
                let (text, place, key) = written.read(self.sources, self.folder)?;
                self.strong(place, &key, &text, name)
            }
        }
    }

    fn strong(&self, place: &Placed<String>, key: &str, text: &str, name: &str) -> Result<[u8; 32], Box<Problem>> {
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.len() < SHORTEST || text.len() > 256 || !printable {
            let right = "24 to 256 printable characters without spaces, as of `openssl rand -hex 32`";
            return Err(self.named(place, key, "too short, too long or not fit for a header", right));
        }
        match weakness(text, name) {
            None => Ok(digest(text)),
            Some(weak) => Err(self.named(place, key, format!("the token {weak}"), STRONG)),
        }
    }
}

fn from_hexadecimal(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, digits) in digest.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(digest)
}
