//! Digest arithmetic (RFC 7616, RFC 8760): challenge and credentials as values, and the response that proves a secret.

#![warn(clippy::indexing_slicing)]

use std::fmt::Write;

use bytes::Bytes;
use md5::Md5;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The longest credentials that are read, in bytes.
const MAX_CREDENTIALS: usize = 4096;
/// The most parameters that are read.
const MAX_PARAMETERS: usize = 24;

/// A hash that clients may answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// RFC 8760 2.
    #[serde(rename = "SHA-256")]
    Sha256,
    /// For telephones that know nothing else (RFC 3261 22.4).
    #[serde(rename = "MD5")]
    Md5,
}

/// H(user:realm:password): what a server must know to check a response, useless in any other realm.
#[derive(Clone, PartialEq, Eq)]
pub struct Ha1(String);

/// What a client sends to prove that it knows a secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) username: Bytes,
    pub(super) realm: Bytes,
    pub(super) nonce: Bytes,
    pub(super) uri: Bytes,
    pub(super) response: Bytes,
    pub(super) cnonce: Bytes,
    /// The count as written: it is hashed so.
    pub(super) nc: Bytes,
    pub(super) algorithm: Algorithm,
}

// === impl Algorithm ===

impl Algorithm {
    /// The token of the `algorithm` parameter.
    pub const fn token(self) -> &'static str {
        match self {
            Self::Sha256 => "SHA-256",
            Self::Md5 => "MD5",
        }
    }

    fn from_token(token: &[u8]) -> Option<Self> {
        [Self::Sha256, Self::Md5].into_iter().find(|known| known.token().as_bytes().eq_ignore_ascii_case(token))
    }

    /// The hash of the parts with colons between them, in lower-case hexadecimal.
    fn hash(self, parts: &[&[u8]]) -> String {
        let joined = parts.join(&b':');
        match self {
            Self::Sha256 => hexadecimal(&Sha256::digest(joined)),
            Self::Md5 => hexadecimal(&Md5::digest(joined)),
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes every write");
        text
    })
}

// === impl Ha1 ===

impl Ha1 {
    /// Computes it from a password.
    pub fn of_password(algorithm: Algorithm, user: &str, realm: &str, password: &str) -> Self {
        Self(algorithm.hash(&[user.as_bytes(), realm.as_bytes(), password.as_bytes()]))
    }

    /// Takes it as an administrator wrote it: hexadecimal of the hash's length, either case.
    pub fn from_hex(algorithm: Algorithm, text: &str) -> Option<Self> {
        let length = match algorithm {
            Algorithm::Sha256 => 64,
            Algorithm::Md5 => 32,
        };
        let fits = text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        fits.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The response that a client with this secret gives (RFC 7616 3.4.1, qop=auth).
    pub(super) fn response(&self, method: &[u8], with: &Credentials) -> String {
        let ha2 = with.algorithm.hash(&[method, &with.uri]);
        with.algorithm.hash(&[self.0.as_bytes(), &with.nonce, &with.nc, &with.cnonce, b"auth", ha2.as_bytes()])
    }
}

impl std::fmt::Debug for Ha1 {
    /// Never shown: whoever has it can register.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ha1(..)")
    }
}

// === impl Credentials ===

impl Credentials {
    /// Reads the value of an Authorization header. `None` if it is no digest with qop=auth under an algorithm we know;
    /// such a request is challenged like one without credentials (RFC 4475 3.3.7).
    pub(super) fn parse(value: &Bytes) -> Option<Self> {
        if value.len() > MAX_CREDENTIALS {
            return None;
        }
        let (scheme, rest) = value.split_at_checked(6)?;
        if !scheme.eq_ignore_ascii_case(b"digest") || !rest.first()?.is_ascii_whitespace() {
            return None;
        }
        let parameters = parameters(rest)?;
        let find = |name: &str| {
            let mut found = parameters.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()));
            let first = found.next();
            // A doubled parameter could be read differently by somebody else: no credentials.
            if found.next().is_some() { None } else { first.map(|(_, value)| value.clone()) }
        };
        let algorithm = find("algorithm").map_or(Some(Algorithm::Md5), |token| Algorithm::from_token(&token))?;
        if !find("qop")?.eq_ignore_ascii_case(b"auth") {
            return None;
        }
        Some(Self {
            username: find("username")?,
            realm: find("realm")?,
            nonce: find("nonce")?,
            uri: find("uri")?,
            response: find("response")?,
            cnonce: find("cnonce")?,
            nc: find("nc")?,
            algorithm,
        })
    }

    /// The nonce count: eight hexadecimal digits, from 1 upward.
    pub(super) fn count(&self) -> Option<u32> {
        let digits = std::str::from_utf8(&self.nc).ok()?;
        let fits = digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        u32::from_str_radix(digits, 16).ok().filter(|count| fits && *count > 0)
    }
}

/// `name=token` and `name="quoted"`, separated by commas; `None` if it is anything else.
fn parameters(text: &[u8]) -> Option<Vec<(Bytes, Bytes)>> {
    let mut found = Vec::new();
    let mut rest = text.trim_ascii();
    while !rest.is_empty() {
        if found.len() == MAX_PARAMETERS {
            return None;
        }
        let equals = rest.iter().position(|byte| *byte == b'=')?;
        let (name, after) = rest.split_at_checked(equals)?;
        let after = after.get(1..)?.trim_ascii_start();
        let (value, after) = match after.strip_prefix(b"\"") {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = after.iter().position(|byte| *byte == b',').unwrap_or(after.len());
                let (token, after) = after.split_at_checked(end)?;
                (token.trim_ascii().to_vec(), after)
            }
        };
        found.push((Bytes::copy_from_slice(name.trim_ascii()), value.into()));
        let after = after.trim_ascii_start();
        rest = match after.strip_prefix(b",") {
            Some(next) => next.trim_ascii_start(),
            None if after.is_empty() => after,
            None => return None,
        };
    }
    Some(found)
}

/// The text up to the closing quote, with escapes resolved, and what follows it.
fn unquote(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut value = Vec::new();
    let mut bytes = text.iter().enumerate();
    while let Some((index, byte)) = bytes.next() {
        match byte {
            b'"' => return Some((value, text.get(index + 1..)?)),
            b'\\' => value.push(*bytes.next()?.1),
            other => value.push(*other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(text: &str) -> Option<Credentials> {
        Credentials::parse(&Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn the_examples_of_rfc_7616_are_computed() {
        let text = |algorithm: &str| {
            format!(
                "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", \
                 algorithm={algorithm}, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, \
                 cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, response=\"x\""
            )
        };
        for (algorithm, response) in [
            (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
            (Algorithm::Sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let with = credentials(&text(algorithm.token())).unwrap();
            let ha1 = Ha1::of_password(algorithm, "Mufasa", "http-auth@example.org", "Circle of Life");
            assert_eq!(ha1.response(b"GET", &with), response);
        }
    }

    #[test]
    fn credentials_are_read_leniently_but_never_ambiguously() {
        let good = "username=\"80\\\"01\",realm=\"r\" , nonce=n,uri=\"sip:x\",response=\"y\",cnonce=c,nc=0000000A,qop=\"auth\"";
        let read = credentials(&format!("digest   {good}, algorithm=md5")).unwrap();
        assert_eq!((&read.username[..], read.count()), (&b"80\"01"[..], Some(10)));
        for bad in [
            String::new(),
            "Digest".to_owned(),
            "Digest ".to_owned(),
            "Basic YTpi".to_owned(),
            "NoOneKnowsThisScheme opaque-data=here".to_owned(),
            format!("Digestive {good}"),
            format!("Digest {good}, nonce=again"),
            format!("Digest {good}, algorithm=SHA-512-256"),
            format!("Digest {good}, broken"),
            format!("Digest {good} nonsense=1"),
            format!("Digest {}", good.replace("qop=\"auth\"", "qop=auth-int")),
            format!("Digest {}", good.replace(",qop=\"auth\"", "")),
            format!("Digest {}", good.replace("uri=\"sip:x\"", "uri=\"sip:x")),
            format!("Digest {good}{}", ", a=b".repeat(40)),
            format!("Digest {good}, x=\"{}\"", "y".repeat(5000)),
            format!("Digest {}", "\"".repeat(999)),
        ] {
            assert!(credentials(&bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_count_is_eight_hexadecimal_digits_from_one() {
        for (nc, count) in
            [("00000001", Some(1)), ("FFFFFFFF", Some(u32::MAX)), ("00000000", None), ("1", None), ("+0000001", None)]
        {
            let text = format!("Digest username=u,realm=r,nonce=n,uri=u,response=r,cnonce=c,qop=auth,nc={nc}");
            assert_eq!(credentials(&text).unwrap().count(), count, "{nc}");
        }
    }

    #[test]
    fn a_stored_secret_has_the_length_of_its_hash() {
        let secret = "939e7578ed9e3c518a452acee763bce9";
        assert!(Ha1::from_hex(Algorithm::Md5, secret).is_some());
        assert!(Ha1::from_hex(Algorithm::Sha256, secret).is_none());
        assert!(Ha1::from_hex(Algorithm::Md5, "939e7578ed9e3c518a452acee763bceg").is_none());
        assert_eq!(format!("{:?}", Ha1::from_hex(Algorithm::Md5, secret).unwrap()), "Ha1(..)");
    }
}
