//! Who is a softphone: digest authentication as a server (RFC 3261 22, RFC 7616, RFC 8760).
//!
//! Decides: whether a request proves a secret, what a challenge says, and who has guessed too often.
//! Invariants: nothing is remembered about those who have proved nothing, except wrong guesses on a nonce that they
//! must have received; known and unknown names get the same answer after the same work (V38); a nonce count is good
//! once; every table has a limit; no secret is ever printed or sent.
//! Does not do: answer challenges (that will be the trunks' registration), or decide which requests need a proof (that
//! is the endpoint's). From and To are compared by those who use the verdict.

mod digest;
mod lockout;
mod nonce;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use subtle::ConstantTimeEq;

pub use digest::{Algorithm, Ha1};

use self::digest::Credentials;
use self::lockout::Lockout;
use self::nonce::Nonces;
use super::message::{Name, Request, Uri};
use crate::base::entropy::Entropy;
use crate::base::ids::AgentId;
use crate::base::time::Instant;

/// How many Authorization headers of a request are looked at. A telephone may send one for each challenge it got.
const MAX_AUTHORIZATIONS: usize = 4;

/// What the authenticator must know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The realm: a part of every secret's hash.
    pub realm: String,
    /// What is offered, the preferred one first (RFC 8760 2.4). Some telephones give up when they see one that they do
    /// not know, even beside MD5: where such are in use, offer MD5 alone.
    pub algorithms: Vec<Algorithm>,
    /// How long a nonce may be used.
    pub nonce_lifetime: Duration,
    /// The agents who may register. The user name of the credentials is the agent's number.
    pub accounts: BTreeMap<AgentId, Account>,
}

/// What proves one agent: the hashes of its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    md5: Option<Ha1>,
    sha256: Option<Ha1>,
}

/// What a request proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This agent sent it.
    Granted(AgentId),
    /// It has no credentials for us: to be challenged (401).
    Absent,
    /// Its nonce is not ours, too old, or was used before: to be challenged again, with `stale` (401).
    Stale,
    /// A wrong name or password: 403.
    Denied,
    /// Too many wrong ones: 403 with Retry-After, whatever it says now.
    LockedOut {
        /// How long it must wait.
        retry_after: Duration,
    },
}

/// Why a challenge is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// There were no credentials.
    NoCredentials,
    /// The nonce was stale; a telephone then answers again without asking its user.
    StaleNonce,
}

/// Checks credentials and issues challenges.
#[derive(Debug)]
pub struct Authenticator {
    realm: String,
    offered: Vec<Algorithm>,
    accounts: BTreeMap<AgentId, Account>,
    /// Stands in for every name that does not exist, so that both cost the same.
    nobody: Account,
    nonces: Nonces,
    lockout: Lockout,
}

// === impl Settings ===

impl Settings {
    /// Both algorithms, nonces that live five minutes, nobody to register.
    pub fn new(realm: &str) -> Self {
        Self {
            realm: realm.to_owned(),
            algorithms: vec![Algorithm::Sha256, Algorithm::Md5],
            nonce_lifetime: Duration::from_secs(300),
            accounts: BTreeMap::new(),
        }
    }

    /// What a challenge offers: of the algorithms those that every account can answer, because the same challenge goes
    /// to everybody before we know who asks. Empty if the accounts have none in common: a mistake of configuration.
    pub fn offered(&self) -> Vec<Algorithm> {
        let all_have = |algorithm: &Algorithm| self.accounts.values().all(|account| account.ha1(*algorithm).is_some());
        self.algorithms.iter().copied().filter(all_have).collect()
    }

    /// The same with an agent who proves itself by a password.
    #[must_use]
    pub fn with_password(mut self, agent: AgentId, password: &str) -> Self {
        let account = Account::of_password(agent.as_str(), &self.realm, password);
        self.accounts.insert(agent, account);
        self
    }
}

// === impl Account ===

impl Account {
    /// From a password, for both algorithms.
    pub fn of_password(user: &str, realm: &str, password: &str) -> Self {
        let hash = |algorithm| Some(Ha1::of_password(algorithm, user, realm, password));
        Self { md5: hash(Algorithm::Md5), sha256: hash(Algorithm::Sha256) }
    }

    /// From stored hashes of `user:realm:password` in hexadecimal. `None` if one is malformed or both are missing.
    pub fn of_hashes(md5: Option<&str>, sha256: Option<&str>) -> Option<Self> {
        let read = |algorithm, text: Option<&str>| match text {
            Some(text) => Ha1::from_hex(algorithm, text).map(Some),
            None => Some(None),
        };
        let account = Self { md5: read(Algorithm::Md5, md5)?, sha256: read(Algorithm::Sha256, sha256)? };
        (account.md5.is_some() || account.sha256.is_some()).then_some(account)
    }

    fn ha1(&self, algorithm: Algorithm) -> Option<&Ha1> {
        match algorithm {
            Algorithm::Md5 => self.md5.as_ref(),
            Algorithm::Sha256 => self.sha256.as_ref(),
        }
    }
}

// === impl Authenticator ===

impl Authenticator {
    /// An authenticator whose nonces are sealed with a secret drawn from `entropy`.
    pub fn new(settings: Settings, mut entropy: Entropy) -> Self {
        let nobody = format!("{:032x}", entropy.next_u128());
        Self {
            offered: settings.offered(),
            nobody: Account::of_password("nobody", &settings.realm, &nobody),
            realm: settings.realm,
            accounts: settings.accounts,
            nonces: Nonces::new(entropy, settings.nonce_lifetime),
            lockout: Lockout::default(),
        }
    }

    /// Takes other accounts, algorithms or another realm (reload). Nonces and wrong guesses stay.
    pub fn reconfigure(&mut self, settings: Settings) {
        self.offered = settings.offered();
        self.realm = settings.realm;
        self.accounts = settings.accounts;
    }

    /// The values of the WWW-Authenticate headers of a 401 to `source`, the preferred one first. All share one nonce.
    pub fn challenge(&mut self, now: Instant, source: IpAddr, because: Because) -> Vec<Bytes> {
        let nonce = self.nonces.issue(now, &self.realm, source);
        let stale = match because {
            Because::NoCredentials => "",
            Because::StaleNonce => ", stale=true",
        };
        let value = |algorithm: &Algorithm| {
            let (realm, token) = (&self.realm, algorithm.token());
            format!("Digest realm=\"{realm}\", qop=\"auth\", nonce=\"{nonce}\", algorithm={token}{stale}").into()
        };
        self.offered.iter().map(value).collect()
    }

    /// What `request`, which came from `source`, proves.
    pub fn verify(&mut self, now: Instant, request: &Request, source: IpAddr) -> Verdict {
        let Some(credentials) = self.credentials(request) else {
            return Verdict::Absent;
        };
        if let Some(retry_after) = self.lockout.wait(now, source, &credentials.username) {
            return Verdict::LockedOut { retry_after };
        }
        // The response is not looked at when the nonce is not good: the answer would tell whether it was right, and
        // guesses that are not counted would be free.
        let Some(issued) = self.nonces.check(now, &self.realm, source, &credentials.nonce) else {
            return Verdict::Stale;
        };
        let agent = std::str::from_utf8(&credentials.username).ok().map(AgentId::from);
        let account = agent.as_ref().and_then(|agent| self.accounts.get(agent)).unwrap_or(&self.nobody);
        let proved = proves(account, request, &credentials);
        let (true, Some(agent)) = (proved, agent.filter(|agent| self.accounts.contains_key(agent))) else {
            self.lockout.wrong(now, source, &credentials.username);
            return Verdict::Denied;
        };
        match credentials.count() {
            Some(count) if self.nonces.use_count(now, issued, count) => {
                self.lockout.right(source, &credentials.username);
                Verdict::Granted(agent)
            }
            // A replay of what the agent once sent: it wipes no slate.
            Some(_) | None => Verdict::Stale,
        }
    }

    /// How many entries the tables hold: nonces in use, and guessers.
    pub fn remembered(&self) -> (usize, usize) {
        (self.nonces.remembered(), self.lockout.remembered())
    }

    /// The first credentials that are meant for us.
    fn credentials(&self, request: &Request) -> Option<Credentials> {
        request
            .headers
            .get_all(&Name::Authorization)
            .take(MAX_AUTHORIZATIONS)
            .filter_map(Credentials::parse)
            .find(|found| found.realm == self.realm && self.offered.contains(&found.algorithm))
    }
}

/// Whether the response is right, for this method and this resource. Takes the same time for every wrong response.
fn proves(account: &Account, request: &Request, credentials: &Credentials) -> bool {
    let Some(ha1) = account.ha1(credentials.algorithm) else {
        return false;
    };
    let expected = ha1.response(request.method.as_bytes(), credentials);
    let given = credentials.response.to_ascii_lowercase();
    let right: bool = expected.as_bytes().ct_eq(&given).into();
    right && same_resource(&credentials.uri, &request.uri)
}

/// RFC 7616 3.4.6: the credentials must be for what is asked. Port and parameters are left out of it, because proxies
/// on the way change them; user and host say who is called.
fn same_resource(written: &[u8], asked: &Uri) -> bool {
    Uri::parse(written).is_ok_and(|written| {
        let hosts = match (written.host(), asked.host()) {
            (Some(one), Some(other)) => one.equivalent(other),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        hosts && written.user() == asked.user()
    })
}

#[cfg(test)]
mod tests;
