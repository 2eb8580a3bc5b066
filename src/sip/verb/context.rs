//! The surroundings of a leg during one input, and the small steps that every verb is made of.

use std::time::Duration;

use bytes::Bytes;

use super::{LegTimer, Line};
use crate::base::time::Instant;
use crate::base::timer::TimerTable;
use crate::sip::dialog::Dialog;
use crate::sip::dialog::session_timer::{Refresher, SessionTimer};
use crate::sip::endpoint::core::Core;
use crate::sip::fact::{Cause, Event, LegFact, Observation};
use crate::sip::flow::Flow;
use crate::sip::message::{Method, Name, Request, Response};
use crate::sip::transaction::table::{Owner, TxId};

/// The surroundings of a leg during one input.
#[derive(Debug)]
pub struct Context<'a> {
    /// The time.
    pub now: Instant,
    /// What all legs share.
    pub core: &'a mut Core,
    /// Which leg.
    pub line: &'a Line,
    /// The leg's timers.
    pub timers: &'a mut TimerTable<LegTimer>,
}

impl Context<'_> {
    /// Tells the switch a fact of this leg.
    pub fn fact(&mut self, fact: LegFact) {
        self.core.events.push_back(Event::Leg { leg: self.line.id, fact });
    }

    /// Counts what a state leaves undone on purpose.
    pub fn ignore(&mut self, why: &'static str) {
        self.core.observe(Observation::Ignored { why });
    }

    /// Arms a timer of the leg.
    pub fn arm(&mut self, timer: impl Into<LegTimer>, after: Duration) {
        self.timers.set(timer.into(), self.now + after);
    }

    /// Stops a timer of the leg.
    pub fn stop(&mut self, timer: impl Into<LegTimer>) {
        self.timers.stop(timer.into());
    }

    /// Starts a transaction of this leg.
    pub fn start(&mut self, request: Request, flow: Flow) -> TxId {
        self.core.start(self.now, request, flow, self.line.peer.clone(), Owner::Leg(self.line.id))
    }

    /// Answers a request of the peer.
    pub fn respond(&mut self, tx: TxId, response: &Response) {
        self.core.respond(self.now, tx, response);
    }

    /// Answers a request of the peer with a bare status.
    pub fn answer(&mut self, tx: TxId, request: &Request, code: u16) {
        let mut response = Response::new(code, request);
        match code {
            405 => response.headers.push(Name::Allow, self.core.voice.allow()),
            // RFC 3261 14.2, RFC 3311 5.2: between 0 and 10 s.
            500 => response.headers.push(Name::RetryAfter, "2"),
            _ => {}
        }
        self.core.respond(self.now, tx, &response);
    }

    /// The flow of a request inside this dialog.
    pub fn flow(&self, dialog: &Dialog) -> Flow {
        self.core.route(self.line, dialog)
    }

    /// Writes what every request and response that makes or refreshes a dialog carries.
    pub fn introduce(&self, headers: &mut crate::sip::message::Headers) {
        self.core.voice.introduce(headers, &self.line.flow);
    }

    /// A 2xx to an INVITE or UPDATE of the peer.
    pub fn success(&self, request: &Request, sdp: Option<&Bytes>, session: Option<SessionTimer>) -> Response {
        let mut response = Response::new(200, request);
        tag(&mut response, &self.line.local_tag);
        self.introduce(&mut response.headers);
        for route in request.headers.get_all(&Name::RecordRoute) {
            response.headers.push(Name::RecordRoute, route.clone());
        }
        if let Some(timer) = session {
            response.headers.push(Name::SessionExpires, timer.answer_value());
            // RFC 4028 9: the peer is told that it has to refresh.
            if timer.refresher == Refresher::Peer {
                response.headers.push(Name::Require, "timer");
            }
        }
        if let Some(sdp) = sdp {
            attach(&mut response.headers, &mut response.body, sdp);
        }
        response
    }

    /// Sends BYE on a dialog that the leg no longer follows: nobody hears how it ends.
    pub fn farewell(&mut self, dialog: &mut Dialog, cause: &Cause) {
        let request = bye(dialog, cause);
        let flow = self.flow(dialog);
        self.core.start(self.now, request, flow, self.line.peer.clone(), Owner::Nobody);
    }

    /// ACKs a 2xx to our INVITE and keeps the ACK for its repetitions.
    pub fn acknowledge(&mut self, tx: TxId, dialog: &Dialog, number: u32) {
        let flow = self.flow(dialog);
        self.core.acknowledge(tx, dialog, number, flow);
    }

    /// A 2xx that nobody wants, of another fork or after our CANCEL: ACK, then BYE (RFC 3261 13.2.2.4, I3).
    pub fn decline_success(&mut self, tx: TxId, response: &Response, cause: &Cause) {
        if self.core.transactions.forks(tx) >= self.core.limits.forks {
            return self.ignore("more forks than any honest INVITE has");
        }
        let uri = self.core.transactions.invited(tx).map(|invite| invite.uri.clone());
        let Some(mut dialog) = Dialog::of_response(response, uri.as_ref()) else {
            return self.ignore("2xx without a target");
        };
        let number = dialog.local_number();
        self.acknowledge(tx, &dialog, number);
        self.farewell(&mut dialog, cause);
    }
}

/// A BYE with its Reason.
pub fn bye(dialog: &mut Dialog, cause: &Cause) -> Request {
    let mut request = dialog.request(Method::Bye);
    give_reason(&mut request.headers, cause);
    request
}

/// Writes a Reason header (RFC 3326), one value for each protocol that is known.
pub fn give_reason(headers: &mut crate::sip::message::Headers, cause: &Cause) {
    if let Some(value) = cause.q850 {
        headers.push(Name::Reason, format!("Q.850;cause={value}"));
    }
    if let Some(code) = cause.sip {
        headers.push(Name::Reason, format!("SIP;cause={code}"));
    }
}

/// Puts our tag on the To of a response, unless the request had it already.
pub fn tag(response: &mut Response, tag: &Bytes) {
    let Ok(mut to) = response.headers.to() else { return };
    if to.tag().is_none() {
        to.set_tag(tag.clone());
        response.headers.set(Name::To, to.to_bytes());
    }
}

/// Attaches a session description.
pub fn attach(headers: &mut crate::sip::message::Headers, body: &mut Bytes, sdp: &Bytes) {
    headers.push(Name::ContentType, "application/sdp");
    *body = sdp.clone();
}
