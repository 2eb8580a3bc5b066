//! Offers inside a dialog: re-INVITE and UPDATE in both directions (RFC 3261 14, 3264, 3311), one at a time (I6).

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::context::{Context, attach};
use super::talking::{Talking, Wish};
use super::{State, TalkingTimer};
use crate::sip::dialog::glare;
use crate::sip::dialog::session_timer;
use crate::sip::endpoint::body;
use crate::sip::fact::{LegFact, Loss};
use crate::sip::message::{Method, Name, Request, Response};
use crate::sip::transaction::machine::Class;
use crate::sip::transaction::table::{TxId, What};

/// How long our BYE waits for an ACK or a final response of a re-INVITE: long enough for a living peer, and well within the
/// second in which a leg has to be hung up (I18).
const HANG_UP_PATIENCE: Duration = Duration::from_millis(500);

/// Which offer is on its way in a dialog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exchange {
    /// None.
    Idle,
    /// Ours, by re-INVITE, or a refresh of the session.
    Ours(Ours),
    /// Ours met the peer's: it is tried again after a while (RFC 3261 14.1).
    BackingOff(BackingOff),
    /// The peer's; the call owes the answer.
    Theirs(Box<Theirs>),
    /// Answered by our 2xx, whose ACK is awaited.
    AckOwed(AckOwed),
}

/// A request of ours that offers or refreshes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ours {
    tx: TxId,
    number: u32,
    purpose: Purpose,
}

/// What a request of ours is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Purpose {
    /// The call's offer, tried this often.
    Offer {
        /// The offer.
        sdp: Bytes,
        /// How often it has met 491.
        attempts: u8,
    },
    /// A refresh by re-INVITE with the session as it is.
    RefreshByReinvite,
    /// A refresh by UPDATE without SDP.
    RefreshByUpdate,
}

/// An offer of ours that waits for the glare to pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackingOff {
    sdp: Bytes,
    attempts: u8,
}

/// An offer of the peer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Theirs {
    tx: TxId,
    request: Request,
    carries: Carries,
}

/// An ACK that the peer owes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AckOwed {
    tx: TxId,
    number: u32,
    of: AckOf,
    carries: Carries,
    interval: Duration,
}

/// Which INVITE the owed ACK belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AckOf {
    /// The one that made the dialog.
    First,
    /// A later one.
    Reinvite,
}

/// What our 2xx to the peer's INVITE carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Carries {
    /// The answer to its offer.
    Answer,
    /// Our offer, because the INVITE had none; the ACK carries the answer.
    Offer,
}

// === impl Exchange ===

impl Exchange {
    /// Whether news of this transaction belongs to it.
    pub fn is_of(&self, tx: TxId) -> bool {
        match self {
            Self::Ours(ours) => ours.tx == tx,
            Self::Theirs(theirs) => theirs.tx == tx,
            Self::AckOwed(owed) => owed.tx == tx,
            Self::Idle | Self::BackingOff(_) => false,
        }
    }

    /// Whether our BYE has to wait for something that is owed, and how long at most. RFC 3261 15: not before the ACK of
    /// the 2xx that made the dialog, or its own time-out; trap T8: not before our own ACK of a re-INVITE's 2xx.
    pub fn owes(&self) -> Option<Option<Duration>> {
        match self {
            Self::Idle | Self::BackingOff(_) | Self::Theirs(_) => None,
            Self::Ours(_) => Some(Some(HANG_UP_PATIENCE)),
            Self::AckOwed(owed) => match owed.of {
                AckOf::First => Some(None),
                AckOf::Reinvite => Some(Some(HANG_UP_PATIENCE)),
            },
        }
    }

    /// The dialog ends: the peer's pending INVITE or UPDATE gets 487 (RFC 3261 15.1.2).
    pub fn terminate(&self, cx: &mut Context<'_>) {
        match self {
            Self::Theirs(theirs) => cx.answer(theirs.tx, &theirs.request, 487),
            Self::Idle | Self::Ours(_) | Self::BackingOff(_) | Self::AckOwed(_) => {}
        }
    }

    /// Sends the 2xx again (RFC 3261 13.3.1.4).
    pub fn repeat_success(&mut self, cx: &mut Context<'_>) {
        match self {
            Self::AckOwed(owed) => {
                cx.core.transactions.repeat_success(cx.now, owed.tx);
                owed.interval = cx.core.timing.doubled(owed.interval);
                cx.arm(TalkingTimer::RepeatSuccess, owed.interval);
            }
            Self::Idle | Self::Ours(_) | Self::BackingOff(_) | Self::Theirs(_) => {}
        }
    }
}

impl AckOwed {
    /// Our 2xx has been sent.
    pub fn start(cx: &mut Context<'_>, tx: TxId, number: u32, of: AckOf, carries: Carries) -> Self {
        let interval = cx.core.timing.t1;
        cx.arm(TalkingTimer::RepeatSuccess, interval);
        cx.arm(TalkingTimer::AckWait, cx.core.timing.patience());
        Self { tx, number, of, carries, interval }
    }
}

// === impl Talking: the peer's offers ===

impl Talking {
    pub(super) fn on_reinvite(&mut self, cx: &mut Context<'_>, tx: TxId, request: &Request) {
        if self.wish != Wish::Stay {
            // Our BYE is about to leave; nothing is offered any more, and nothing keeps the BYE waiting.
            return cx.answer(tx, request, 491);
        }
        match &self.exchange {
            // RFC 3261 14.2: glare.
            Exchange::Ours(_) => return cx.answer(tx, request, 491),
            // RFC 3261 14.2: a second INVITE before the final response to the first.
            Exchange::Theirs(_) => return cx.answer(tx, request, 500),
            Exchange::AckOwed(owed) => match (owed.of, owed.carries) {
                // The offer in our 2xx has no answer yet, or the ACK has been overtaken: it comes again.
                (AckOf::First, _) | (_, Carries::Offer) => return cx.answer(tx, request, 491),
                // A peer that offers anew has seen our answer; its ACK was lost.
                (AckOf::Reinvite, Carries::Answer) => {
                    self.stop_waiting_for_ack(cx);
                    if self.next_offer.take().is_some() {
                        cx.fact(LegFact::OfferRefused { code: 491 });
                    }
                }
            },
            Exchange::BackingOff(_) => self.withdraw(cx),
            Exchange::Idle => {}
        }
        if self.refuse_short_session(cx, tx, request) {
            return;
        }
        let sdp = body::session_description(&request.headers, &request.body);
        let carries = if sdp.is_some() { Carries::Answer } else { Carries::Offer };
        self.offered(cx, tx, request, sdp, carries);
    }

    pub(super) fn on_update(&mut self, cx: &mut Context<'_>, tx: TxId, request: &Request) {
        if self.refuse_short_session(cx, tx, request) {
            return;
        }
        let Some(sdp) = body::session_description(&request.headers, &request.body) else {
            self.dialog.refresh_target(&request.headers);
            let timer = self.session.renewed_by_peer(cx, &request.headers);
            let response = cx.success(request, None, timer);
            return cx.respond(tx, &response);
        };
        if self.wish != Wish::Stay {
            return cx.answer(tx, request, 491);
        }
        match &self.exchange {
            // RFC 3311 5.2.
            Exchange::Ours(_) => return cx.answer(tx, request, 491),
            Exchange::Theirs(_) => return cx.answer(tx, request, 500),
            Exchange::AckOwed(owed) if owed.carries == Carries::Offer => return cx.answer(tx, request, 491),
            Exchange::AckOwed(_) => return cx.answer(tx, request, 500),
            Exchange::BackingOff(_) => self.withdraw(cx),
            Exchange::Idle => {}
        }
        self.offered(cx, tx, request, Some(sdp), Carries::Answer);
    }

    fn offered(&mut self, cx: &mut Context<'_>, tx: TxId, request: &Request, sdp: Option<Bytes>, carries: Carries) {
        cx.core.transactions.give(tx, cx.line.id);
        self.dialog.refresh_target(&request.headers);
        self.exchange = Exchange::Theirs(Box::new(Theirs { tx, request: request.clone(), carries }));
        cx.arm(TalkingTimer::AnswerOwed, cx.core.limits.answer);
        cx.fact(LegFact::Offered { sdp });
    }

    /// The call's offer, made before the peer's, is no longer the newest: the call decides anew.
    fn withdraw(&mut self, cx: &mut Context<'_>) {
        cx.stop(TalkingTimer::Glare);
        self.exchange = Exchange::Idle;
        self.next_offer = None;
        cx.fact(LegFact::OfferRefused { code: 491 });
    }

    fn refuse_short_session(&self, cx: &mut Context<'_>, tx: TxId, request: &Request) -> bool {
        if session_timer::asked(&request.headers) != session_timer::Wish::TooShort {
            return false;
        }
        let mut response = Response::new(422, request);
        response.headers.push(Name::MinSe, session_timer::MIN_SE.as_secs().to_string());
        cx.respond(tx, &response);
        true
    }

    pub(super) fn order_answer(mut self: Box<Self>, cx: &mut Context<'_>, sdp: &Bytes) -> State {
        let Some(theirs) = self.take_theirs() else {
            cx.ignore("an answer to no offer");
            return State::Talking(self);
        };
        cx.stop(TalkingTimer::AnswerOwed);
        let timer = self.session.renewed_by_peer(cx, &theirs.request.headers);
        self.session.remember(sdp);
        let response = cx.success(&theirs.request, Some(sdp), timer);
        cx.respond(theirs.tx, &response);
        if theirs.request.method == Method::Invite {
            let number = theirs.request.headers.cseq().map_or(0, |cseq| cseq.number);
            let owed = AckOwed::start(cx, theirs.tx, number, AckOf::Reinvite, theirs.carries);
            self.exchange = Exchange::AckOwed(owed);
            return State::Talking(self);
        }
        self.settled(cx)
    }

    pub(super) fn order_reject_offer(mut self: Box<Self>, cx: &mut Context<'_>, code: u16) -> State {
        let Some(theirs) = self.take_theirs() else {
            cx.ignore("a refusal of no offer");
            return State::Talking(self);
        };
        cx.stop(TalkingTimer::AnswerOwed);
        cx.answer(theirs.tx, &theirs.request, code.clamp(300, 699));
        self.settled(cx)
    }

    pub(super) fn on_cancelled(self: Box<Self>, cx: &mut Context<'_>, invite: TxId) -> State {
        // Too late for an INVITE that has its final response (RFC 3261 9.2).
        match &self.exchange {
            Exchange::Theirs(theirs) if theirs.tx == invite => self.order_reject_offer(cx, 487),
            Exchange::Theirs(_)
            | Exchange::Idle
            | Exchange::Ours(_)
            | Exchange::BackingOff(_)
            | Exchange::AckOwed(_) => State::Talking(self),
        }
    }

    /// The peer's offer, if it still waits for an answer.
    fn take_theirs(&mut self) -> Option<Box<Theirs>> {
        match std::mem::replace(&mut self.exchange, Exchange::Idle) {
            Exchange::Theirs(theirs) => Some(theirs),
            other @ (Exchange::Idle | Exchange::Ours(_) | Exchange::BackingOff(_) | Exchange::AckOwed(_)) => {
                self.exchange = other;
                None
            }
        }
    }

    pub(super) fn on_ack(mut self: Box<Self>, cx: &mut Context<'_>, request: &Request) -> State {
        let number = request.headers.cseq().ok().map(|cseq| cseq.number);
        let owed = match &self.exchange {
            Exchange::AckOwed(owed) if Some(owed.number) == number => owed.clone(),
            Exchange::AckOwed(_)
            | Exchange::Idle
            | Exchange::Ours(_)
            | Exchange::BackingOff(_)
            | Exchange::Theirs(_) => return State::Talking(self),
        };
        self.stop_waiting_for_ack(cx);
        let sdp = match owed.carries {
            Carries::Offer => body::session_description(&request.headers, &request.body),
            Carries::Answer => None,
        };
        let wanted = self.wish == Wish::Stay;
        if wanted && (owed.of == AckOf::First || owed.carries == Carries::Offer) {
            cx.fact(LegFact::Acked { sdp });
        }
        self.settled(cx)
    }

    fn stop_waiting_for_ack(&mut self, cx: &mut Context<'_>) {
        cx.stop(TalkingTimer::RepeatSuccess);
        cx.stop(TalkingTimer::AckWait);
        self.exchange = Exchange::Idle;
    }
}

// === impl Talking: our offers ===

impl Talking {
    pub(super) fn order_offer(&mut self, cx: &mut Context<'_>, sdp: Bytes) {
        if self.wish != Wish::Stay {
            return cx.ignore("an offer on a leg that is being hung up");
        }
        match &self.exchange {
            Exchange::Idle => self.send_offer(cx, Purpose::Offer { sdp, attempts: 0 }),
            // The newest offer replaces what has not been sent yet.
            Exchange::Ours(_) | Exchange::AckOwed(_) => self.next_offer = Some(sdp),
            Exchange::BackingOff(waiting) => {
                self.exchange = Exchange::BackingOff(BackingOff { sdp, attempts: waiting.attempts });
            }
            // Ours was made before the answer that the call still owes: it would go back in time (I7).
            Exchange::Theirs(_) => cx.fact(LegFact::OfferRefused { code: 491 }),
        }
    }

    pub(super) fn offer_again(mut self: Box<Self>, cx: &mut Context<'_>) -> State {
        match std::mem::replace(&mut self.exchange, Exchange::Idle) {
            Exchange::BackingOff(BackingOff { sdp, attempts }) => {
                self.send_offer(cx, Purpose::Offer { sdp, attempts });
            }
            other @ (Exchange::Idle | Exchange::Ours(_) | Exchange::Theirs(_) | Exchange::AckOwed(_)) => {
                self.exchange = other;
            }
        }
        State::Talking(self)
    }

    pub(super) fn refresh(&mut self, cx: &mut Context<'_>) {
        if self.exchange != Exchange::Idle || self.wish != Wish::Stay {
            return cx.arm(TalkingTimer::Refresh, Duration::from_secs(5));
        }
        let purpose = self.session.refresh_purpose();
        self.send_offer(cx, purpose);
    }

    fn send_offer(&mut self, cx: &mut Context<'_>, purpose: Purpose) {
        let method = match &purpose {
            Purpose::Offer { .. } | Purpose::RefreshByReinvite => Method::Invite,
            Purpose::RefreshByUpdate => Method::Update,
        };
        let mut request = self.dialog.request(method);
        cx.introduce(&mut request.headers);
        for (name, value) in &self.presents {
            request.headers.push(name.clone(), value.clone());
        }
        if let Some(timer) = self.session.timer() {
            request.headers.push(Name::SessionExpires, timer.refresh_value());
        }
        match &purpose {
            Purpose::Offer { sdp, .. } => attach(&mut request.headers, &mut request.body, sdp),
            Purpose::RefreshByReinvite => {
                if let Some(sdp) = self.session.local() {
                    attach(&mut request.headers, &mut request.body, sdp);
                }
            }
            Purpose::RefreshByUpdate => {}
        }
        let number = self.dialog.local_number();
        let flow = cx.flow(&self.dialog);
        let tx = cx.start(request, flow);
        self.exchange = Exchange::Ours(Ours { tx, number, purpose });
    }

    /// Something happened to the request of ours, or to the answer of ours, that the exchange waits for.
    pub(super) fn on_exchange_news(self: Box<Self>, cx: &mut Context<'_>, what: What) -> State {
        match self.exchange.clone() {
            Exchange::Ours(ours) => match what {
                What::Response(response) => self.on_offer_response(cx, ours, &response),
                What::TimedOut => self.lose(cx, Loss::Timeout),
                What::TransportFailed => self.lose(cx, Loss::Transport),
                What::Settled => State::Talking(self),
            },
            Exchange::AckOwed(owed) => match what {
                // The 2xx that makes the dialog cannot be delivered: nobody will ACK it.
                What::TransportFailed if owed.of == AckOf::First => self.lose(cx, Loss::Transport),
                What::TransportFailed | What::Response(_) | What::TimedOut | What::Settled => State::Talking(self),
            },
            Exchange::Theirs(_) | Exchange::Idle | Exchange::BackingOff(_) => State::Talking(self),
        }
    }

    fn on_offer_response(mut self: Box<Self>, cx: &mut Context<'_>, ours: Ours, response: &Response) -> State {
        match Class::of(response.code) {
            Class::Provisional => {
                // Timer B has stopped; from here on this one waits for the final response.
                cx.arm(TalkingTimer::ResponseOwed, cx.core.timing.patience());
                State::Talking(self)
            }
            Class::Success => {
                cx.stop(TalkingTimer::ResponseOwed);
                self.dialog.refresh_target(&response.headers);
                if matches!(ours.purpose, Purpose::Offer { .. } | Purpose::RefreshByReinvite) {
                    cx.acknowledge(ours.tx, &self.dialog, ours.number);
                }
                self.session.renewed_by_us(cx, &response.headers);
                if let Purpose::Offer { sdp, .. } = &ours.purpose {
                    self.on_answer(cx, sdp, response);
                }
                self.settled(cx)
            }
            Class::Refusal => {
                cx.stop(TalkingTimer::ResponseOwed);
                self.on_offer_refused(cx, ours.purpose, response)
            }
        }
    }

    fn on_answer(&mut self, cx: &mut Context<'_>, offer: &Bytes, response: &Response) {
        let answer = body::session_description(&response.headers, &response.body);
        if answer.is_some() {
            self.session.remember(offer);
        }
        if self.wish != Wish::Stay {
            return;
        }
        match answer {
            Some(sdp) => cx.fact(LegFact::AnswerReceived { sdp }),
            // An offer without an answer changes nothing (RFC 3264 4).
            None => cx.fact(LegFact::OfferRefused { code: 488 }),
        }
    }

    fn on_offer_refused(mut self: Box<Self>, cx: &mut Context<'_>, purpose: Purpose, response: &Response) -> State {
        match response.code {
            481 => return self.lose(cx, Loss::DialogUnknown),
            408 => return self.lose(cx, Loss::Timeout),
            _ => {}
        }
        let again = glare::back_off(cx.line.call_id_owner, cx.core.mint.entropy());
        match purpose {
            Purpose::Offer { sdp, attempts } => {
                // A BYE or a newer offer that waits makes another attempt pointless.
                let alone = self.wish == Wish::Stay && self.next_offer.is_none();
                if response.code == 491 && attempts < glare::ATTEMPTS && alone {
                    cx.arm(TalkingTimer::Glare, again);
                    self.exchange = Exchange::BackingOff(BackingOff { sdp, attempts: attempts + 1 });
                    return State::Talking(self);
                }
                if alone {
                    cx.fact(LegFact::OfferRefused { code: response.code });
                }
            }
            Purpose::RefreshByUpdate if matches!(response.code, 405 | 501) => {
                self.session.refresh_by_reinvite();
                cx.arm(TalkingTimer::Refresh, Duration::ZERO);
            }
            Purpose::RefreshByUpdate | Purpose::RefreshByReinvite => {
                // The session goes on until its interval ends; a peer that was busy is asked again.
                if matches!(response.code, 491 | 500) {
                    cx.arm(TalkingTimer::Refresh, again);
                }
            }
        }
        self.settled(cx)
    }
}
