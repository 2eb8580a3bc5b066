//! How the caller's number is written on a new leg (携号): From and P-Asserted-Identity, always the same number.

use bytes::Bytes;

use crate::routing::CallerId;
use crate::routing::caller_id::DisplayName;
use crate::routing::config::Trust;
use crate::sip::message::{Host, Name, NameAddr, Uri};

/// From of a new leg: the citizen's number at our host, or nobody (RFC 3323 4.1.1.3) when the peer may not see it.
pub(super) fn from(caller: &CallerId, trust: Trust, host: &Host) -> NameAddr {
    if caller.visible_to(trust) { address(caller, host) } else { anonymous() }
}

/// The headers that carry the number beside From.
///
/// P-Asserted-Identity goes only into the trust domain (RFC 3325 9.1); `Privacy: id` goes with a withheld number
/// wherever it goes, so that the next network withholds it too. What the caller's own INVITE had is never copied (I23).
pub(super) fn headers(caller: &CallerId, trust: Trust, host: &Host) -> Vec<(Name, Bytes)> {
    let mut headers = Vec::new();
    match trust {
        Trust::Trusted if caller.visible_to(trust) => {
            headers.push((Name::PAssertedIdentity, address(caller, host).to_bytes()));
        }
        Trust::Trusted | Trust::Untrusted => {}
    }
    if caller.presentation == crate::routing::Presentation::Restricted {
        headers.push((Name::Privacy, Bytes::from_static(b"id")));
    }
    headers
}

fn address(caller: &CallerId, host: &Host) -> NameAddr {
    let mut address = NameAddr::new(Uri::sip(Some(caller.number.reveal()), host.clone(), None));
    address.display = caller.display.as_ref().map(DisplayName::reveal).cloned();
    address
}

fn anonymous() -> NameAddr {
    let host = Host::Name(Bytes::from_static(b"anonymous.invalid"));
    let mut address = NameAddr::new(Uri::sip(Some("anonymous"), host, None));
    address.display = Some(Bytes::from_static(b"Anonymous"));
    address
}
