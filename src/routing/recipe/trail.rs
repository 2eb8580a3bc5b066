//! The way that the call has come: Diversion and History-Info, the whole chain in order (trap T56).

use super::address::{Address, Target};
use super::{Line, Occasion, Value, number};
use crate::routing::caller_id::{Presentation, Source};
use crate::routing::chain::Left;
use crate::routing::config::Trust;
use crate::routing::profile::{DivertingNumber, UriForm};

/// One number of the way, ready to be written.
struct Stop {
    number: String,
    left: Option<Left>,
    presentation: Presentation,
}

pub(super) fn lines(occasion: &Occasion<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    // What an agent dials has been nowhere before, and nobody has sent it on.
    if occasion.caller.source == Source::Registered && occasion.referral.is_none() {
        return lines;
    }
    if occasion.outbound.diversion {
        lines.extend(diversions(occasion));
    }
    if occasion.outbound.history_info {
        lines.extend(history(occasion));
    }
    lines
}

/// The chain that the trunk brought, and ourselves: the hotline that sends the call on.
fn stops(occasion: &Occasion<'_>) -> Vec<Stop> {
    let may_see = |presentation: Presentation| match (presentation, occasion.trust) {
        (Presentation::Allowed, _) | (Presentation::Restricted, Trust::Trusted) => true,
        (Presentation::Restricted, Trust::Untrusted) => false,
    };
    let stop = |hop: &crate::routing::chain::Hop| Stop {
        number: number::written(occasion, &hop.number, &hop.normal),
        left: hop.left,
        presentation: hop.presentation,
    };
    let before = occasion.caller.chain.iter().filter(|hop| may_see(hop.presentation)).map(stop);
    // A person sends a transferred call on; any other follows a plan.
    let left = if occasion.referral.is_some() { Left::Deflection } else { Left::Unconditional };
    let ours = Stop { number: ours(occasion), left: Some(left), presentation: Presentation::Allowed };
    before.chain(std::iter::once(ours)).collect()
}

fn ours(occasion: &Occasion<'_>) -> String {
    let own = match occasion.outbound.diverting_number {
        DivertingNumber::Hotline => None,
        DivertingNumber::OwnNumber => occasion.own_number(),
    };
    let hotline = occasion.referral.map_or(occasion.hotline, |referral| &referral.hotline);
    own.unwrap_or_else(|| number::form(occasion, hotline.as_str(), occasion.outbound.caller_number))
}

/// RFC 5806 5.1: the latest stands first. A number that merely passed the call on has diverted nothing.
fn diversions(occasion: &Occasion<'_>) -> Vec<Line> {
    let value = |stop: &Stop| {
        let left = stop.left?;
        let privacy = match stop.presentation {
            Presentation::Allowed => "off",
            Presentation::Restricted => "full",
        };
        let mut address = Address::bare(target(occasion, stop));
        address.params.push(("reason", left.word().to_owned()));
        address.params.push(("privacy", privacy.to_owned()));
        Some(Line { name: "Diversion".to_owned(), value: Value::Address(address) })
    };
    stops(occasion).iter().rev().filter_map(value).collect()
}

/// RFC 7044 10.3: each entry a level deeper than the one before, `mp` naming the entry that was diverted; the last one
/// is where the call goes now. `cause` stands with the target that it led to (RFC 4458).
fn history(occasion: &Occasion<'_>) -> Vec<Line> {
    let stops = stops(occasion);
    let (mut lines, mut index, mut left) = (Vec::new(), "1".to_owned(), None::<Left>);
    let now = number::called(occasion, UriForm::Sip);
    let targets =
        stops.iter().map(|stop| (history_target(occasion, stop), stop.left)).chain(std::iter::once((now, None)));
    for (position, (mut target, next)) in targets.enumerate() {
        let mut params = vec![("index", index.clone())];
        if let (Some(cause), Some((parent, _))) = (left, index.rsplit_once('.')) {
            target.params.push(("cause", cause.cause().to_string()));
            params.push(("mp", parent.to_owned()));
        } else if let (1.., Some((parent, _))) = (position, index.rsplit_once('.')) {
            params.push(("rc", parent.to_owned()));
        }
        let address = Address { params, ..Address::bare(target) };
        lines.push(Line { name: "History-Info".to_owned(), value: Value::Address(address) });
        index.push_str(".1");
        left = next;
    }
    lines
}

/// RFC 7044 10.1: a private entry says so in its URI.
fn history_target(occasion: &Occasion<'_>, stop: &Stop) -> Target {
    let mut target = target(occasion, stop);
    match stop.presentation {
        Presentation::Allowed => {}
        Presentation::Restricted => target.headers.push(("Privacy", "history".to_owned())),
    }
    target
}

fn target(occasion: &Occasion<'_>, stop: &Stop) -> Target {
    Target::sip(stop.number.clone(), occasion.domain())
}
