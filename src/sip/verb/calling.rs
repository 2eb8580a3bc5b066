//! Our INVITE until its final response: early dialogs, forks, and the CANCEL that may be owed (RFC 3261 9, 13.2).

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::context::{Context, attach, give_reason};
use super::leaving::Leaving;
use super::talking::Talking;
use super::{Concern, Input, LegTimer, Standing, State, serve};
use crate::sip::dialog::{Dialog, Sequence};
use crate::sip::endpoint::body;
use crate::sip::fact::{Cause, Failure, LegFact};
use crate::sip::message::{Method, Name, Request, Response, Uri};
use crate::sip::order::{LegOrder, OutgoingInvite};
use crate::sip::transaction::machine::Class;
use crate::sip::transaction::table::{Owner, TxId, What};

/// Our INVITE has no final response yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calling {
    /// The INVITE.
    invite: TxId,
    /// Its Request-URI: the target of a 2xx without Contact.
    uri: Uri,
    /// Its offer.
    offer: Bytes,
    /// Whether a provisional response has been heard, so that a CANCEL may be sent.
    heard: Heard,
    /// The dialogs that provisional responses made, one for each fork.
    early: SmallVec<[Dialog; 1]>,
    /// Whether we still want it.
    wish: Wish,
    /// The tags of callees whose BYE was faster than their 2xx.
    gone: SmallVec<[Bytes; 1]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Heard {
    Nothing,
    Provisional,
}

/// Whether we still want our INVITE to succeed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Wish {
    /// Yes.
    Answer,
    /// No: the call has hung up. CANCEL is sent, or owed until the first provisional (RFC 3261 9.1).
    HungUp(Cause),
    /// No: it rang for too long.
    RangOut,
    /// No: a callee has hung up already, and the call has been told. What is owed is still done.
    Told,
}

impl Calling {
    /// Sends the INVITE.
    pub fn start(cx: &mut Context<'_>, invite: OutgoingInvite) -> State {
        let (uri, offer) = (invite.uri.clone(), invite.offer.clone());
        let request = write_invite(cx, invite);
        let flow = cx.line.flow;
        let tx = cx.start(request, flow);
        cx.arm(LegTimer::Ring, cx.core.limits.ring);
        let calling = Self {
            invite: tx,
            uri,
            offer,
            heard: Heard::Nothing,
            early: SmallVec::new(),
            wish: Wish::Answer,
            gone: SmallVec::new(),
        };
        State::Calling(Box::new(calling))
    }

    /// Whether a request belongs to one of the early dialogs.
    pub fn matches(&self, request: &Request) -> bool {
        self.early.iter().any(|dialog| dialog.matches(request))
    }

    /// How it stands towards whoever wants to take its place.
    pub(super) fn standing(&self) -> Standing {
        match self.wish {
            Wish::Answer => Standing::Called,
            Wish::HungUp(_) | Wish::RangOut | Wish::Told => Standing::Ending,
        }
    }

    /// The early dialogs, one for each fork.
    pub(super) fn early(&self) -> impl Iterator<Item = &Dialog> {
        self.early.iter()
    }

    /// Takes one input.
    pub fn handle(self: Box<Self>, cx: &mut Context<'_>, input: Input<'_>) -> State {
        match input {
            Input::Request { tx, request } | Input::Refer { tx, request, .. } => self.on_request(cx, tx, request),
            Input::News { tx, what } if tx == self.invite => self.on_news(cx, what),
            // What becomes of a CANCEL is seen by what becomes of its INVITE.
            Input::News { .. } => State::Calling(self),
            Input::Order(order) => self.on_order(cx, order),
            Input::Timer(timer) => self.on_timer(cx, timer),
            Input::Ack(_) | Input::Cancelled { .. } => {
                cx.ignore("an ACK or CANCEL for an INVITE of ours");
                State::Calling(self)
            }
        }
    }

    fn on_news(self: Box<Self>, cx: &mut Context<'_>, what: What) -> State {
        match what {
            What::Response(response) => match Class::of(response.code) {
                Class::Provisional => self.on_provisional(cx, &response),
                Class::Success => self.on_success(cx, &response),
                Class::Refusal => {
                    let retry_after = response.headers.retry_after();
                    let mut cause = response.headers.reason();
                    cause.sip.get_or_insert(response.code);
                    self.fail(cx, Failure { code: response.code, cause, retry_after })
                }
            },
            What::TimedOut => self.fail(cx, failure(408)),
            What::TransportFailed => self.fail(cx, failure(503)),
            What::Settled => State::Calling(self),
        }
    }

    fn on_provisional(mut self: Box<Self>, cx: &mut Context<'_>, response: &Response) -> State {
        let first = self.heard == Heard::Nothing;
        self.heard = Heard::Provisional;
        match &self.wish {
            Wish::Answer => {}
            Wish::HungUp(cause) if first => cancel(cx, self.invite, cause),
            Wish::RangOut | Wish::Told if first => cancel(cx, self.invite, &Cause::default()),
            Wish::HungUp(_) | Wish::RangOut | Wish::Told => {}
        }
        if self.wish != Wish::Answer {
            return State::Calling(self);
        }
        if response.code == 100 {
            if first {
                cx.fact(LegFact::Trying);
            }
            return State::Calling(self);
        }
        if let Some(dialog) = Dialog::of_response(response, Some(&self.uri))
            && dialog.remote_tag.is_some()
        {
            let known = self.early.iter().any(|early| early.remote_tag == dialog.remote_tag);
            if !known && self.early.len() < cx.core.limits.forks {
                self.early.push(dialog);
            }
        }
        let sdp = body::session_description(&response.headers, &response.body);
        cx.fact(LegFact::Progress { code: response.code, sdp });
        State::Calling(self)
    }

    fn on_success(self: Box<Self>, cx: &mut Context<'_>, response: &Response) -> State {
        let Some(mut dialog) = Dialog::of_response(response, Some(&self.uri)) else {
            cx.ignore("2xx without tags");
            return self.fail(cx, failure(500));
        };
        let number = dialog.local_number();
        cx.acknowledge(self.invite, &dialog, number);
        cx.timers.clear();
        if dialog.remote_tag.as_ref().is_some_and(|tag| self.gone.contains(tag)) {
            // Its BYE came first, and has been answered: nobody is left to say goodbye to.
            return self.fail(cx, failure(480));
        }
        match self.wish {
            Wish::Answer => {
                if let Some(early) = self.early.iter().find(|early| early.remote_tag == dialog.remote_tag) {
                    dialog.continue_from(early);
                }
                let sdp = body::session_description(&response.headers, &response.body);
                cx.fact(LegFact::Answered { sdp });
                State::Talking(Box::new(Talking::answered_by_peer(cx, dialog, self.invite, response, self.offer)))
            }
            // RFC 3261 9.1, 15: the answer was faster than our CANCEL.
            Wish::HungUp(cause) => Leaving::start(cx, dialog, &cause),
            Wish::RangOut => {
                cx.farewell(&mut dialog, &Cause { sip: Some(408), q850: None });
                cx.fact(LegFact::Failed(failure(408)));
                State::Over
            }
            // Another fork than the one that has hung up.
            Wish::Told => {
                cx.farewell(&mut dialog, &Cause { sip: Some(487), q850: None });
                State::Over
            }
        }
    }

    fn fail(self: Box<Self>, cx: &mut Context<'_>, failure: Failure) -> State {
        match self.wish {
            Wish::Answer => cx.fact(LegFact::Failed(failure)),
            Wish::HungUp(_) => cx.fact(LegFact::Released),
            Wish::RangOut => cx.fact(LegFact::Failed(self::failure(408))),
            Wish::Told => {}
        }
        State::Over
    }

    fn on_order(self: Box<Self>, cx: &mut Context<'_>, order: LegOrder) -> State {
        match order {
            LegOrder::HangUp { cause } => match self.wish {
                Wish::Answer => self.give_up(cx, Wish::HungUp(cause)),
                Wish::HungUp(_) | Wish::RangOut | Wish::Told => State::Calling(self),
            },
            LegOrder::Progress { .. }
            | LegOrder::Accept { .. }
            | LegOrder::Reject { .. }
            | LegOrder::Offer { .. }
            | LegOrder::Present { .. }
            | LegOrder::Answer { .. }
            | LegOrder::RejectOffer { .. }
            | LegOrder::Digit { .. }
            | LegOrder::AcceptRefer { .. }
            | LegOrder::RejectRefer { .. }
            | LegOrder::Notify { .. } => {
                cx.ignore("an order that needs a dialog, on an INVITE of ours without final response");
                State::Calling(self)
            }
        }
    }

    fn give_up(mut self: Box<Self>, cx: &mut Context<'_>, wish: Wish) -> State {
        if self.heard == Heard::Provisional {
            match &wish {
                Wish::HungUp(cause) => cancel(cx, self.invite, cause),
                Wish::RangOut | Wish::Told | Wish::Answer => cancel(cx, self.invite, &Cause::default()),
            }
        }
        self.wish = wish;
        State::Calling(self)
    }

    fn on_timer(self: Box<Self>, cx: &mut Context<'_>, timer: LegTimer) -> State {
        match timer {
            LegTimer::Ring if self.wish == Wish::Answer => self.give_up(cx, Wish::RangOut),
            LegTimer::Ring => State::Calling(self),
            LegTimer::CancelGivenUp => {
                cx.core.transactions.abandon(cx.now, self.invite);
                self.fail(cx, failure(408))
            }
            LegTimer::RepeatProvisional | LegTimer::Talking(_) => State::Calling(self),
        }
    }

    /// RFC 3261 15: a callee sends no BYE on an early dialog. So it has answered and hung up, and its 2xx is late or lost,
    /// like perhaps every provisional response before it. The 2xx will be ACKed when it comes.
    fn on_early_bye(mut self: Box<Self>, cx: &mut Context<'_>, tx: TxId, request: &Request) -> State {
        cx.answer(tx, request, 200);
        let tag = request.headers.from().ok().and_then(|from| from.tag().cloned());
        self.early.retain(|dialog| dialog.remote_tag != tag);
        self.gone.extend(tag.filter(|_| self.gone.len() < cx.core.limits.forks));
        if self.wish != Wish::Answer {
            return State::Calling(self);
        }
        let mut failure = failure(480);
        let said = request.headers.reason();
        failure.cause = Cause { sip: said.sip.or(failure.cause.sip), q850: said.q850 };
        cx.fact(LegFact::Failed(failure));
        self.give_up(cx, Wish::Told)
    }

    fn on_request(mut self: Box<Self>, cx: &mut Context<'_>, tx: TxId, request: &Request) -> State {
        let concern = Concern::of(&request.method);
        if matches!(concern, Concern::Bye) {
            return self.on_early_bye(cx, tx, request);
        }
        let Some(dialog) = self.early.iter_mut().find(|dialog| dialog.matches(request)) else {
            cx.answer(tx, request, 481);
            return State::Calling(self);
        };
        if dialog.sequence(request) == Sequence::Old {
            cx.answer(tx, request, 500);
            return State::Calling(self);
        }
        match concern {
            // RFC 3311 5.2: our offer in the INVITE is not answered yet.
            Concern::Update if !request.body.is_empty() => cx.answer(tx, request, 491),
            Concern::Update => {
                dialog.refresh_target(&request.headers);
                let response = cx.success(request, None, None);
                cx.respond(tx, &response);
            }
            // RFC 3261 14.1: no other INVITE while ours has no final response.
            Concern::Invite => cx.answer(tx, request, 491),
            Concern::Bye | Concern::Common => serve(cx, tx, request),
        }
        State::Calling(self)
    }
}

fn write_invite(cx: &mut Context<'_>, invite: OutgoingInvite) -> Request {
    let mut request = Request::new(Method::Invite, invite.uri);
    let mut from = invite.from;
    from.set_tag(cx.line.local_tag.clone());
    let headers = &mut request.headers;
    headers.push(Name::MaxForwards, invite.max_forwards.to_string());
    headers.push(Name::From, from.to_bytes());
    headers.push(Name::To, invite.to.to_bytes());
    headers.push(Name::CallId, cx.line.call_id.clone());
    headers.push(Name::CSeq, "1 INVITE");
    cx.introduce(headers);
    headers.push(Name::Accept, body::ACCEPTED);
    for (name, value) in invite.headers {
        headers.push(name, value);
    }
    attach(&mut request.headers, &mut request.body, &invite.offer);
    request
}

/// Sends the CANCEL of our INVITE.
fn cancel(cx: &mut Context<'_>, invite: TxId, cause: &Cause) {
    let Some(invited) = cx.core.transactions.cancellable(invite) else { return };
    let request = cancellation(invited, cause);
    let (flow, peer) = (cx.line.flow, cx.line.peer.clone());
    cx.core.start_cancel(cx.now, request, flow, peer, Owner::Leg(cx.line.id));
    cx.arm(LegTimer::CancelGivenUp, cx.core.timing.patience());
    cx.timers.stop(LegTimer::Ring);
}

/// The CANCEL of an INVITE of ours: same Request-URI, Via, From, To, Call-ID, Route and CSeq number (RFC 3261 9.1).
pub(crate) fn cancellation(invited: &Request, cause: &Cause) -> Request {
    let mut request = Request::new(Method::Cancel, invited.uri.clone());
    for name in [Name::Via, Name::From, Name::To, Name::CallId] {
        if let Some(value) = invited.headers.get(&name) {
            request.headers.push(name, value.clone());
        }
    }
    request.headers.push(Name::CSeq, "1 CANCEL");
    request.headers.push(Name::MaxForwards, "70");
    for route in invited.headers.get_all(&Name::Route) {
        request.headers.push(Name::Route, route.clone());
    }
    give_reason(&mut request.headers, cause);
    request
}

fn failure(code: u16) -> Failure {
    Failure { code, cause: Cause { sip: Some(code), q850: None }, retry_after: None }
}
