//! What the receiver needs beside the number: Referred-By, User-to-User, Call-Info, configured headers (trap T57).

use super::address::{Address, Target};
use super::identity::Who;
use super::{Line, Occasion, Showing, Value, number};
use crate::base::ids::CallId;
use crate::routing::caller_id::Source;

pub(super) fn lines(occasion: &Occasion<'_>, who: Who) -> Vec<Line> {
    let outbound = occasion.outbound;
    let mut lines = Vec::new();
    if outbound.referred_by {
        lines.extend(referred_by(occasion));
    }
    if outbound.user_to_user {
        lines.push(text("User-to-User", user_to_user(occasion)));
    }
    if let Some(template) = &outbound.call_info {
        // RFC 3261 20.9: brackets, and the purpose of a page about the caller.
        let address = filled(occasion, template).map(|address| format!("<{address}>;purpose=info"));
        lines.extend(address.map(|value| text("Call-Info", value)));
    }
    let configured = outbound.headers.iter();
    lines.extend(configured.filter_map(|(name, template)| Some(text(name, filled(occasion, template)?))));
    if let (Who::Own, Showing::OwnNumber) = (who, occasion.showing) {
        lines.extend(citizen(occasion).map(|number| text(&outbound.refused_number_header, number)));
    }
    lines
}

/// The agent who transfers, on this transfer only (trap T5, RFC 3892).
fn referred_by(occasion: &Occasion<'_>) -> Option<Line> {
    let agent = occasion.referral?.agent.as_ref()?;
    let address = Address::bare(Target::sip(agent.as_str(), occasion.domain()));
    Some(Line { name: "Referred-By".to_owned(), value: Value::Address(address) })
}

/// RFC 7433: hexadecimal, and declared so (trap T58). Without `purpose` the content is ISDN's, whose first octet says
/// which protocol follows (RFC 7434 4.2, Q.931 4.5.30): 00, the users' own. The id's sixteen bytes follow.
fn user_to_user(occasion: &Occasion<'_>) -> String {
    format!("00{};encoding=hex", occasion.linkage)
}

/// The linkage id in a value of User-to-User as [`user_to_user`] writes it, `purpose` and upper case allowed.
pub fn linkage_of(value: &[u8]) -> Option<CallId> {
    let value = std::str::from_utf8(value).ok()?;
    let mut parts = value.split(';').map(str::trim);
    let content = parts.next()?.trim_matches('"');
    let hexadecimal = |part: &str| part.eq_ignore_ascii_case("encoding=hex");
    if !parts.any(hexadecimal) || content.len() != 34 || !content.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(content.strip_prefix("00")?, 16).ok().map(CallId)
}

/// The citizen's number, where the peer may see it.
fn citizen(occasion: &Occasion<'_>) -> Option<String> {
    occasion.caller.visible_to(occasion.trust).then(|| number::callers(occasion))
}

/// A template with its placeholders filled in. `None` if one of them has nothing to say: half a header misleads.
fn filled(occasion: &Occasion<'_>, template: &str) -> Option<String> {
    let agent = || match (occasion.referral, occasion.caller.source) {
        (Some(referral), _) => referral.agent.as_ref().map(|agent| agent.as_str().to_owned()),
        (None, Source::Registered) => Some(occasion.caller.number.reveal().to_owned()),
        (None, _) => None,
    };
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('{') {
        let (name, after) = behind.split_once('}')?;
        text.push_str(before);
        let value = match name {
            "number" => citizen(occasion),
            "agent" => agent(),
            "hotline" => Some(occasion.hotline.as_str().to_owned()),
            "territory" => occasion.territory.map(str::to_owned),
            "linkage" => Some(occasion.linkage.to_string()),
            _ => None,
        };
        text.push_str(&value?);
        rest = after;
    }
    text.push_str(rest);
    Some(text)
}

/// A header of text, in which nothing can start a header of its own.
fn text(name: &str, value: String) -> Line {
    let value = value.chars().filter(|c| !c.is_control()).collect();
    Line { name: name.to_owned(), value: Value::Text(value) }
}
