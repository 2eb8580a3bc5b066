//! Whose number: From, P-Asserted-Identity, P-Preferred-Identity, Remote-Party-ID, Privacy.

use bytes::Bytes;

use super::address::{Address, Target};
use super::{Line, Occasion, Showing, Shown, Value, number};
use crate::routing::caller_id::{DisplayName, Source};
use crate::routing::claims::PrivacyWord;
use crate::routing::config::Trust;
use crate::routing::profile::{AgentsShow, Asserted, FromShows, UriForm, WithheldFrom};

/// Whom the identity headers name, all alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// The caller.
    Caller,
    /// The trunk's own number.
    Own,
    /// Nobody: the peer may not see the number.
    Withheld,
    /// Nobody: there is no number.
    Unknown,
}

impl Who {
    pub(super) fn of(occasion: &Occasion<'_>) -> Self {
        let own_is_wished = match occasion.showing {
            Showing::OwnNumber => true,
            Showing::Citizen => {
                occasion.caller.source == Source::Registered && occasion.outbound.agents_show == AgentsShow::OwnNumber
            }
        };
        if own_is_wished && occasion.subscription.number.is_some() {
            return Self::Own;
        }
        match (occasion.caller.visible_to(occasion.trust), occasion.is_restricted()) {
            (true, _) => Self::Caller,
            (false, true) => Self::Withheld,
            (false, false) => Self::Unknown,
        }
    }
}

/// From. Where the peer may not see the number it names nobody, in name, user and host (trap T9).
pub(super) fn from(occasion: &Occasion<'_>, who: Who) -> Address {
    let own = || match occasion.outbound.from {
        FromShows::OwnNumber => own(occasion, occasion.outbound.from_uri),
        FromShows::Caller => None,
    };
    match who {
        Who::Own => own_or_nobody(occasion),
        Who::Caller => match (occasion.outbound.withheld_from, occasion.is_restricted()) {
            (WithheldFrom::Anonymous, true) => own().unwrap_or_else(anonymous),
            (WithheldFrom::Anonymous, false) | (WithheldFrom::Number, _) => {
                own().unwrap_or_else(|| caller(occasion, occasion.outbound.from_uri))
            }
        },
        Who::Withheld => own().unwrap_or_else(anonymous),
        Who::Unknown => own().unwrap_or_else(unavailable),
    }
}

/// What the record says of it.
pub(super) fn shown(occasion: &Occasion<'_>, who: Who, from: &Address) -> Shown {
    let own = occasion.own_number().filter(|own| *own == from.target.number()).is_some();
    match (who, occasion.showing) {
        (Who::Own, Showing::OwnNumber) => Shown::OwnNumberAfterRefusal,
        (Who::Own, Showing::Citizen) => Shown::OwnNumber,
        (Who::Caller | Who::Withheld | Who::Unknown, _) if own && occasion.outbound.from == FromShows::OwnNumber => {
            Shown::OwnNumber
        }
        (Who::Caller, _) if from.target.number().is_empty() => Shown::Withheld,
        (Who::Caller, _) => Shown::Number,
        (Who::Withheld, _) => Shown::Withheld,
        (Who::Unknown, _) => Shown::Unknown,
    }
}

/// The identity headers beside From.
pub(super) fn lines(occasion: &Occasion<'_>, who: Who) -> Vec<Line> {
    let outbound = occasion.outbound;
    let named = |form: UriForm| match who {
        Who::Caller => Some(caller(occasion, form)),
        Who::Own => own(occasion, form),
        Who::Withheld | Who::Unknown => None,
    };
    let mut lines = Vec::new();
    if occasion.trust == Trust::Trusted {
        let forms: &[UriForm] = match outbound.asserted_identity {
            Asserted::Sip => &[sip_form(outbound.from_uri)],
            Asserted::Tel => &[UriForm::Tel],
            Asserted::Both => &[sip_form(outbound.from_uri), UriForm::Tel],
        };
        lines.extend(forms.iter().filter_map(|form| Some(line("P-Asserted-Identity", named(*form)?))));
    }
    if outbound.preferred_identity {
        lines.extend(named(sip_form(outbound.from_uri)).map(|address| line("P-Preferred-Identity", address)));
    }
    if outbound.remote_party_id {
        lines.extend(named(sip_form(outbound.from_uri)).map(|address| remote_party(occasion, who, address)));
    }
    lines.extend(privacy(occasion));
    lines
}

/// Remote-Party-ID and the sip: form of P-Asserted-Identity follow From in `user=phone`.
const fn sip_form(from: UriForm) -> UriForm {
    match from {
        UriForm::SipPhone => UriForm::SipPhone,
        UriForm::Sip | UriForm::Tel => UriForm::Sip,
    }
}

/// draft-ietf-sip-privacy-04 5.1: `screen` says whether a network has verified the number.
fn remote_party(occasion: &Occasion<'_>, who: Who, mut address: Address) -> Line {
    let verified = match (who, occasion.caller.source) {
        (Who::Own, _) | (Who::Caller, Source::Asserted | Source::Registered) => "yes",
        (Who::Caller, Source::Preferred | Source::RemoteParty | Source::Diversion | Source::From)
        | (Who::Withheld | Who::Unknown, _) => "no",
    };
    let privacy = if occasion.is_restricted() { "full" } else { "off" };
    let params = [("party", "calling"), ("screen", verified), ("privacy", privacy)];
    address.params.extend(params.map(|(name, value)| (name, value.to_owned())));
    line("Remote-Party-ID", address)
}

/// Privacy goes with a withheld number wherever it goes, so that the next network withholds it too. What the caller
/// asked for stays; what we have carried out ourselves towards an untrusted trunk is no longer asked of it, and
/// `critical` least of all: it could only refuse the call (RFC 3323 5).
fn privacy(occasion: &Occasion<'_>) -> Option<Line> {
    let mut words = occasion.caller.privacy.clone();
    let text = match (occasion.is_restricted(), occasion.trust) {
        (true, Trust::Untrusted) => PrivacyWord::Id.as_str().to_owned(),
        (true, Trust::Trusted) => {
            words.add(PrivacyWord::Id);
            let asked = words.iter().filter(|word| *word != PrivacyWord::None);
            asked.map(PrivacyWord::as_str).collect::<Vec<_>>().join(";")
        }
        (false, _) => words.iter().map(PrivacyWord::as_str).collect::<Vec<_>>().join(";"),
    };
    (!text.is_empty()).then(|| Line { name: "Privacy".to_owned(), value: Value::Text(text) })
}

fn caller(occasion: &Occasion<'_>, form: UriForm) -> Address {
    let target = number::uri(occasion, number::callers(occasion), occasion.domain(), form);
    Address { display: occasion.caller.display.clone(), ..Address::bare(target) }
}

fn own(occasion: &Occasion<'_>, form: UriForm) -> Option<Address> {
    let number = occasion.own_number()?;
    Some(Address::bare(number::uri(occasion, number, occasion.domain(), form)))
}

fn own_or_nobody(occasion: &Occasion<'_>) -> Address {
    own(occasion, occasion.outbound.from_uri).unwrap_or_else(anonymous)
}

/// RFC 3323 4.1.1.3.
fn anonymous() -> Address {
    let display = DisplayName::new(Bytes::from_static(b"Anonymous"));
    Address { display, ..Address::bare(Target::sip("anonymous", "anonymous.invalid")) }
}

/// 3GPP TS 23.003 13.7: the network has no number.
fn unavailable() -> Address {
    let display = DisplayName::new(Bytes::from_static(b"Unavailable"));
    Address { display, ..Address::bare(Target::sip("unavailable", "unknown.invalid")) }
}

fn line(name: &str, address: Address) -> Line {
    Line { name: name.to_owned(), value: Value::Address(address) }
}
