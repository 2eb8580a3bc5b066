//! Refer-To: whom a REFER wants us to reach (RFC 3515 2.1), read without mercy (security row V21).

#![warn(clippy::indexing_slicing)]

use thiserror::Error;

use super::headers::Headers;
use super::name::Name;
use super::name_addr::NameAddr;
use super::replaces::Replaces;
use super::scan::split_list;
use super::uri::{Scheme, Uri, unescape};

/// No address that is meant honestly is longer.
const LENGTH_MAX: usize = 2_048;

/// Whom a REFER wants us to reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferTo {
    /// Who: sip, sips or tel, without URI headers and without `method`.
    pub uri: Uri,
    /// The dialog to be replaced there.
    pub replaces: Option<Replaces>,
}

/// Why a Refer-To is not followed; the peer's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReferToError {
    /// It cannot be read: 400.
    #[error("no Refer-To: {0}")]
    Malformed(&'static str),
    /// It asks for what nobody gets: another method, a header of its own choice: 403.
    #[error("Refer-To asks for {0}")]
    Forbidden(&'static str),
}

impl Headers {
    /// Referred-By (RFC 3892 3), if there is exactly one that can be read. It is told, never needed.
    pub fn referred_by(&self) -> Option<NameAddr> {
        NameAddr::of(self.single(Name::ReferredBy).ok()?).ok()
    }

    /// Refer-To: exactly one address.
    pub fn refer_to(&self) -> Result<ReferTo, ReferToError> {
        let value = self.single(Name::ReferTo).map_err(|error| ReferToError::Malformed(error.problem))?;
        if value.len() > LENGTH_MAX {
            return Err(ReferToError::Malformed("too long"));
        }
        if split_list(value).count() != 1 {
            return Err(ReferToError::Malformed("several addresses"));
        }
        let uri = NameAddr::of(value).map_err(ReferToError::Malformed)?.uri;
        match uri.scheme() {
            Scheme::Sip | Scheme::Sips | Scheme::Tel => {}
            Scheme::Other(_) => return Err(ReferToError::Forbidden("a scheme that we do not call")),
        }
        refuse_other_methods(&uri)?;
        // An escaped line end must not become a real one anywhere behind us.
        if unescape(&uri.to_bytes()).iter().any(u8::is_ascii_control) {
            return Err(ReferToError::Forbidden("control characters"));
        }
        let replaces = replaces_of(&uri)?;
        let mut uri = uri.without_headers();
        uri.remove_param("method");
        Ok(ReferTo { uri, replaces })
    }
}

/// Every `method` counts, not only the first one: who reads the URI behind us may take another (RFC 3261 25.1 allows one).
fn refuse_other_methods(uri: &Uri) -> Result<(), ReferToError> {
    let methods = uri.params().iter().filter(|(name, _)| unescape(name).eq_ignore_ascii_case(b"method"));
    for (_, value) in methods {
        if !value.is_some_and(|method| unescape(method).eq_ignore_ascii_case(b"INVITE")) {
            return Err(ReferToError::Forbidden("another method"));
        }
    }
    Ok(())
}

/// Of the URI's headers only Replaces, and a Require that means it, are accepted.
fn replaces_of(uri: &Uri) -> Result<Option<Replaces>, ReferToError> {
    let mut found = None;
    for (name, value) in uri.headers() {
        let (name, value) = (unescape(name), unescape(value));
        if Name::parse(&name) == Name::Require && value.trim_ascii().eq_ignore_ascii_case(b"replaces") {
            continue;
        }
        if Name::parse(&name) != Name::Replaces {
            return Err(ReferToError::Forbidden("a header of its own choice"));
        }
        if found.is_some() {
            return Err(ReferToError::Malformed("Replaces is there more than once"));
        }
        found = Some(Replaces::of(&value).map_err(ReferToError::Malformed)?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<ReferTo, ReferToError> {
        let mut headers = Headers::default();
        headers.push(Name::ReferTo, value.to_owned());
        headers.refer_to()
    }

    #[test]
    fn a_refer_to_is_one_address_with_at_most_a_replaces() {
        let blind = read("\"110\" <sip:110@192.0.2.1;user=phone;method=INVITE>").unwrap();
        assert_eq!(blind.uri.to_bytes(), "sip:110@192.0.2.1;user=phone");
        assert_eq!(blind.replaces, None);
        let escaped = read("<sip:110@192.0.2.1;%6dethod=invite;method=INVITE>").unwrap();
        assert_eq!(escaped.uri.to_bytes(), "sip:110@192.0.2.1");
        assert_eq!(read("tel:110").unwrap().uri.to_bytes(), "tel:110");
        assert_eq!(read("sip:110@192.0.2.1;x=1").unwrap().uri.to_bytes(), "sip:110@192.0.2.1");
        let attended = read("<sip:a@192.0.2.1?Require=replaces&Replaces=1%402%3Bto-tag%3Da%3Bfrom-tag%3Db>").unwrap();
        assert_eq!(attended.uri.to_bytes(), "sip:a@192.0.2.1");
        assert_eq!(attended.replaces.unwrap().call_id, "1@2");
    }

    #[test]
    fn v21_a_refer_to_that_smuggles_headers_methods_or_line_ends_is_refused() {
        for value in [
            "<sip:110@h?P-Asserted-Identity=%3Csip%3A1%40h%3E>",
            "<sip:110@h?Replaces=1%3Bto-tag%3Da%3Bfrom-tag%3Db&Route=%3Csip%3Aevil%3E>",
            "<sip:110@h?body=x>",
            "<sip:110@h?Require=100rel>",
            "<sip:110@h?%52oute=x>",
            "<sip:110@h;method=BYE>",
            "<sip:110@h;%6dethod=BYE>",
            "<sip:110@h;method>",
            "<sip:110@h;method;%6dethod=BYE>",
            "<sip:110@h;method=INVITE;method=BYE>",
            "<sip:110%0d%0aRoute%3a%20x@h>",
            "<http://evil.example/>",
            "mailto:a@b",
        ] {
            assert!(matches!(read(value), Err(ReferToError::Forbidden(_))), "{value}: {:?}", read(value));
        }
    }

    #[test]
    fn a_refer_to_that_cannot_be_read_is_malformed() {
        let long = format!("<sip:{}@h>", "1".repeat(65_000));
        for value in [
            "",
            "110",
            "<sip:110@h",
            "<sip:110@h>, <sip:119@h>",
            "<sip:110@h?Replaces=1>",
            "<sip:110@h?Replaces=1%3Bto-tag%3Da%3Bfrom-tag%3Db&Replaces=1%3Bto-tag%3Da%3Bfrom-tag%3Db>",
            &long,
        ] {
            assert!(matches!(read(value), Err(ReferToError::Malformed(_))), "{value:.80}");
        }
        let mut two = Headers::default();
        two.push(Name::ReferTo, "<sip:110@h>");
        two.push(Name::ReferTo, "<sip:119@h>");
        assert!(matches!(two.refer_to(), Err(ReferToError::Malformed(_))));
        assert!(matches!(Headers::default().refer_to(), Err(ReferToError::Malformed(_))));
    }
}
