//! What an INVITE says about its caller, read from its headers. What cannot be read says nothing.
//!
//! Decides: which value of which header is a claim of what.
//! Invariants: every header that names a person is read here and nowhere else, in whatever spelling it came; a broken
//! value harms no other one, and no value however odd reaches another leg but as a number of plain characters.
//! Does not do: belief. [`crate::routing::caller_id`] weighs the claims by the trust of the trunk.

#[cfg(test)]
mod tests;

use bytes::Bytes;

use crate::routing::chain::{Diversion, Entry};
use crate::routing::claims::{Claim, Claims, PrivacyWords, RemoteParty};
use crate::sip::message::{Headers, Name, NameAddr, Uri};

/// More values than this of one header tell nothing more: RFC 3325 9.1 knows two, RFC 7044 chains are short.
const MAX_VALUES: usize = 32;

/// Everything that the headers claim. Names are compared after the message layer has normalised them, so that an odd
/// spelling is the same header (V16).
pub(super) fn claims(headers: &Headers) -> Claims {
    let from = headers.from().as_ref().map(claim).unwrap_or_default();
    let two = |name: Name| addresses(headers, &name).take(2).map(|address| claim(&address)).collect();
    let mut privacy = PrivacyWords::default();
    headers.get_all(&Name::Privacy).for_each(|value| privacy.read(value));
    Claims {
        from,
        // RFC 3325 9.1: at most one sip: and one tel:.
        asserted: two(Name::PAssertedIdentity),
        preferred: two(Name::PPreferredIdentity),
        remote_party: addresses(headers, &Name::RemotePartyId).filter_map(|address| remote_party(&address)).collect(),
        diversions: addresses(headers, &Name::Diversion).map(|address| diversion(&address)).collect(),
        history: addresses(headers, &Name::HistoryInfo).map(|address| entry(&address)).collect(),
        privacy,
    }
}

/// The values of a list header, over all its lines. A value that is broken harms no other one.
fn addresses<'a>(headers: &'a Headers, name: &'a Name) -> impl Iterator<Item = NameAddr> + 'a {
    headers.values(name).take(MAX_VALUES).filter_map(|value| NameAddr::of(&value).ok())
}

fn claim(address: &NameAddr) -> Claim {
    let host = address.uri.host().map(|host| Bytes::from(host.to_string())).unwrap_or_default();
    Claim { number: number(&address.uri), host, display: address.display.clone() }
}

/// The user part without the parameters that networks hang on it (`+86138..;noa=national`, RFC 3261 19.1.6), and
/// without what RFC 3966 calls visual separators.
fn number(uri: &Uri) -> Bytes {
    let user = uri.user().unwrap_or_default();
    let end = memchr::memchr(b';', &user).unwrap_or(user.len());
    user.slice(..end)
}

/// draft-ietf-sip-privacy-04 5.1: without `party` it is the calling one.
fn remote_party(address: &NameAddr) -> Option<RemoteParty> {
    let word = |name: &str| address.params.unquoted(name).unwrap_or_default().to_ascii_lowercase();
    if !matches!(word("party").as_slice(), b"" | b"calling") {
        return None;
    }
    let private = matches!(word("privacy").as_slice(), b"full" | b"uri");
    Some(RemoteParty { claim: claim(address), private })
}

fn diversion(address: &NameAddr) -> Diversion {
    let private = address.params.unquoted("privacy").is_some_and(|value| !value.eq_ignore_ascii_case(b"off"));
    Diversion { by: claim(address), reason: address.params.unquoted("reason").unwrap_or_default(), private }
}

fn entry(address: &NameAddr) -> Entry {
    let cause = address.uri.param("cause").flatten().and_then(|value| std::str::from_utf8(&value).ok()?.parse().ok());
    // `?Reason=SIP%3Bcause%3D486`: a whole Reason header, escaped.
    let reason = address.uri.header("Reason").and_then(|value| {
        let mut inner = Headers::default();
        inner.push(Name::Reason, value);
        inner.reason().sip
    });
    Entry { target: claim(address), cause, reason, private: address.uri.header("Privacy").is_some() }
}
