//! Who asks, and what that role may do.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use super::problem::{Kind, Problem};
use super::rate::Bucket;
use crate::base::ids::AgentId;
use crate::base::time::Instant;

/// Requests a second of one token, on average, and at once.
const RATE: (u32, u32) = (50, 100);
/// The same of our own delivery: a day's backlog leaves within minutes.
const RATE_OF_DELIVERY: (u32, u32) = (2_000, 4_000);
/// The name of our own delivery among the clients. No configured name has brackets.
const DELIVERY: &str = "(delivery)";
/// Requests a second with a token that nobody has, of all strangers together: guessing is slow and never locks out
/// who knows the right one.
const STRANGERS: (u32, u32) = (5, 20);
/// The longest token that is looked at.
const LONGEST: usize = 512;

/// What an administrator configured for one client of the HTTP interface.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// The client's name, for the log.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Whether it may read citizens' numbers whole, call by call.
    pub numbers: Numbers,
    /// SHA-256 of the secret: the secret itself is not kept.
    pub digest: [u8; 32],
}

impl fmt::Debug for Token {
    /// The digest of a short secret could be guessed back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("name", &self.name).field("role", &self.role).finish_non_exhaustive()
    }
}

/// What a client may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// An agent's desk: its own calls.
    Agent(AgentId),
    /// A supervisor: every call.
    Supervisor,
    /// An administrator: the daemon, no call.
    Administrator,
    /// Another system, such as a CTI server: every call.
    System,
}

/// How citizens' numbers are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Numbers {
    /// `139****1111`.
    #[default]
    Masked,
    /// Whole, where one call is asked for by its name; every such reading is logged.
    Whole,
}

/// A role without its particulars, for the table of routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RoleName {
    Agent,
    Supervisor,
    Administrator,
    System,
}

impl Role {
    pub(super) const fn name(&self) -> RoleName {
        match self {
            Self::Agent(_) => RoleName::Agent,
            Self::Supervisor => RoleName::Supervisor,
            Self::Administrator => RoleName::Administrator,
            Self::System => RoleName::System,
        }
    }
}

impl RoleName {
    /// The word for it in configuration and documentation.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Supervisor => "supervisor",
            Self::Administrator => "administrator",
            Self::System => "system",
        }
    }
}

/// A client that has proved who it is.
#[derive(Clone, Debug)]
pub(super) struct Client {
    /// Its name.
    pub(super) name: Arc<str>,
    /// What it may do.
    pub(super) role: Role,
    /// How it sees numbers.
    pub(super) numbers: Numbers,
}

/// Every token. Copies share it, so that a reload reaches the listeners that run.
#[derive(Clone, Debug)]
pub struct Access {
    tokens: Arc<RwLock<Arc<[Known]>>>,
    /// Tokens of no configuration: a reload keeps them.
    own: Arc<[Known]>,
    strangers: Arc<Bucket>,
}

#[derive(Clone)]
struct Known {
    client: Client,
    digest: [u8; 32],
    rate: Arc<Bucket>,
    /// What the bucket was made with, to be told.
    limit: (u32, u32),
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known").field("client", &self.client).finish_non_exhaustive()
    }
}

impl Access {
    /// The tokens of a configuration.
    pub fn new(tokens: Vec<Token>) -> Self {
        Self::of(tokens, Arc::from([]))
    }

    /// The tokens of a configuration, and the one by which our own delivery reaches the built-in ticket store: minted
    /// when the process starts, and known to nobody else.
    pub fn with_delivery(tokens: Vec<Token>, digest: [u8; 32]) -> Self {
        let client = Client { name: DELIVERY.into(), role: Role::System, numbers: Numbers::Masked };
        let (per_second, burst) = RATE_OF_DELIVERY;
        let known = Known { client, digest, rate: Arc::new(Bucket::new(per_second, burst)), limit: RATE_OF_DELIVERY };
        Self::of(tokens, Arc::from([known]))
    }

    fn of(tokens: Vec<Token>, own: Arc<[Known]>) -> Self {
        let access = Self {
            tokens: Arc::new(RwLock::new(Arc::from([]))),
            own,
            strangers: Arc::new(Bucket::new(STRANGERS.0, STRANGERS.1)),
        };
        access.replace(tokens);
        access
    }

    /// Takes the tokens of a new configuration; a token that is not in it any more is refused from now on.
    pub fn replace(&self, tokens: Vec<Token>) {
        let known = |token: Token| Known {
            client: Client { name: token.name.into(), role: token.role, numbers: token.numbers },
            digest: token.digest,
            rate: Arc::new(Bucket::new(RATE.0, RATE.1)),
            limit: RATE,
        };
        let fresh = tokens.into_iter().map(known).chain(self.own.iter().cloned()).collect();
        *self.tokens.write().unwrap_or_else(PoisonError::into_inner) = fresh;
    }

    /// Who asks, by the `Authorization` header (RFC 6750 2.1), if it is not asking too often.
    pub(super) fn admit(&self, now: Instant, headers: &HeaderMap) -> Result<Client, Problem> {
        let Some(secret) = bearer(headers) else {
            return Err(self.refuse(now, "the request carries no bearer token"));
        };
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(known) = find(&tokens, secret) else {
            return Err(self.refuse(now, "the token is not known"));
        };
        known.rate.take(now).map_err(|wait| {
            let right = format!("at most {} requests a second, {} at once", known.limit.0, known.limit.1);
            Problem::new(Kind::TooManyRequests, "this token asks too often", right).retry_after(wait)
        })?;
        Ok(known.client.clone())
    }

    /// Whether a client is still configured as it was: asked by streams that live longer than a request.
    pub(super) fn stands(&self, client: &Client) -> bool {
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner).clone();
        tokens.iter().any(|known| known.client.name == client.name && known.client.role == client.role)
    }

    fn refuse(&self, now: Instant, detail: &str) -> Problem {
        match self.strangers.take(now) {
            Ok(()) => Problem::new(Kind::Unauthorized, detail, "Authorization: Bearer <a token of [[http.token]]>")
                .challenge(),
            Err(wait) => {
                let right = "a valid token is answered at once";
                Problem::new(Kind::TooManyRequests, "too many requests without a valid token", right).retry_after(wait)
            }
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, secret) = value.as_bytes().split_at_checked("Bearer ".len())?;
    let fits = !secret.is_empty() && secret.len() <= LONGEST;
    (scheme.eq_ignore_ascii_case(b"Bearer ") && fits).then_some(secret)
}

/// The token of that secret. Every token is compared, each in constant time: how long it takes says nothing about how
/// near a guess was.
fn find<'a>(tokens: &'a [Known], secret: &[u8]) -> Option<&'a Known> {
    let digest: [u8; 32] = Sha256::digest(secret).into();
    let mut found = u32::MAX;
    for (index, known) in (0_u32..).zip(tokens) {
        let same: Choice = known.digest.ct_eq(&digest);
        found.conditional_assign(&index, same);
    }
    tokens.get(usize::try_from(found).ok()?)
}

/// SHA-256 of a secret, as the configuration keeps it.
pub fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(name: &str, role: Role, secret: &str) -> Token {
        Token { name: name.to_owned(), role, numbers: Numbers::Masked, digest: digest(secret) }
    }

    fn with(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())])
    }

    #[test]
    fn only_a_whole_bearer_token_opens() {
        let access = Access::new(vec![
            token("desk", Role::Agent(AgentId::from("1001")), "the-token-of-the-desk"),
            token("board", Role::Supervisor, "the-token-of-the-board"),
        ]);
        let admitted = |value: &str| access.admit(Instant::START, &with(value)).map(|client| client.role);
        assert_eq!(admitted("Bearer the-token-of-the-board").unwrap(), Role::Supervisor);
        assert_eq!(admitted("bearer the-token-of-the-desk").unwrap(), Role::Agent(AgentId::from("1001")));
        for wrong in ["", "Bearer ", "Bearer the-token-of-the-boar", "Basic the-token-of-the-board", "Bearer x"] {
            assert_eq!(admitted(wrong).unwrap_err().kind(), Kind::Unauthorized, "{wrong}");
        }
        let mut twice = with("Bearer the-token-of-the-board");
        twice.append(header::AUTHORIZATION, "Bearer x".parse().unwrap());
        assert!(access.admit(Instant::START, &twice).is_err(), "two headers are none");
        access.replace(vec![token("board", Role::Supervisor, "another-token-of-the-board")]);
        assert!(admitted("Bearer the-token-of-the-board").is_err(), "a reload takes tokens back");
    }

    #[test]
    fn our_own_delivery_outlives_a_reload_and_may_ask_more_often() {
        let access = Access::with_delivery(Vec::new(), digest("minted"));
        access.replace(vec![token("board", Role::Supervisor, "the-token-of-the-board")]);
        let admitted = |secret: &str| access.admit(Instant::START, &with(&format!("Bearer {secret}")));
        assert_eq!(admitted("minted").unwrap().role, Role::System);
        assert_eq!((0..1_000).filter(|_| admitted("minted").is_ok()).count(), 1_000);
        assert_eq!((0..1_000).filter(|_| admitted("the-token-of-the-board").is_ok()).count(), 100);
    }

    #[test]
    fn guessing_is_slow_and_does_not_lock_out_who_knows() {
        let access = Access::new(vec![token("board", Role::Supervisor, "the-token-of-the-board")]);
        let tries = (0..100).map(|_| access.admit(Instant::START, &with("Bearer guess")).unwrap_err().kind());
        assert_eq!(tries.filter(|kind| *kind == Kind::Unauthorized).count(), 20);
        assert!(access.admit(Instant::START, &with("Bearer the-token-of-the-board")).is_ok());
    }

    #[test]
    fn no_secret_is_printed() {
        let secret = "the-token-of-the-board";
        let token = token("board", Role::Supervisor, secret);
        let access = Access::new(vec![token.clone()]);
        let printed = format!("{token:?}");
        assert!(!printed.contains(secret) && !printed.contains("digest"), "{printed}");
        assert!(!format!("{access:?}").contains(secret));
    }
}
