//! What the world has seen on the wire, leg by leg: the ground on which the invariants judge.
//!
//! Nothing here is asked of the product. A leg is a Call-ID between the product and one party; a matter is all legs
//! that carry the same citizen's number, or those of one consultation on the citizen's behalf.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lianxian::base::ids::LegId;
use lianxian::base::time::Instant;
use lianxian::call::notice::What;
use lianxian::media::order::Order;

use super::joins::{Named, ReferWatch};
use super::sdp_writer::{Direction, Session};
use super::sip_writer::{SipText, user_of};
use super::sound::{Rtp, Sound, listen};
use super::step::{Cause, Effect, Step};
use super::told::{Told, eleven, number_of};

/// Whose side of a matter a leg is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The citizen's.
    Caller,
    /// An agent's or a target's.
    Service,
}

/// One dialog between the product and a party, seen from the wire.
#[derive(Clone, Debug)]
pub struct LegWatch {
    /// The party.
    pub party: usize,
    /// The citizen's number that it is about.
    pub matter: String,
    /// Which side.
    pub side: Side,
    /// What its INVITE said of who calls.
    pub told: Told,
    /// When the INVITE that made it passed.
    pub invited_at: Instant,
    /// CSeq of the INVITE that made it.
    pub invite_cseq: u32,
    /// Our tag and the party's.
    pub tags: (String, String),
    /// Max-Forwards of the INVITE that made it.
    pub max_forwards: u32,
    /// A provisional above 100 or 100 itself has been delivered to us (service) or sent by us (caller).
    pub provisional: bool,
    /// The 2xx to the INVITE: delivered (service) or first sent (caller).
    pub answered_at: Option<Instant>,
    /// The ACK to that 2xx: sent (service) or delivered (caller).
    pub acked_at: Option<Instant>,
    /// A final response above 299 to the INVITE.
    pub refused: Option<(Instant, u16)>,
    /// The party's BYE was delivered.
    pub peer_bye_at: Option<Instant>,
    /// The party's CANCEL was delivered.
    pub peer_cancel_at: Option<Instant>,
    /// Our BYE was first sent.
    pub our_bye_at: Option<Instant>,
    /// Our CANCEL was first sent.
    pub our_cancel_at: Option<Instant>,
    /// The leg answered 481 or 408 to us, or one of our requests was never answered.
    pub lost_at: Option<Instant>,
    /// Our CSeq.
    pub our_cseq: u32,
    /// The highest CSeq delivered from the party.
    pub peer_cseq: u32,
    /// The party's REFERs, by CSeq.
    pub refers: BTreeMap<u32, ReferWatch>,
    /// Our re-INVITE that has no final response yet: CSeq and when it was sent.
    pub our_reinvite: Option<(u32, Instant)>,
    /// Our requests within the dialog that have had no final response: CSeq and when they were first sent.
    pub pending: BTreeMap<u32, Instant>,
    /// CSeqs of our INVITEs whose 2xx was delivered.
    pub answered: BTreeSet<u32>,
    /// Our 2xx to the party's INVITEs that have had no ACK: CSeq and when they were first sent.
    pub owed_acks: BTreeMap<u32, Instant>,
    /// 2xx delivered to us that we have not acknowledged yet: CSeq and when.
    pub unacked_2xx: Vec<(u32, Instant)>,
    /// Our last SDP on this leg.
    pub our_sdp: Option<Session>,
    /// The party's last two SDPs on this leg, newest first.
    pub their_sdp: Vec<Session>,
    /// When the session last changed on either side.
    pub session_at: Instant,
    /// The last packet of any kind that we sent to this leg.
    pub sent_at: Option<Instant>,
    /// The last and first-of-a-row packets with the party's own voice that came in.
    pub voice_in: Option<(Instant, Instant)>,
    /// When another stream's voice was last sent to this leg, by stream.
    pub voice_out: BTreeMap<u32, Instant>,
    /// Whom our latest re-INVITE asserted.
    pub told_again: Option<String>,
    /// It was an agent's consultation, and what it had reached was joined with a citizen's call.
    pub joined: bool,
}

impl LegWatch {
    /// Whether both sides are in talk as far as the wire shows.
    pub fn is_up(&self) -> bool {
        self.answered_at.is_some() && !self.is_over()
    }

    /// Whether it was told that its transfer has succeeded: its place is another's.
    pub fn is_dismissed(&self) -> bool {
        self.refers.values().any(|refer| refer.told == Some(200))
    }

    /// Whether it was told so a moment ago, and our BYE waits for its word on that, for 4 s at most. Who is still there
    /// after that was not released, and is a party as before.
    pub fn is_parting(&self, now: Instant) -> bool {
        let told = |refer: &ReferWatch| refer.settled_at.filter(|_| refer.told == Some(200));
        self.refers.values().filter_map(told).any(|at| now - at <= Duration::from_millis(4100))
    }

    /// Whether a transfer that it asked for by REFER is under way.
    pub fn is_transferring(&self) -> bool {
        let open = |refer: &ReferWatch| !refer.silent && refer.settled_at.is_none();
        self.refers.values().any(|refer| refer.answer.is_some_and(|code| code < 300) && open(refer))
    }

    /// Whether it says that it is being rung, and nobody has told it to stop. Who has said nothing at all may have been
    /// given up long ago: no CANCEL before a provisional (RFC 3261 9.1).
    pub fn is_rung(&self) -> bool {
        let rings = self.side == Side::Service && self.provisional && self.answered_at.is_none();
        rings && !self.is_over() && self.our_cancel_at.is_none()
    }

    /// When a leg that was in talk ended.
    pub fn ended_at(&self) -> Option<Instant> {
        [self.peer_bye_at, self.our_bye_at, self.lost_at].into_iter().flatten().min()
    }

    /// Whether it has ended in any way.
    pub fn is_over(&self) -> bool {
        self.refused.is_some()
            || self.peer_bye_at.is_some()
            || self.our_bye_at.is_some()
            || self.lost_at.is_some()
            || (self.peer_cancel_at.is_some() && self.answered_at.is_none())
    }

    /// The direction that the party's last SDP names.
    pub fn direction(&self) -> Direction {
        self.their_sdp.first().map_or(Direction::Both, |sdp| sdp.direction)
    }
}

/// All that was seen.
#[derive(Default)]
pub struct Ledger {
    /// Legs by Call-ID.
    pub legs: BTreeMap<String, LegWatch>,
    /// Parties whose next call is a consultation, and the citizen whose number it is to show.
    pub consultations: BTreeMap<usize, String>,
    /// Call-IDs by matter.
    pub matters: BTreeMap<String, BTreeSet<String>>,
    /// Our media ports as told to parties: which Call-ID.
    pub ports: BTreeMap<SocketAddr, String>,
    /// Requests delivered to us, by branch and method: how often, and whether from a party that we serve.
    pub requests_in: BTreeMap<(String, String), u32>,
    /// INVITEs delivered to us by branch: when, Call-ID.
    pub invites_in: BTreeMap<String, (Instant, String)>,
    /// Final responses that we sent, by branch and method.
    pub finals_out: BTreeMap<(String, String), Arc<SipText>>,
    /// Every distinct SIP message that we sent.
    pub sent: BTreeSet<Vec<u8>>,
    /// Our requests: branch and method to Call-ID.
    pub requests_out: BTreeMap<(String, String), (Instant, String)>,
    /// Tags, branches and Call-IDs that we made: to whom they went.
    pub ours: BTreeMap<String, usize>,
    /// Notices counted for I31.
    pub counts: BTreeMap<&'static str, u64>,
    /// Who asked for the transfers in the records of calls that are over, by the record.
    pub transferors: Vec<Option<String>>,
    /// Streams to Call-IDs.
    pub streams: BTreeMap<u32, String>,
    /// The parties' addresses.
    pub addresses: BTreeMap<String, usize>,
    /// Media ports in use, and whose.
    pub open_ports: BTreeMap<u16, LegId>,
    /// When a media port was last closed.
    pub closed_ports: BTreeMap<u16, Instant>,
    /// The instant of the last step.
    pub last_step_at: Instant,
    looked_at: Instant,
}

impl Ledger {
    /// The leg behind one of our ports.
    pub fn leg_at(&self, port: SocketAddr) -> Option<(&String, &LegWatch)> {
        let even = SocketAddr::new(port.ip(), port.port() & !1);
        let call_id = self.ports.get(&even)?;
        self.legs.get_key_value(call_id)
    }

    /// The legs of a matter.
    pub fn matter(&self, number: &str) -> impl Iterator<Item = &LegWatch> {
        self.matters.get(number).into_iter().flatten().filter_map(|call_id| self.legs.get(call_id))
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    /// Enters what went in.
    pub fn enter_cause(&mut self, step: &Step) {
        match &step.cause {
            Cause::Sip { party: Some(party), message, .. } => match message.method() {
                Some(method) => self.request_in(step.at, *party, method, message),
                None => self.response_in(step.at, message),
            },
            Cause::Rtp { stream: Some(stream), to, .. } => self.voice_in(step.at, *stream, *to),
            Cause::Sip { .. } | Cause::Rtp { .. } | Cause::Media(..) | Cause::Other(_) | Cause::Deadline => {}
        }
    }

    /// Enters one thing that came out.
    pub fn enter_effect(&mut self, at: Instant, effect: &Effect) {
        match effect {
            Effect::Sip { party: Some(party), message, .. } => {
                match message.method() {
                    Some(method) => self.request_out(at, *party, method, message),
                    None => self.response_out(at, message),
                }
                self.sent.insert(message.to_bytes());
            }
            Effect::Rtp { from, packet, .. } => self.voice_out(at, *from, packet),
            Effect::Media(Order::Open { leg, local, .. }) => {
                self.open_ports.insert(local.port(), *leg);
            }
            Effect::Media(Order::Close { leg }) => {
                let port = self.open_ports.iter().find(|(_, owner)| *owner == leg).map(|(port, _)| *port);
                if let Some(port) = port {
                    self.open_ports.remove(&port);
                    self.closed_ports.insert(port, at);
                }
            }
            Effect::Published(notice) => match &notice.what {
                What::Arrived { .. } => self.count("arrived"),
                What::Dialled { .. } => self.count("dialled"),
                What::Released(record) => {
                    self.count("released");
                    if record.answered.is_some() {
                        self.count("answered_calls");
                    }
                    let agents = record.transfers.iter().map(|transfer| transfer.agent.as_ref());
                    self.transferors.extend(agents.map(|agent| agent.map(ToString::to_string)));
                }
                What::CallerLost(_) => self.count("caller_lost"),
                What::Refused { .. } => self.count("refused"),
                _ => {}
            },
            Effect::Sip { .. } | Effect::Media(..) | Effect::Observed(_) => {}
        }
    }

    /// Whether 100 ms have passed since the last look at what may be late.
    pub fn time_for_a_look(&mut self, now: Instant) -> bool {
        let due = now - self.looked_at >= Duration::from_millis(100);
        if due {
            self.looked_at = now;
        }
        due
    }

    /// The party's connection broke: an INVITE that was open on it has failed on both sides.
    pub fn connection_broke(&mut self, at: Instant, party: usize) {
        for leg in self.legs.values_mut().filter(|leg| leg.party == party && leg.answered_at.is_none()) {
            leg.lost_at.get_or_insert(at);
        }
    }

    fn new_leg(&mut self, at: Instant, party: usize, side: Side, message: &SipText) {
        let matter = self.matter_of(party, side, message);
        let max_forwards = message.header("max-forwards").and_then(|value| value.parse().ok()).unwrap_or(70);
        let leg = LegWatch {
            party,
            matter: matter.clone(),
            side,
            told: Told::of(message),
            invited_at: at,
            invite_cseq: message.cseq().0,
            tags: match side {
                Side::Caller => (String::new(), message.tag("from").unwrap_or_default().to_owned()),
                Side::Service => (message.tag("from").unwrap_or_default().to_owned(), String::new()),
            },
            max_forwards,
            provisional: false,
            answered_at: None,
            acked_at: None,
            refused: None,
            peer_bye_at: None,
            peer_cancel_at: None,
            our_bye_at: None,
            our_cancel_at: None,
            lost_at: None,
            our_cseq: if side == Side::Service { message.cseq().0 } else { 0 },
            peer_cseq: if side == Side::Caller { message.cseq().0 } else { 0 },
            refers: BTreeMap::new(),
            our_reinvite: None,
            pending: BTreeMap::new(),
            answered: BTreeSet::new(),
            owed_acks: BTreeMap::new(),
            unacked_2xx: Vec::new(),
            our_sdp: None,
            their_sdp: Vec::new(),
            session_at: at,
            sent_at: None,
            voice_in: None,
            voice_out: BTreeMap::new(),
            told_again: None,
            joined: false,
        };
        self.legs.insert(message.call_id().to_owned(), leg);
        self.matters.entry(matter).or_default().insert(message.call_id().to_owned());
    }

    /// Towards those who may not see the number, From names nobody: then it is the latest caller who withholds it. A
    /// consultation is a matter of its own: its legs are the party's and those that are dialled before it is answered.
    fn matter_of(&self, party: usize, side: Side, message: &SipText) -> String {
        let number = number_of(message);
        match side {
            Side::Caller if self.consultations.contains_key(&party) => return format!("consultation of party {party}"),
            Side::Service => {
                let asks = |leg: &&LegWatch| {
                    let citizen = self.consultations.get(&leg.party);
                    leg.side == Side::Caller && leg.answered_at.is_none() && !leg.is_over() && citizen == Some(&number)
                };
                if let Some(leg) = self.legs.values().find(asks) {
                    return leg.matter.clone();
                }
            }
            Side::Caller => {}
        }
        let shy = |leg: &&LegWatch| leg.side == Side::Caller && leg.told.withheld && !leg.is_over();
        match side {
            Side::Service if number.is_empty() => {
                let latest = self.legs.values().filter(shy).max_by_key(|leg| leg.invited_at);
                latest.map(|leg| leg.matter.clone()).unwrap_or_default()
            }
            Side::Service | Side::Caller => number,
        }
    }

    fn request_in(&mut self, at: Instant, party: usize, method: &str, message: &SipText) {
        *self.requests_in.entry((message.branch().to_owned(), method.to_owned())).or_default() += 1;
        if method == "INVITE" {
            let entry = (at, message.call_id().to_owned());
            // An INVITE in somebody else's dialog may meet silence (V47).
            let own = self.legs.get(message.call_id()).is_none_or(|leg| leg.party == party);
            if own {
                self.invites_in.entry(message.branch().to_owned()).or_insert(entry);
            }
            if message.tag("to").is_none() && !self.legs.contains_key(message.call_id()) {
                self.new_leg(at, party, Side::Caller, message);
            }
        }
        let Some(leg) = self.legs.get_mut(message.call_id()).filter(|leg| leg.party == party) else { return };
        let tags = (message.tag("to").unwrap_or_default(), message.tag("from").unwrap_or_default());
        // A BYE may overtake the 200 that brings the party's tag.
        let same = leg.tags.0 == tags.0 && (leg.tags.1 == tags.1 || leg.tags.1.is_empty());
        let own = method == "CANCEL" || message.tag("to").is_none() || same;
        if !own || (method != "ACK" && message.cseq().0 < leg.peer_cseq) {
            return;
        }
        match method {
            "BYE" => {
                leg.peer_bye_at.get_or_insert(at);
            }
            "CANCEL" => {
                leg.peer_cancel_at.get_or_insert(at);
            }
            "REFER" if message.cseq().0 >= leg.peer_cseq => {
                let silent = message.header("refer-sub").is_some_and(|value| value.starts_with("false"));
                let names = message.header("refer-to").and_then(Named::read);
                let refer = ReferWatch { at, answer: None, silent, settled_at: None, told: None, names };
                leg.refers.entry(message.cseq().0).or_insert(refer);
            }
            "ACK" if leg.answered_at.is_some() && message.cseq().0 == leg.invite_cseq => {
                leg.acked_at.get_or_insert(at);
            }
            _ => {}
        }
        if method != "ACK" && method != "CANCEL" && message.cseq().0 >= leg.peer_cseq {
            leg.peer_cseq = message.cseq().0;
            enter_their_sdp(leg, at, message);
        }
        if method == "ACK" {
            leg.owed_acks.remove(&message.cseq().0);
        }
        if method == "ACK" && leg.acked_at == Some(at) {
            // Later copies bring the SDP of long ago.
            enter_their_sdp(leg, at, message);
        }
    }

    fn response_in(&mut self, at: Instant, message: &SipText) {
        let (cseq, method) = message.cseq();
        let code = message.code().unwrap_or(0);
        let Some(leg) = self.legs.get_mut(message.call_id()) else { return };
        // An INVITE that met silence for 64*T1 (Timer B) is remembered as long again: later answers are to no request.
        let late = at - leg.invited_at >= Duration::from_millis(63_900);
        if late && !leg.provisional && leg.side == Side::Service && method == "INVITE" && cseq == leg.invite_cseq {
            return;
        }
        let first = leg.side == Side::Service && leg.answered_at.is_none() && leg.refused.is_none();
        if method == "INVITE" {
            leg.provisional = true;
            if code >= 200 && leg.our_reinvite.is_some_and(|(pending, _)| pending == cseq) {
                leg.our_reinvite = None;
            }
            match code {
                200..=299 => {
                    if first {
                        leg.answered_at = Some(at);
                        message.tag("to").unwrap_or_default().clone_into(&mut leg.tags.1);
                    }
                    let again = leg.acked_at.is_some() && leg.is_over();
                    if !again {
                        leg.unacked_2xx.push((cseq, at));
                    }
                }
                300.. if first => leg.refused = Some((at, code)),
                _ => {}
            }
            // A repeated 2xx brings the SDP of long ago.
            if code < 200 || leg.answered.insert(cseq) {
                enter_their_sdp(leg, at, message);
            }
        }
        if code >= 200 {
            leg.pending.remove(&cseq);
        }
        if method == "NOTIFY" && code >= 300 {
            // The telephone wants no more reports: its subscription is over.
            for refer in leg.refers.values_mut().filter(|refer| refer.answer.is_some_and(|code| code < 300)) {
                refer.settled_at.get_or_insert(at);
            }
        }
        // A NOTIFY that is not understood ends its subscription, not the leg (RFC 5057).
        if (code == 481 || code == 408) && !first && method != "NOTIFY" {
            leg.lost_at.get_or_insert(at);
        }
    }

    fn request_out(&mut self, at: Instant, party: usize, method: &str, message: &SipText) {
        let key = (message.branch().to_owned(), method.to_owned());
        self.requests_out.entry(key).or_insert_with(|| (at, message.call_id().to_owned()));
        self.own(party, &[message.branch(), message.call_id(), message.tag("from").unwrap_or_default()]);
        if method == "INVITE" && message.tag("to").is_none() && !self.legs.contains_key(message.call_id()) {
            self.new_leg(at, party, Side::Service, message);
        }
        let Some(leg) = self.legs.get_mut(message.call_id()) else { return };
        let cseq = message.cseq().0;
        match method {
            "BYE" => {
                leg.our_bye_at.get_or_insert(at);
                leg.unacked_2xx.clear();
            }
            "CANCEL" => {
                leg.our_cancel_at.get_or_insert(at);
            }
            "ACK" => {
                leg.unacked_2xx.retain(|(waiting, _)| *waiting != cseq);
                if leg.side == Side::Service && leg.answered_at.is_some() {
                    leg.acked_at.get_or_insert(at);
                }
            }
            "NOTIFY" if message.header("subscription-state").is_some_and(|state| state.starts_with("terminated")) => {
                for refer in leg.refers.values_mut().filter(|refer| refer.answer.is_some_and(|code| code < 300)) {
                    refer.settled_at.get_or_insert(at);
                    refer.told =
                        refer.told.or_else(|| message.body.split(' ').nth(1).and_then(|code| code.parse().ok()));
                }
            }
            "INVITE" if message.tag("to").is_some() && cseq > leg.our_cseq => {
                leg.our_reinvite = Some((cseq, at));
                leg.told_again = message.header("p-asserted-identity").map(|value| eleven(user_of(value)));
            }
            _ => {}
        }
        if method != "ACK" && method != "CANCEL" {
            if message.tag("to").is_some() && cseq > leg.our_cseq {
                leg.pending.insert(cseq, at);
            }
            leg.our_cseq = leg.our_cseq.max(cseq);
        }
        self.enter_our_sdp(at, message);
    }

    fn response_out(&mut self, at: Instant, message: &SipText) {
        let code = message.code().unwrap_or(0);
        let (cseq, method) = message.cseq();
        if code >= 200 {
            let key = (message.branch().to_owned(), method.to_owned());
            self.finals_out.entry(key).or_insert_with(|| Arc::new(message.clone()));
        }
        if let Some(leg) = self.legs.get_mut(message.call_id())
            && method == "REFER"
            && code >= 200
            && let Some(refer) = leg.refers.get_mut(&cseq)
        {
            refer.answer.get_or_insert(code);
            let names = refer.names.clone().filter(|_| code < 300);
            if let Some(other) = names
                && self.legs.get(&other.call_id).is_some_and(|leg| other.fits(leg))
            {
                self.join(message.call_id(), &other.call_id);
            }
        }
        if let Some(leg) = self.legs.get_mut(message.call_id())
            && method == "BYE"
            && (code == 403 || (code == 481 && leg.answered_at.is_none()))
        {
            // From somewhere where this party must not be, or of another dialog: it did not count.
            leg.peer_bye_at = None;
        }
        if let Some(leg) = self.legs.get_mut(message.call_id())
            && method == "INVITE"
            && leg.side == Side::Caller
            && leg.answered_at.is_none()
            && cseq <= leg.peer_cseq
        {
            leg.provisional = true;
            if let Some(tag) = message.tag("to") {
                tag.clone_into(&mut leg.tags.0);
            }
            match code {
                200..=299 => leg.answered_at = Some(at),
                300.. => {
                    leg.refused.get_or_insert((at, code));
                }
                _ => {}
            }
        }
        if let Some(leg) = self.legs.get_mut(message.call_id())
            && method == "INVITE"
            && (200..300).contains(&code)
            && !self.sent.contains(&message.to_bytes())
        {
            leg.owed_acks.insert(cseq, at);
        }
        self.enter_our_sdp(at, message);
    }

    fn own(&mut self, party: usize, names: &[&str]) {
        for name in names.iter().filter(|name| !name.is_empty()) {
            self.ours.entry((*name).to_owned()).or_insert(party);
        }
    }

    fn enter_our_sdp(&mut self, at: Instant, message: &SipText) {
        let Some(session) = message.sdp().and_then(Session::read) else { return };
        let call_id = message.call_id().to_owned();
        if let Some(leg) = self.legs.get_mut(&call_id)
            && leg.our_sdp.as_ref() != Some(&session)
        {
            self.ports.insert(session.address, call_id);
            leg.our_sdp = Some(session);
            leg.session_at = at;
        }
    }

    fn voice_in(&mut self, at: Instant, stream: u32, to: SocketAddr) {
        let Some(call_id) = self.streams.get(&stream).cloned() else { return };
        let ours = self.leg_at(to).is_some_and(|(owner, _)| *owner == call_id);
        if let Some(leg) = self.legs.get_mut(&call_id).filter(|_| ours) {
            let since = leg.voice_in.filter(|(last, _)| at - *last < Duration::from_millis(500));
            leg.voice_in = Some((at, since.map_or(at, |(_, since)| since)));
        }
    }

    fn voice_out(&mut self, at: Instant, from: SocketAddr, packet: &[u8]) {
        if from.port() % 2 == 1 {
            return;
        }
        let Some(call_id) = self.leg_at(from).map(|(call_id, _)| call_id.clone()) else { return };
        let Some(leg) = self.legs.get_mut(&call_id) else { return };
        leg.sent_at = Some(at);
        if let Some(Sound::Stream(stream)) = Rtp::parse(packet).map(|rtp| listen(&rtp.payload)) {
            leg.voice_out.insert(stream, at);
        }
    }
}

fn enter_their_sdp(leg: &mut LegWatch, at: Instant, message: &SipText) {
    let Some(session) = message.sdp().and_then(Session::read) else { return };
    if leg.their_sdp.first() != Some(&session) {
        leg.their_sdp.insert(0, session);
        leg.their_sdp.truncate(2);
        leg.session_at = at;
    }
}
