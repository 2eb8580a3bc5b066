//! How the caller's identity is written on a new leg (携号): what the recipe says, as SIP.
//!
//! The only writer: a leg that is dialled, whatever for, and `lianxian route` both come here, so that what is shown
//! beforehand is what leaves.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::Bytes;

use crate::base::ids::CallId;
use crate::call::record::Who;
use crate::call::site::Site;
use crate::routing::Decision;
use crate::routing::config::{Priority, Subscription, Trust};
use crate::routing::profile::{Names, Profile, UriForm};
use crate::routing::recipe::{self, Address, Called, Occasion, Showing, Summary, Target, Value};
use crate::sip::message::text::Charset;
use crate::sip::message::{Host, Name, NameAddr, Uri};

/// A leg to be dialled.
#[derive(Clone, Copy, Debug)]
pub struct NewLeg<'a> {
    /// What joins the records of both sides (`linkage_id`): the call, or the one that it was made for.
    pub linkage: CallId,
    /// Why it goes there, and whose number it shows.
    pub decision: &'a Decision,
    /// Who is called.
    pub who: &'a Who,
    /// The contact that an agent's softphone registered.
    pub contact: Option<&'a Uri>,
    /// Where the request goes first.
    pub remote: SocketAddr,
    /// Whose number is to be shown.
    pub showing: Showing,
}

/// What an INVITE says of who calls and who is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The Request-URI.
    pub uri: Uri,
    /// From, without tag.
    pub from: NameAddr,
    /// To, without tag.
    pub to: NameAddr,
    /// Identity, way and context, in their order.
    pub headers: Vec<(Name, Bytes)>,
    /// What the record keeps of it.
    pub summary: Summary,
}

/// Writes a leg's identity.
pub fn write(site: &Site, leg: &NewLeg<'_>) -> Written {
    let peer = PeerRow::of(site, leg.who);
    let (house, host) = (site.host.to_string(), host_of(leg.remote));
    let called = match leg.who {
        Who::Agent(agent) => Called::Agent(agent),
        Who::Trunk { number, .. } => Called::Number { number, host: &host, port: leg.remote.port() },
        // Nobody dials a caller; were one dialled, it would be as a number without a name.
        Who::Caller(_) => Called::Number { number: "", host: &host, port: leg.remote.port() },
    };
    let occasion = Occasion {
        outbound: &peer.profile.outbound,
        trust: peer.trust,
        subscription: &peer.subscription,
        house: &house,
        called,
        caller: &leg.decision.caller_id,
        showing: leg.showing,
        hotline: &leg.decision.hotline,
        referral: leg.decision.referral.as_ref(),
        territory: leg.decision.territory.as_ref().map(|territory| territory.code.as_str()),
        linkage: leg.linkage,
    };
    let presented = recipe::present(&occasion);
    let names = peer.profile.outbound.names;
    let to = name_addr(&presented.to, names);
    Written {
        uri: match (&presented.request_uri, leg.contact) {
            (Some(target), _) => uri(target),
            (None, Some(contact)) => contact.clone(),
            (None, None) => to.uri.clone(),
        },
        from: name_addr(&presented.from, names),
        to,
        headers: presented
            .headers
            .iter()
            .map(|line| (Name::from(line.name.as_str()), value(&line.value, names)))
            .chain(resource_priority(&peer, leg.decision))
            .collect(),
        summary: presented.summary,
    }
}

/// What a leg that is up is told of whoever it talks to from now on (trap T20): those headers of its recipe that name the
/// caller. From and To of a dialog stay what they were (RFC 3261 12.2.1.1).
pub(super) fn write_again(site: &Site, call: CallId, decision: &Decision, who: &Who) -> Vec<(Name, Bytes)> {
    // Where the request goes names the callee, and nothing of that is told again.
    let remote = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
    let leg = NewLeg { linkage: call, decision, who, contact: None, remote, showing: Showing::Citizen };
    let names_the_caller = |name: &Name| matches!(name, Name::PAssertedIdentity | Name::RemotePartyId | Name::Privacy);
    write(site, &leg).headers.into_iter().filter(|(name, _)| names_the_caller(name)).collect()
}

/// RFC 4412: an emergency call says what it is, where the trunk is configured to hear it.
fn resource_priority(peer: &PeerRow, decision: &Decision) -> Option<(Name, Bytes)> {
    let value = peer.resource_priority.clone().filter(|_| decision.priority == Priority::Emergency)?;
    Some((Name::ResourcePriority, Bytes::from(value)))
}

/// What the configuration says of a peer.
struct PeerRow {
    resource_priority: Option<String>,
    profile: Profile,
    trust: Trust,
    subscription: Subscription,
}

impl PeerRow {
    fn of(site: &Site, who: &Who) -> Self {
        let named = |id: &crate::base::ids::ProfileId| {
            site.routing.profile(id).cloned().unwrap_or_else(|| Profile::named(id.as_str()))
        };
        let trunk = match who {
            Who::Trunk { trunk, .. } => site.routing.trunk(trunk),
            Who::Agent(_) | Who::Caller(_) => None,
        };
        match trunk {
            Some(row) => Self {
                resource_priority: row.resource_priority.clone(),
                profile: named(&row.profile),
                trust: row.trust,
                subscription: row.subscription.clone(),
            },
            // A softphone of ours belongs to the house.
            None => Self {
                resource_priority: None,
                profile: named(&site.routing.softphone_profile),
                trust: Trust::Trusted,
                subscription: Subscription::default(),
            },
        }
    }
}

fn host_of(remote: SocketAddr) -> String {
    Host::Ip(remote.ip()).to_string()
}

fn value(value: &Value, names: Names) -> Bytes {
    match value {
        Value::Address(address) => name_addr(address, names).to_bytes(),
        Value::Text(text) => Bytes::copy_from_slice(text.as_bytes()),
    }
}

fn name_addr(address: &Address, names: Names) -> NameAddr {
    let mut written = NameAddr::new(uri(&address.target));
    written.display = address.display.as_ref().map(|name| name.reveal().clone());
    for (name, value) in &address.params {
        written.params.set(name, Some(Bytes::copy_from_slice(value.as_bytes())));
    }
    let charset = match names {
        Names::AsReceived => return written,
        Names::None => {
            written.display = None;
            return written;
        }
        Names::Utf8 => Charset::Utf8,
        Names::Gbk => Charset::Gbk,
        Names::Gb18030 => Charset::Gb18030,
    };
    match written.display_text() {
        Some(name) => written.with_display(&name, charset),
        None => written,
    }
}

fn uri(target: &Target) -> Uri {
    let host = || {
        let name = || Host::Name(Bytes::copy_from_slice(target.host.as_bytes()));
        Host::parse(target.host.as_bytes()).unwrap_or_else(name)
    };
    let mut uri = match target.form {
        UriForm::Sip | UriForm::SipPhone => Uri::sip(Some(&target.user), host(), target.port),
        // RFC 3966 knows digits only: a name has no tel: form.
        UriForm::Tel => Uri::tel(&target.user),
    };
    for (name, value) in &target.params {
        uri.set_param(name, Some(value));
    }
    if target.form == UriForm::SipPhone {
        uri.set_param("user", Some("phone"));
    }
    for (name, value) in &target.headers {
        uri = uri.with_header(name, value);
    }
    uri
}
