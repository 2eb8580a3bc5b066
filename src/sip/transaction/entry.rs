//! One transaction: its machine, its bytes, its timers.

use std::fmt;
use std::net::SocketAddr;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::client::Client;
use super::client_invite::{ClientInput, ClientInvite};
use super::key::{ClientKey, MergeKey, ServerKey};
use super::machine::{Effect, Scene};
use super::server::Server;
use super::server_invite::{ServerInput, ServerInvite};
use super::table::{Owner, TxId};
use super::timers::{Reliability, Timer, Timing};
use crate::base::time::Instant;
use crate::base::timer::TimerTable;
use crate::sip::fact::Peer;
use crate::sip::flow::{Flow, FlowFailure, Transport};
use crate::sip::message::{Headers, Method, Name, Request, Response};

/// One transaction with what it needs to go on by itself. Serialises, so that a leg can take its transactions along.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    pub(super) id: TxId,
    pub(super) owner: Owner,
    pub(super) peer: Peer,
    pub(super) flow: Flow,
    pub(super) timers: TimerTable<Timer>,
    pub(super) part: Part,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Part {
    ClientInvite { key: ClientKey, machine: ClientInvite, request: Box<Request>, wire: Bytes, acks: Acks },
    Client { key: ClientKey, machine: Client, wire: Bytes },
    ServerInvite { key: ServerKey, merge: Option<MergeKey>, fallback: SocketAddr, machine: ServerInvite, wire: Bytes },
    Server { key: ServerKey, merge: Option<MergeKey>, fallback: SocketAddr, machine: Server, wire: Bytes },
}

impl fmt::Debug for Part {
    /// The machine only: the messages hold a citizen's number (rule 18).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientInvite { machine, .. } => f.debug_tuple("ClientInvite").field(machine).finish(),
            Self::Client { machine, .. } => f.debug_tuple("Client").field(machine).finish(),
            Self::ServerInvite { machine, .. } => f.debug_tuple("ServerInvite").field(machine).finish(),
            Self::Server { machine, .. } => f.debug_tuple("Server").field(machine).finish(),
        }
    }
}

/// The ACKs of the 2xx responses that our INVITE got, by To tag: a repeated 2xx is ACKed again without asking.
pub(super) type Acks = SmallVec<[(Bytes, Flow, Bytes); 1]>;

/// What one input made a machine ask for.
pub(super) type Effects = SmallVec<[Effect; 3]>;

#[derive(Clone, Copy, Debug)]
pub(super) enum Input {
    Client(ClientInput),
    Server(ServerInput),
    Timer(Timer),
}

impl Transaction {
    pub(super) fn drive(&mut self, now: Instant, timing: Timing, input: Input) -> Effects {
        let mut scene = scene(now, timing, self.flow, &mut self.timers);
        let client = match input {
            Input::Client(input) => Some(input),
            Input::Timer(timer) => Some(ClientInput::Timer(timer)),
            Input::Server(_) => None,
        };
        let server = match input {
            Input::Server(input) => Some(input),
            Input::Timer(timer) => Some(ServerInput::Timer(timer)),
            Input::Client(_) => None,
        };
        match &mut self.part {
            Part::ClientInvite { machine, .. } => {
                if let Some(input) = client {
                    *machine = machine.clone().handle(&mut scene, input);
                }
            }
            Part::Client { machine, .. } => {
                if let Some(input) = client {
                    *machine = machine.clone().handle(&mut scene, input);
                }
            }
            Part::ServerInvite { machine, .. } => {
                if let Some(input) = server {
                    *machine = machine.clone().handle(&mut scene, input);
                }
            }
            Part::Server { machine, .. } => {
                if let Some(input) = server {
                    *machine = machine.clone().handle(&mut scene, input);
                }
            }
        }
        scene.effects
    }

    /// Whether a failure of the transport concerns this transaction: only if a message of it is on its way. An ICMP
    /// message, which anybody can forge, and a trunk that starts anew must not end what only waits (promise 1).
    pub(super) fn is_hit_by(&self, failure: FlowFailure) -> bool {
        let trunk_over_udp = matches!(self.peer, Peer::Trunk(_)) && self.flow.transport == Transport::Udp;
        match &self.part {
            Part::ClientInvite { machine: ClientInvite::Calling(_), request, .. } => {
                let inside = request.headers.to().is_ok_and(|to| to.tag().is_some());
                !(inside && trunk_over_udp)
            }
            Part::ClientInvite { .. } => matches!(self.peer, Peer::Softphone(_)),
            Part::Client { .. } => true,
            // A stream that was opened for a response and closed again is opened again for the next one.
            Part::ServerInvite { .. } | Part::Server { .. } => {
                self.flow.transport == Transport::Tcp
                    && matches!(failure, FlowFailure::Refused | FlowFailure::ConnectTimeout)
            }
        }
    }

    /// Whether our request waits for a softphone whose stream has closed: only the softphone can open another (fault F22).
    /// Its own timer ends the wait. A re-INVITE does not wait: it may ask whether a silent party is still there, and the
    /// caller must not wait for that; nor does a report on a REFER, which is not worth it.
    pub(super) fn waits_for_peer(&self) -> bool {
        let worth_it = match &self.part {
            Part::Client { key, .. } => !matches!(key.method, Method::Cancel | Method::Notify),
            Part::ClientInvite { .. } | Part::ServerInvite { .. } | Part::Server { .. } => false,
        };
        worth_it && self.flow.transport == Transport::Tcp && matches!(self.peer, Peer::Softphone(_))
    }

    /// Whether a response repeats what our INVITE says: a dialog is made of it.
    pub(super) fn is_echoed_by(&self, response: &Response) -> bool {
        let Part::ClientInvite { request, .. } = &self.part else { return true };
        let identity = |headers: &Headers| {
            let tag = headers.from().ok().and_then(|from| from.tag().cloned());
            let number = headers.cseq().ok().map(|cseq| cseq.number);
            (headers.call_id().ok(), tag, number)
        };
        identity(&request.headers) == identity(&response.headers)
    }

    pub(super) fn wire(&self) -> &Bytes {
        match &self.part {
            Part::ClientInvite { wire, .. }
            | Part::Client { wire, .. }
            | Part::ServerInvite { wire, .. }
            | Part::Server { wire, .. } => wire,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        match &self.part {
            Part::ClientInvite { machine, .. } => *machine == ClientInvite::Terminated,
            Part::Client { machine, .. } => *machine == Client::Terminated,
            Part::ServerInvite { machine, .. } => *machine == ServerInvite::Terminated,
            Part::Server { machine, .. } => *machine == Server::Terminated,
        }
    }

    /// Whether it is an INVITE of ours that is kept only in case of a late answer.
    pub(super) fn is_given_up(&self) -> bool {
        match &self.part {
            Part::ClientInvite { machine, .. } => {
                matches!(machine, ClientInvite::GivenUp | ClientInvite::Recalled)
            }
            Part::Client { .. } | Part::ServerInvite { .. } | Part::Server { .. } => false,
        }
    }

    /// An INVITE of the peer that it may make us keep by not ACKing (V50).
    pub(super) fn is_open(&self) -> bool {
        match &self.part {
            Part::ServerInvite { machine, .. } => {
                matches!(machine, ServerInvite::Proceeding | ServerInvite::Completed(_))
            }
            Part::ClientInvite { .. } | Part::Client { .. } | Part::Server { .. } => false,
        }
    }
}

pub(super) fn scene(now: Instant, timing: Timing, flow: Flow, timers: &mut TimerTable<Timer>) -> Scene<'_> {
    let reliability = match flow.transport {
        Transport::Udp => Reliability::Unreliable,
        Transport::Tcp => Reliability::Reliable,
    };
    Scene { now, timing, reliability, timers, effects: SmallVec::new() }
}

/// The ACK of a non-2xx response: RFC 3261 17.1.1.3.
pub(super) fn ack_of_refusal(invite: &Request, response: &Response) -> Request {
    let mut ack = Request::new(Method::Ack, invite.uri.clone());
    for name in [Name::Via, Name::From, Name::CallId] {
        if let Some(value) = invite.headers.get(&name) {
            ack.headers.push(name, value.clone());
        }
    }
    if let Some(to) = response.headers.get(&Name::To) {
        ack.headers.push(Name::To, to.clone());
    }
    if let Ok(cseq) = invite.headers.cseq() {
        ack.headers.push(Name::CSeq, format!("{} ACK", cseq.number));
    }
    for route in invite.headers.get_all(&Name::Route) {
        ack.headers.push(Name::Route, route.clone());
    }
    ack.headers.push(Name::MaxForwards, "70");
    ack
}
