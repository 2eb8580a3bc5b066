//! A confirmed dialog: from the 2xx to the BYE.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::context::Context;
use super::leaving::Leaving;
use super::offered::Offered;
use super::refer::Refers;
use super::reinvite::{AckOf, AckOwed, Carries, Exchange};
use super::session::Session;
use super::{Concern, Input, LegTimer, Standing, State, TalkingTimer, info, serve};
use crate::sip::dialog::session_timer::SessionTimer;
use crate::sip::dialog::{Dialog, Sequence};
use crate::sip::fact::{Cause, LegFact, Loss};
use crate::sip::message::{Method, Name, Request, Response};
use crate::sip::order::LegOrder;
use crate::sip::transaction::machine::Class;
use crate::sip::transaction::table::{TxId, What};

/// A confirmed dialog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Talking {
    /// The dialog.
    pub dialog: Dialog,
    /// The INVITE of ours that made it; more forks may still answer it.
    pub(super) invite: Origin,
    /// Which offer is on its way.
    pub(super) exchange: Exchange,
    /// The newest offer that the call has ordered while another was on its way.
    pub(super) next_offer: Option<Bytes>,
    /// Who is behind us, if that has changed since the INVITE.
    pub(super) presents: Vec<(Name, Bytes)>,
    /// Whether we still want it.
    pub(super) wish: Wish,
    /// The session timer.
    pub(super) session: Session,
    /// Its REFERs.
    pub(super) refers: Refers,
}

/// Whose INVITE made the dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Origin {
    /// Ours.
    Ours(TxId),
    /// The peer's.
    Theirs,
}

/// Whether we still want the dialog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Wish {
    /// Yes.
    Stay,
    /// No: our BYE waits for an ACK or a final response that is owed (trap T8).
    HangUp(Cause),
}

impl Talking {
    /// The peer has answered our INVITE.
    pub fn answered_by_peer(
        cx: &mut Context<'_>,
        dialog: Dialog,
        invite: TxId,
        response: &Response,
        offer: Bytes,
    ) -> Self {
        let session = Session::of_response(cx, &response.headers, offer);
        Self {
            dialog,
            invite: Origin::Ours(invite),
            exchange: Exchange::Idle,
            next_offer: None,
            presents: Vec::new(),
            wish: Wish::Stay,
            session,
            refers: Refers::none(),
        }
    }

    /// We have answered the peer's INVITE; its ACK is awaited.
    pub fn answered_by_us(
        cx: &mut Context<'_>,
        offered: Offered,
        carries: Carries,
        sdp: &Bytes,
        timer: Option<SessionTimer>,
    ) -> Self {
        let (dialog, invite, request) = offered.into_parts();
        let session = Session::of_request(cx, &request.headers, timer, sdp);
        let number = request.headers.cseq().map_or(0, |cseq| cseq.number);
        let owed = AckOwed::start(cx, invite, number, AckOf::First, carries);
        Self {
            dialog,
            invite: Origin::Theirs,
            exchange: Exchange::AckOwed(owed),
            next_offer: None,
            presents: Vec::new(),
            wish: Wish::Stay,
            session,
            refers: Refers::none(),
        }
    }

    /// How it stands towards whoever wants to take its place.
    pub(super) fn standing(&self) -> Standing {
        match self.wish {
            Wish::Stay => Standing::Talking,
            Wish::HangUp(_) => Standing::Ending,
        }
    }

    /// Takes one input.
    pub fn handle(mut self: Box<Self>, cx: &mut Context<'_>, input: Input<'_>) -> State {
        match input {
            Input::Request { tx, request } => self.on_request(cx, tx, request),
            Input::Refer { tx, request, asked } => {
                self.on_refer(cx, tx, request, asked);
                State::Talking(self)
            }
            Input::Ack(request) => self.on_ack(cx, request),
            Input::Cancelled { invite, .. } => self.on_cancelled(cx, invite),
            Input::News { tx, what } => self.on_news(cx, tx, what),
            Input::Order(order) => self.on_order(cx, order),
            Input::Timer(timer) => self.on_timer(cx, timer),
        }
    }

    fn on_request(mut self: Box<Self>, cx: &mut Context<'_>, tx: TxId, request: &Request) -> State {
        if self.dialog.sequence(request) == Sequence::Old {
            cx.answer(tx, request, 500);
            return State::Talking(self);
        }
        match Concern::of(&request.method) {
            Concern::Bye => return self.on_bye(cx, tx, request),
            Concern::Invite => self.on_reinvite(cx, tx, request),
            Concern::Update => self.on_update(cx, tx, request),
            Concern::Common => serve(cx, tx, request),
        }
        State::Talking(self)
    }

    /// RFC 3261 15.1.2: the dialog ends at once; what the peer's pending INVITE gets is 487.
    fn on_bye(mut self: Box<Self>, cx: &mut Context<'_>, tx: TxId, request: &Request) -> State {
        cx.answer(tx, request, 200);
        self.exchange.terminate(cx);
        self.refers.terminate(cx);
        match self.wish {
            Wish::Stay => cx.fact(LegFact::HungUp { cause: request.headers.reason() }),
            Wish::HangUp(_) => cx.fact(LegFact::Released),
        }
        State::Over
    }

    fn on_news(mut self: Box<Self>, cx: &mut Context<'_>, tx: TxId, what: What) -> State {
        if self.invite == Origin::Ours(tx) {
            if let What::Response(response) = &what
                && Class::of(response.code) == Class::Success
            {
                // First 200 wins; another fork's gets ACK and BYE (trap T36).
                cx.decline_success(tx, response, &Cause { sip: Some(487), q850: None });
            }
            return State::Talking(self);
        }
        if self.exchange.is_of(tx) {
            return self.on_exchange_news(cx, what);
        }
        if self.refers.is_of(tx) {
            self.on_report_news(cx, &what);
            return State::Talking(self);
        }
        match what {
            // Of our INFO: an unknown dialog is a lost leg, every other failure is the key's alone (RFC 5057). Of a NOTIFY
            // that nobody waits for any more it says nothing of the session.
            What::Response(response) if response.code == 481 && is_of_session(&response) => {
                self.lose(cx, Loss::DialogUnknown)
            }
            What::Response(_) | What::TimedOut | What::TransportFailed | What::Settled => State::Talking(self),
        }
    }

    fn on_order(mut self: Box<Self>, cx: &mut Context<'_>, order: LegOrder) -> State {
        match order {
            LegOrder::Offer { sdp } => self.order_offer(cx, sdp),
            LegOrder::Present { headers } => self.presents = headers,
            LegOrder::Answer { sdp } => return self.order_answer(cx, &sdp),
            LegOrder::RejectOffer { code } => return self.order_reject_offer(cx, code),
            LegOrder::Digit { digit, duration_ms } => {
                let request = info::key(&mut self.dialog, digit, duration_ms);
                let flow = cx.flow(&self.dialog);
                cx.start(request, flow);
            }
            LegOrder::HangUp { cause } => return self.hang_up(cx, cause),
            LegOrder::AcceptRefer { refer, first } => self.order_accept_refer(cx, refer, first),
            LegOrder::RejectRefer { refer, code } => self.order_reject_refer(cx, refer, code),
            LegOrder::Notify { refer, status, last } => self.order_notify(cx, refer, status, last),
            LegOrder::Progress { .. } | LegOrder::Accept { .. } | LegOrder::Reject { .. } => {
                cx.ignore("an order for an INVITE that has its final response");
            }
        }
        State::Talking(self)
    }

    fn hang_up(mut self: Box<Self>, cx: &mut Context<'_>, cause: Cause) -> State {
        self.settle_refers(cx);
        match self.exchange.owes() {
            None => {
                self.exchange.terminate(cx);
                Leaving::start(cx, self.dialog, &cause)
            }
            Some(patience) => {
                if let Some(patience) = patience {
                    cx.arm(TalkingTimer::HangUpOwed, patience);
                }
                self.wish = Wish::HangUp(cause);
                self.next_offer = None;
                State::Talking(self)
            }
        }
    }

    /// The exchange is settled: the BYE that waited for it, or the next offer, goes out.
    pub(super) fn settled(mut self: Box<Self>, cx: &mut Context<'_>) -> State {
        self.exchange = Exchange::Idle;
        match std::mem::replace(&mut self.wish, Wish::Stay) {
            Wish::HangUp(cause) => Leaving::start(cx, self.dialog, &cause),
            Wish::Stay => {
                if let Some(sdp) = self.next_offer.take() {
                    self.order_offer(cx, sdp);
                }
                State::Talking(self)
            }
        }
    }

    /// The peer does not know the dialog any more (RFC 3261 12.2.1.2): the leg is lost. A BYE would say nothing new.
    pub(super) fn lose(self: Box<Self>, cx: &mut Context<'_>, loss: Loss) -> State {
        let mut this = *self;
        this.exchange.terminate(cx);
        this.refers.terminate(cx);
        if loss != Loss::DialogUnknown {
            let code = if loss == Loss::NoAck { 408 } else { 480 };
            cx.farewell(&mut this.dialog, &Cause { sip: Some(code), q850: None });
        }
        match this.wish {
            Wish::Stay => cx.fact(LegFact::Lost { loss }),
            Wish::HangUp(_) => cx.fact(LegFact::Released),
        }
        State::Over
    }

    fn on_timer(mut self: Box<Self>, cx: &mut Context<'_>, timer: LegTimer) -> State {
        let timer = match timer {
            LegTimer::Talking(timer) => timer,
            LegTimer::Ring | LegTimer::RepeatProvisional | LegTimer::CancelGivenUp => return State::Talking(self),
        };
        match timer {
            // RFC 3261 13.3.1.4.
            TalkingTimer::AckWait => return self.lose(cx, Loss::NoAck),
            TalkingTimer::AnswerOwed => return self.order_reject_offer(cx, 500),
            TalkingTimer::ResponseOwed => return self.lose(cx, Loss::Timeout),
            TalkingTimer::Glare => return self.offer_again(cx),
            TalkingTimer::HangUpOwed => {
                if let Wish::HangUp(cause) = std::mem::replace(&mut self.wish, Wish::Stay) {
                    return Leaving::start(cx, self.dialog, &cause);
                }
            }
            TalkingTimer::SessionExpired => return self.lose(cx, Loss::SessionExpired),
            TalkingTimer::RepeatSuccess => self.exchange.repeat_success(cx),
            TalkingTimer::Refresh => self.refresh(cx),
            TalkingTimer::ReferOwed => self.on_refer_owed(cx),
            TalkingTimer::LastReportOwed => self.on_last_report_owed(cx),
            TalkingTimer::SubscriptionExpired => self.on_subscription_expired(cx),
        }
        State::Talking(self)
    }
}

/// Whether a response speaks of the session and not of a subscription in the same dialog.
fn is_of_session(response: &Response) -> bool {
    response.headers.cseq().is_ok_and(|cseq| cseq.method != Method::Notify)
}
