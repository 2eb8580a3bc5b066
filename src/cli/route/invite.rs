//! The INVITE that would leave: written by the call's writer and the endpoint's builder.

use std::net::SocketAddr;

use serde::Serialize;

use crate::base::entropy::Entropy;
use crate::base::ids::{CallId, TrunkId};
use crate::base::time::Instant;
use crate::call::identity::{self, NewLeg};
use crate::call::record::Who;
use crate::call::site::Site;
use crate::routing::Decision;
use crate::routing::config::Transport;
use crate::routing::recipe::{Showing, Summary};
use crate::sdp::negotiate::Direction;
use crate::sdp::session::Session;
use crate::sip::endpoint::{self, Endpoint};
use crate::sip::fact::Peer;
use crate::sip::flow::{self, Flow};
use crate::sip::order::OutgoingInvite;

/// What Max-Forwards is when the caller's INVITE came with 70.
const MAX_FORWARDS: u8 = 69;

/// A request as it would leave.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Invite {
    /// The Request-URI.
    pub(super) request_uri: String,
    /// The headers, in the order of the message. What is random, and what is only of the body, is a word in brackets.
    pub(super) headers: Vec<Header>,
}

/// One header line.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Header {
    /// Its name.
    pub(super) name: String,
    /// Its value.
    pub(super) value: String,
}

/// The INVITE to a number on a trunk by one of its gateways, and what the record would keep of it. `None` if nothing
/// that we listen on reaches the gateway.
pub(super) fn write(
    site: &Site,
    sip: &endpoint::Settings,
    decision: &Decision,
    (trunk, number): (&TrunkId, &str),
    (transport, remote): (Transport, SocketAddr),
) -> Option<(Invite, Summary)> {
    let transport = match transport {
        Transport::Udp => flow::Transport::Udp,
        Transport::Tcp => flow::Transport::Tcp,
    };
    let listener = site.listener_for(transport, remote.ip())?;
    let who = Who::Trunk { trunk: trunk.clone(), number: number.to_owned() };
    let written = identity::write(
        site,
        &NewLeg { linkage: CallId(0), decision, who: &who, contact: None, remote, showing: Showing::default() },
    );
    let media = site.media_for(remote.ip())?;
    let mut endpoint = Endpoint::new(sip.clone(), Entropy::new([0; 32]));
    let leg = endpoint.reserve_leg();
    let invite = OutgoingInvite {
        leg,
        peer: Peer::Trunk(trunk.clone()),
        flow: Flow { transport, local: listener.address, remote, connection: None },
        uri: written.uri,
        from: written.from,
        to: written.to,
        headers: written.headers,
        offer: Session::new(media.advertised, site.media_ports.0, 0).offer(Direction::SendRecv),
        max_forwards: MAX_FORWARDS,
    };
    endpoint.invite(Instant::START, invite);
    let message = endpoint.poll_transmit()?.message;
    read(&String::from_utf8_lossy(&message)).map(|invite| (invite, written.summary))
}

/// Reads the head of our own message, and takes out what is another in each call.
fn read(message: &str) -> Option<Invite> {
    let (head, _body) = message.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let request_uri = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| Header { name: name.to_owned(), value: constant(name, value.trim()) });
    Some(Invite { request_uri, headers: headers.collect() })
}

fn constant(name: &str, value: &str) -> String {
    match name {
        "Call-ID" => "<call-id>".to_owned(),
        "Content-Length" => "<length>".to_owned(),
        "Via" => without(value, ";branch=", "<branch>"),
        "From" => without(value, ";tag=", "<tag>"),
        _ => value.to_owned(),
    }
}

/// The value with a word in the place of a parameter's.
fn without(value: &str, parameter: &str, word: &str) -> String {
    let Some((before, rest)) = value.split_once(parameter) else { return value.to_owned() };
    let after = rest.find(';').and_then(|end| rest.get(end..)).unwrap_or_default();
    format!("{before}{parameter}{word}{after}")
}
