//! The peer's INVITE until our final response (RFC 3261 13.3).

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::context::{Context, attach, give_reason, tag};
use super::reinvite::Carries;
use super::rejected::Rejected;
use super::talking::Talking;
use super::{Concern, Input, LegTimer, State, serve};
use crate::sip::dialog::session_timer::{self, Wish};
use crate::sip::dialog::{Dialog, Sequence};
use crate::sip::endpoint::body;
use crate::sip::fact::{Cause, LegFact, Loss};
use crate::sip::message::{Name, Request, Response};
use crate::sip::order::LegOrder;
use crate::sip::transaction::table::{TxId, What};

/// How often a provisional response is repeated, so that no proxy on the way gives up (RFC 3261 13.3.1.1).
const REPEAT_PROVISIONAL: Duration = Duration::from_secs(60);

/// The peer's INVITE has no final response yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// The INVITE's transaction.
    invite: TxId,
    /// The INVITE.
    request: Request,
    /// The dialog that our response makes.
    dialog: Dialog,
    /// The latest provisional response above 100.
    progress: Option<Response>,
}

impl Offered {
    /// The INVITE has arrived.
    pub fn start(cx: &mut Context<'_>, invite: TxId, request: &Request, dialog: Dialog) -> State {
        cx.core.transactions.give(invite, cx.line.id);
        cx.arm(LegTimer::Ring, cx.core.limits.wait);
        State::Offered(Box::new(Self { invite, request: request.clone(), dialog, progress: None }))
    }

    /// Whether a request belongs to the early dialog.
    pub fn matches(&self, request: &Request) -> bool {
        self.dialog.matches(request)
    }

    /// The early dialog.
    pub(super) const fn dialog(&self) -> &Dialog {
        &self.dialog
    }

    /// Takes one input.
    pub fn handle(self: Box<Self>, cx: &mut Context<'_>, input: Input<'_>) -> State {
        match input {
            Input::Request { tx, request } | Input::Refer { tx, request, .. } => self.on_request(cx, tx, request),
            Input::Cancelled { invite, cause } if invite == self.invite => {
                // RFC 3261 9.2.
                self.refuse(cx, 487, &Cause::default(), None);
                cx.fact(LegFact::HungUp { cause });
                State::Over
            }
            Input::News { tx, what } if tx == self.invite => self.on_news(cx, what),
            Input::Order(order) => self.on_order(cx, order),
            Input::Timer(timer) => self.on_timer(cx, timer),
            Input::Cancelled { .. } | Input::News { .. } | Input::Ack(_) => State::Offered(self),
        }
    }

    fn on_news(self: Box<Self>, cx: &mut Context<'_>, what: What) -> State {
        match what {
            What::TransportFailed => {
                self.refuse(cx, 503, &Cause::default(), None);
                cx.fact(LegFact::Lost { loss: Loss::Transport });
                State::Over
            }
            What::Response(_) | What::TimedOut | What::Settled => State::Offered(self),
        }
    }

    fn on_order(mut self: Box<Self>, cx: &mut Context<'_>, order: LegOrder) -> State {
        match order {
            LegOrder::Progress { code, sdp } => {
                self.progress(cx, code, sdp.as_ref());
                State::Offered(self)
            }
            LegOrder::Accept { sdp } => self.accept(cx, &sdp),
            LegOrder::Reject { code, cause, retry_after_s } => {
                self.refuse(cx, code.clamp(300, 699), &cause, retry_after_s);
                cx.timers.clear();
                State::Rejected(Rejected::new(self.invite))
            }
            LegOrder::HangUp { cause } => {
                let code = cause.sip.filter(|code| (300..700).contains(code)).unwrap_or(480);
                self.refuse(cx, code, &cause, None);
                cx.timers.clear();
                State::Rejected(Rejected::new(self.invite))
            }
            LegOrder::Offer { .. }
            | LegOrder::Present { .. }
            | LegOrder::Answer { .. }
            | LegOrder::RejectOffer { .. }
            | LegOrder::Digit { .. }
            | LegOrder::AcceptRefer { .. }
            | LegOrder::RejectRefer { .. }
            | LegOrder::Notify { .. } => {
                cx.ignore("an order that needs a confirmed dialog, on an INVITE without final response");
                State::Offered(self)
            }
        }
    }

    fn progress(&mut self, cx: &mut Context<'_>, code: u16, sdp: Option<&Bytes>) {
        let mut response = Response::new(code.clamp(101, 199), &self.request);
        tag(&mut response, &cx.line.local_tag);
        cx.introduce(&mut response.headers);
        for route in self.request.headers.get_all(&Name::RecordRoute) {
            response.headers.push(Name::RecordRoute, route.clone());
        }
        if let Some(sdp) = sdp {
            attach(&mut response.headers, &mut response.body, sdp);
        }
        cx.respond(self.invite, &response);
        self.progress = Some(response);
        cx.arm(LegTimer::RepeatProvisional, REPEAT_PROVISIONAL);
    }

    fn accept(self: Box<Self>, cx: &mut Context<'_>, sdp: &Bytes) -> State {
        let session = match session_timer::asked(&self.request.headers) {
            Wish::Timer(timer) => Some(timer),
            // Too short an interval has been refused with 422 before the leg was made.
            Wish::None | Wish::TooShort => None,
        };
        let response = cx.success(&self.request, Some(sdp), session);
        cx.timers.clear();
        cx.respond(self.invite, &response);
        let carries = match body::session_description(&self.request.headers, &self.request.body) {
            Some(_) => Carries::Answer,
            None => Carries::Offer,
        };
        State::Talking(Box::new(Talking::answered_by_us(cx, *self, carries, sdp, session)))
    }

    /// Gives up what the confirmed dialog goes on with: dialog, INVITE transaction, INVITE.
    pub(super) fn into_parts(self) -> (Dialog, TxId, Request) {
        (self.dialog, self.invite, self.request)
    }

    fn refuse(&self, cx: &mut Context<'_>, code: u16, cause: &Cause, retry_after_s: Option<u32>) {
        let mut response = Response::new(code, &self.request);
        tag(&mut response, &cx.line.local_tag);
        give_reason(&mut response.headers, cause);
        if let Some(seconds) = retry_after_s {
            response.headers.push(Name::RetryAfter, seconds.to_string());
        }
        cx.respond(self.invite, &response);
    }

    fn on_timer(self: Box<Self>, cx: &mut Context<'_>, timer: LegTimer) -> State {
        match timer {
            LegTimer::RepeatProvisional => {
                match &self.progress {
                    Some(response) => cx.respond(self.invite, response),
                    None => cx.respond(self.invite, &Response::new(100, &self.request)),
                }
                cx.arm(LegTimer::RepeatProvisional, REPEAT_PROVISIONAL);
                State::Offered(self)
            }
            LegTimer::Ring => {
                self.refuse(cx, 480, &Cause::default(), None);
                cx.fact(LegFact::Lost { loss: Loss::Timeout });
                State::Over
            }
            LegTimer::CancelGivenUp | LegTimer::Talking(_) => State::Offered(self),
        }
    }

    fn on_request(mut self: Box<Self>, cx: &mut Context<'_>, tx: TxId, request: &Request) -> State {
        if self.dialog.sequence(request) == Sequence::Old {
            cx.answer(tx, request, 500);
            return State::Offered(self);
        }
        match Concern::of(&request.method) {
            // RFC 3311 5.2: the peer's first offer is not answered yet.
            Concern::Update if !request.body.is_empty() => cx.answer(tx, request, 500),
            Concern::Update => {
                self.dialog.refresh_target(&request.headers);
                let response = cx.success(request, None, None);
                cx.respond(tx, &response);
            }
            // RFC 3261 14.2: a second INVITE before the final response to the first.
            Concern::Invite => cx.answer(tx, request, 500),
            Concern::Bye => {
                // RFC 3261 15.1.2: BYE ends the early dialog, 487 its INVITE.
                cx.answer(tx, request, 200);
                self.refuse(cx, 487, &Cause::default(), None);
                cx.fact(LegFact::HungUp { cause: request.headers.reason() });
                return State::Over;
            }
            Concern::Common => serve(cx, tx, request),
        }
        State::Offered(self)
    }
}
