//! What the configuration says of a ticket store.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Certificate, Url};

use crate::tickets::mapping::Mapping;

/// One ticket store.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its name.
    pub name: Arc<str>,
    /// Where events are sent.
    pub target: Target,
    /// How we prove who we are.
    pub auth: Auth,
    /// Whose certificates are believed.
    pub trust: Trust,
    /// How long a connection may take to come up.
    pub connect_timeout: Duration,
    /// How long the whole attempt may take.
    pub timeout: Duration,
    /// What its answers mean.
    pub answers: Answers,
    /// Its own format; none: `linkage-ticket/1` as it is.
    pub mapping: Option<Mapping>,
}

/// An address that may be spoken to: `https`, or `http` where that is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target(Url);

/// An address that is not spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    /// No URL at all.
    #[error("no URL of a host")]
    NoUrl,
    /// Another scheme.
    #[error("neither https nor http")]
    Scheme,
    /// `user:password@`: a secret in a file that is not secret.
    #[error("a name or password in the URL")]
    Credentials,
    /// `#..` is never sent.
    #[error("a fragment in the URL")]
    Fragment,
    /// Citizens' data would leave this machine in the clear.
    #[error("http to another machine: citizens' data would go in the clear")]
    Plaintext,
}

impl Target {
    /// Reads a URL. `http` is allowed to this machine, and elsewhere only if `plaintext` says so.
    pub fn new(text: &str, plaintext: bool) -> Result<Self, BadTarget> {
        let url = Url::parse(text).map_err(|_| BadTarget::NoUrl)?;
        let host = url.host_str().ok_or(BadTarget::NoUrl)?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let here = bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadTarget::Credentials);
        }
        if url.fragment().is_some() {
            return Err(BadTarget::Fragment);
        }
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if here || plaintext => Ok(Self(url)),
            "http" => Err(BadTarget::Plaintext),
            _ => Err(BadTarget::Scheme),
        }
    }

    pub(super) const fn url(&self) -> &Url {
        &self.0
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// What a signature covers: the path, and the query if there is one.
    pub(super) fn path_and_query(&self) -> String {
        match self.0.query() {
            Some(query) => format!("{}?{query}", self.0.path()),
            None => self.0.path().to_owned(),
        }
    }
}

/// A secret: it prints as dots.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret into custody.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// How we prove who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// By nothing; the network does.
    None,
    /// `Authorization: Bearer ..` (RFC 6750).
    Bearer(Secret),
    /// A key in a header, such as `x-api-key`.
    Key {
        /// The header's name.
        header: String,
        /// The key.
        key: Secret,
    },
    /// `X-Lianxian-Timestamp`, seconds since 1970, and `X-Lianxian-Signature`: HMAC-SHA256 (RFC 2104) in lower-case
    /// hexadecimal over `POST`, the path with its query, the timestamp, each followed by a line feed, and the body.
    Hmac(Secret),
}

/// Whose certificates are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Those that this system believes.
    System,
    /// Only these: certificates in PEM, one after the other.
    Only(Arc<[u8]>),
}

/// A file of certificates that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no certificate in PEM")]
pub struct BadCertificates;

impl Trust {
    /// Only the certificates in this text.
    pub fn only(pem: &[u8]) -> Result<Self, BadCertificates> {
        match Certificate::from_pem_bundle(pem) {
            Ok(certificates) if !certificates.is_empty() => Ok(Self::Only(pem.into())),
            Ok(_) | Err(_) => Err(BadCertificates),
        }
    }
}

/// What the answers of a ticket store mean, where HTTP's status does not say it all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// What the JSON body of a 2xx says if the event was really taken; none: the status is enough.
    pub success: Option<Said>,
    /// The member of the JSON body that is kept as the receipt, its names joined by dots.
    pub receipt: Option<String>,
    /// What 409 means.
    pub replays: Replays,
}

/// A member of a JSON body and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Its names, joined by dots.
    pub member: String,
    /// Its value as text: `true`, `0`, `ok`.
    pub value: String,
}

/// What 409 (RFC 9110 15.5.10) means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Replays {
    /// A conflict: the record is refused. A ticket store that knows idempotency keys answers a replay with 2xx.
    #[default]
    Refused,
    /// The ticket store has this event already.
    Taken,
}
