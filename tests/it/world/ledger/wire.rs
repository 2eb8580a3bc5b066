//! How each message and packet that passes is entered.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lianxian::base::time::Instant;

use super::super::joins::{Named, ReferWatch};
use super::super::sdp_writer::Session;
use super::super::sip_writer::{SipText, user_of};
use super::super::sound::{Rtp, Sound, listen};
use super::super::told::{Told, eleven, number_of};
use super::Ledger;
use super::leg::{LegWatch, Side, enter_their_sdp};

impl Ledger {
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

    pub(super) fn request_in(&mut self, at: Instant, party: usize, method: &str, message: &SipText) {
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

    pub(super) fn response_in(&mut self, at: Instant, message: &SipText) {
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

    pub(super) fn request_out(&mut self, at: Instant, party: usize, method: &str, message: &SipText) {
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

    pub(super) fn response_out(&mut self, at: Instant, message: &SipText) {
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

    pub(super) fn voice_in(&mut self, at: Instant, stream: u32, to: SocketAddr) {
        let Some(call_id) = self.streams.get(&stream).cloned() else { return };
        let ours = self.leg_at(to).is_some_and(|(owner, _)| *owner == call_id);
        if let Some(leg) = self.legs.get_mut(&call_id).filter(|_| ours) {
            let since = leg.voice_in.filter(|(last, _)| at - *last < Duration::from_millis(500));
            leg.voice_in = Some((at, since.map_or(at, |(_, since)| since)));
        }
    }

    pub(super) fn voice_out(&mut self, at: Instant, from: SocketAddr, packet: &[u8]) {
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
