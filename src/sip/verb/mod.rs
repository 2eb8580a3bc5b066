//! Verbs: what one leg does with each method, from its first INVITE to its end.
//!
//! Decides: the life of a leg (RFC 3261 13 to 15, 3311, 3515, 4028, 6086): early dialogs and forks, 2xx and ACK, re-INVITE and
//! UPDATE in both directions, CANCEL owed until a provisional, BYE behind an owed ACK (trap T8).
//! Invariants: every INVITE of the peer gets exactly one final response (I1); every 2xx to ours is ACKed, an unwanted
//! one is followed by our BYE (I3); at most one offer is outstanding per dialog (I6), offer and answer alternate (I7);
//! a leg ends with exactly one of `Failed`, `HungUp`, `Lost` and `Released`.
//! Does not do: admission, matching (that is `endpoint`), or what the call makes of it. SDP is opaque bytes.
//!
//! A leg is a state that consumes itself: [`calling`] and [`offered`] before the final response, [`talking`] with its
//! offers in [`reinvite`], [`leaving`] after our BYE, [`rejected`] after our refusal.

#![warn(clippy::wildcard_enum_match_arm)]

pub mod calling;
pub mod context;
pub mod info;
pub mod leaving;
pub mod notify;
pub mod offered;
pub mod options;
pub mod refer;
pub mod reinvite;
pub mod rejected;
pub mod session;
pub mod talking;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::ids::LegId;
use crate::base::time::Instant;
use crate::base::timer::TimerTable;
use crate::sip::dialog::Dialog;
use crate::sip::dialog::glare::CallIdOwner;
use crate::sip::endpoint::core::Core;
use crate::sip::fact::{Cause, Peer};
use crate::sip::flow::Flow;
use crate::sip::message::{Method, Replaces, Request};
use crate::sip::order::{LegOrder, OutgoingInvite};
use crate::sip::transaction::table::{TxId, What};

use calling::Calling;
use context::Context;
use leaving::Leaving;
use offered::Offered;
use refer::Asked;
use rejected::Rejected;
use talking::Talking;

/// How long a peer whose stream has closed may take to come back before its INVITE is answered over a new one. Together
/// with the connecting it stays below 32 s (V14).
const RECONNECT: Duration = Duration::from_secs(16);

/// One leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// What never depends on the state.
    pub line: Line,
    timers: TimerTable<LegTimer>,
    state: State,
}

/// What never depends on the state of a leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The leg.
    pub id: LegId,
    /// Who is at the other end.
    pub peer: Peer,
    /// The flow of the leg's first message.
    pub flow: Flow,
    /// Call-ID.
    pub call_id: bytes::Bytes,
    /// Our tag, by which requests of the peer are matched.
    pub local_tag: bytes::Bytes,
    /// Who made the Call-ID.
    pub call_id_owner: CallIdOwner,
}

/// A leg's timers. Each variant says what its firing means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LegTimer {
    /// An INVITE has rung for longer than any call should: give up.
    Ring,
    /// A proxy might think that the peer's INVITE is dead: repeat the provisional response (RFC 3261 13.3.1.1).
    RepeatProvisional,
    /// Our CANCEL brought no final response in 64*T1: forget the INVITE (RFC 3261 9.1).
    CancelGivenUp,
    /// One of a confirmed dialog.
    Talking(TalkingTimer),
}

/// The timers of a confirmed dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TalkingTimer {
    /// Our 2xx is not ACKed: send it again (RFC 3261 13.3.1.4).
    RepeatSuccess,
    /// Our 2xx was never ACKed: the leg is lost.
    AckWait,
    /// The call owes the peer's offer an answer for too long: refuse it.
    AnswerOwed,
    /// Our re-INVITE had a provisional response and no final one since: the leg is lost.
    ResponseOwed,
    /// The wait after a 491 is over: offer again.
    Glare,
    /// Our BYE has waited long enough for an ACK or a final response that is owed (trap T8).
    HangUpOwed,
    /// The call owes its decision on a REFER for too long: refuse it.
    ReferOwed,
    /// The last report on a REFER has waited long enough for the answer to the one before (trap T2): send it.
    LastReportOwed,
    /// The subscription to a REFER's progress has lasted for as long as we promised: end it.
    SubscriptionExpired,
    /// Half of the session interval is over: refresh (RFC 4028 10).
    Refresh,
    /// Nobody refreshed the session: it is lost.
    SessionExpired,
}

impl From<TalkingTimer> for LegTimer {
    fn from(timer: TalkingTimer) -> Self {
        Self::Talking(timer)
    }
}

/// Where a leg stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Our INVITE has no final response yet.
    Calling(Box<Calling>),
    /// The peer's INVITE has no final response yet.
    Offered(Box<Offered>),
    /// A dialog is confirmed by a 2xx.
    Talking(Box<Talking>),
    /// We have sent BYE.
    Leaving(Box<Leaving>),
    /// We have refused the peer's INVITE.
    Rejected(Rejected),
    /// Over: to be forgotten.
    Over,
}

/// How a leg stands towards whoever wants to take its place (RFC 3891).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It rings: our INVITE made an early dialog.
    Called,
    /// It waits for our answer: its own INVITE made an early dialog.
    Caller,
    /// It talks.
    Talking,
    /// It is about to be over.
    Ending,
}

/// What can happen to a leg.
#[derive(Debug)]
pub enum Input<'a> {
    /// A request of the peer inside the dialog, with its transaction.
    Request {
        /// The transaction that waits for our response.
        tx: TxId,
        /// The request.
        request: &'a Request,
    },
    /// A REFER of the peer inside the dialog, read; or the code of its refusal.
    Refer {
        /// The transaction that waits for our response.
        tx: TxId,
        /// The request.
        request: &'a Request,
        /// What it asks for.
        asked: Result<Asked, u16>,
    },
    /// The ACK of a 2xx.
    Ack(&'a Request),
    /// The peer's CANCEL of its INVITE.
    Cancelled {
        /// The INVITE's transaction.
        invite: TxId,
        /// The Reason of the CANCEL.
        cause: Cause,
    },
    /// Something happened to one of the leg's transactions.
    News {
        /// Which.
        tx: TxId,
        /// What.
        what: What,
    },
    /// An order of the call.
    Order(LegOrder),
    /// A timer has come.
    Timer(LegTimer),
}

impl Leg {
    /// A leg that calls somebody.
    pub fn call(core: &mut Core, now: Instant, id: LegId, invite: OutgoingInvite) -> Self {
        let (call_id, local_tag) = (core.mint.call_id(), core.mint.tag());
        let call_id_owner = CallIdOwner::Us;
        let line = Line { id, peer: invite.peer.clone(), flow: invite.flow, call_id, local_tag, call_id_owner };
        let mut leg = Self { line, timers: TimerTable::default(), state: State::Over };
        leg.state = Calling::start(&mut leg.context(core, now), invite);
        leg
    }

    /// A leg that is called. `None` if the INVITE cannot make a dialog.
    pub fn called(
        core: &mut Core,
        now: Instant,
        id: LegId,
        peer: Peer,
        flow: Flow,
        tx: TxId,
        invite: &Request,
    ) -> Option<Self> {
        let local_tag = core.mint.tag();
        let dialog = Dialog::of_request(invite, local_tag.clone())?;
        let call_id_owner = CallIdOwner::Peer;
        let line = Line { id, peer, flow, call_id: dialog.call_id.clone(), local_tag, call_id_owner };
        let mut leg = Self { line, timers: TimerTable::default(), state: State::Over };
        leg.state = Offered::start(&mut leg.context(core, now), tx, invite, dialog);
        Some(leg)
    }

    /// Takes one input.
    pub fn handle(&mut self, core: &mut Core, now: Instant, input: Input<'_>) {
        // A leg is part of the endpoint: a panic here ends the worker, so nobody sees the placeholder.
        let state = std::mem::replace(&mut self.state, State::Over);
        let cx = &mut self.context(core, now);
        let next = match state {
            State::Calling(state) => state.handle(cx, input),
            State::Offered(state) => state.handle(cx, input),
            State::Talking(state) => state.handle(cx, input),
            State::Leaving(state) => state.handle(cx, input),
            State::Rejected(state) => state.handle(cx, input),
            State::Over => State::Over,
        };
        if next == State::Over {
            self.timers.clear();
        }
        self.state = next;
    }

    /// Takes out the earliest timer that is due.
    pub fn expire(&mut self, now: Instant) -> Option<LegTimer> {
        self.timers.expire(now)
    }

    /// The leg's earliest deadline.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.timers.next_timeout()
    }

    /// The leg's armed timers, for the invariants.
    pub fn timers(&self) -> impl Iterator<Item = (LegTimer, Instant)> + '_ {
        self.timers.iter()
    }

    /// Whether the leg is to be forgotten.
    pub fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// Whether a request belongs to a dialog of this leg: Call-ID and both tags.
    pub fn matches(&self, request: &Request) -> bool {
        match &self.state {
            State::Calling(calling) => {
                // A callee whose every response has been overtaken has no dialog that we have heard of.
                let bye = request.method == Method::Bye && request.headers.call_id().as_ref() == Ok(&self.line.call_id);
                bye || calling.matches(request)
            }
            State::Offered(offered) => offered.matches(request),
            State::Talking(talking) => talking.dialog.matches(request),
            State::Leaving(leaving) => leaving.matches(request),
            State::Rejected(_) | State::Over => false,
        }
    }

    /// How the leg stands, if a Replaces names a dialog of it: Call-ID and both tags, in either order.
    pub fn answers_to(&self, replaces: &Replaces) -> Option<Standing> {
        let names = |dialog: &Dialog| replaces.names(&self.line.local_tag, dialog.remote_tag.as_ref());
        let (named, standing) = match &self.state {
            State::Calling(calling) => (calling.early().any(names), calling.standing()),
            State::Offered(offered) => (names(offered.dialog()), Standing::Caller),
            State::Talking(talking) => (names(&talking.dialog), talking.standing()),
            State::Leaving(leaving) => (names(leaving.dialog()), Standing::Ending),
            State::Rejected(_) | State::Over => return None,
        };
        (named && replaces.call_id == self.line.call_id).then_some(standing)
    }

    /// The stream of the leg's flow is gone: later requests find their own way. A peer that is still waiting for our
    /// final response has a while to come back before it is looked for (V14).
    pub fn flow_failed(&mut self, now: Instant, flow: &Flow) {
        if self.line.flow != *flow {
            return;
        }
        self.line.flow.connection = None;
        if let State::Offered(_) = &self.state {
            self.timers.set(LegTimer::RepeatProvisional, now + RECONNECT);
        }
    }

    fn context<'a>(&'a mut self, core: &'a mut Core, now: Instant) -> Context<'a> {
        Context { now, core, line: &self.line, timers: &mut self.timers }
    }
}

/// What a request inside a dialog is to the states of a leg.
pub(crate) enum Concern {
    /// It ends the dialog.
    Bye,
    /// It makes a session or changes it.
    Invite,
    /// It changes a session, or only the target.
    Update,
    /// It is the same to every state.
    Common,
}

impl Concern {
    /// What this method is.
    pub(crate) const fn of(method: &Method) -> Self {
        match method {
            Method::Bye => Self::Bye,
            Method::Invite => Self::Invite,
            Method::Update => Self::Update,
            Method::Options
            | Method::Info
            | Method::Notify
            | Method::Refer
            | Method::Ack
            | Method::Cancel
            | Method::Register
            | Method::Prack
            | Method::Subscribe
            | Method::Message
            | Method::Publish
            | Method::Other(_) => Self::Common,
        }
    }
}

/// Serves what is the same in every state, and refuses what none expects.
pub(crate) fn serve(cx: &mut Context<'_>, tx: TxId, request: &Request) {
    match &request.method {
        Method::Options => options::answer(cx, tx, request),
        Method::Info => info::receive(cx, tx, request),
        Method::Notify => notify::refuse(cx, tx, request),
        // Before the session is up there is nobody to be moved (trap T7).
        Method::Refer => cx.answer(tx, request, 603),
        Method::Invite
        | Method::Bye
        | Method::Update
        | Method::Ack
        | Method::Cancel
        | Method::Register
        | Method::Prack
        | Method::Subscribe
        | Method::Message
        | Method::Publish => cx.answer(tx, request, 405),
        Method::Other(_) => cx.answer(tx, request, 501),
    }
}
