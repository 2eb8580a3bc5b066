//! REFER: the peer wants us to reach somebody for the party behind its leg (RFC 3515, 4488); its subscription.
//!
//! One REFER is open at a time in a dialog, from its arrival until the call has settled it; another meanwhile gets 491
//! (trap T13). The first NOTIFY follows its 202 in the same queue (trap T3). One NOTIFY is on its way at a time; newer
//! progress replaces progress that waits; the last report waits at most 1 s (trap T2). When the dialog ends, so does all
//! of it: after the peer's own BYE nothing is sent, before ours a last report is.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::TalkingTimer;
use super::context::Context;
use super::notify::{self, Standing};
use super::talking::{Talking, Wish};
use crate::base::time::Instant;
use crate::sip::dialog::Sequence;
use crate::sip::fact::{Last, LegFact, Loss, Notified, Refer, ReferId, ReferTarget, Reports};
use crate::sip::message::{Name, Request, Response};
use crate::sip::order::FirstReport;
use crate::sip::transaction::machine::Class;
use crate::sip::transaction::table::{TxId, What};

/// How long a subscription lasts: longer than any transfer. Telephones need not refresh it.
const LIFETIME: Duration = Duration::from_secs(3_600);

/// How long the last report waits for the answer to the one before it (trap T2).
const LAST_REPORT_PATIENCE: Duration = Duration::from_secs(1);

/// What a REFER asks for, read by the endpoint, which knows all legs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Whom the peer wants us to reach.
    pub target: ReferTarget,
    /// Whether it wants to hear how it goes.
    pub reports: Reports,
}

/// The REFERs of one dialog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refers {
    /// How the Event of the next one is written.
    next_event: NextEvent,
    open: Open,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum NextEvent {
    /// The first of a dialog may go without an id.
    Bare,
    /// Every later one is told apart by its id (RFC 3515 2.4.6).
    Numbered,
}

/// The Event of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum EventId {
    /// `refer`.
    Bare,
    /// `refer;id=CSeq`.
    Numbered(ReferId),
}

/// How far the latest REFER is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Open {
    /// There is none.
    None,
    /// The call has been told, and owes its decision.
    Asked(Box<Pending>),
    /// The call is at work, and nobody listens.
    Silent(ReferId),
    /// The call is at work, and tells how it goes.
    Reporting(Subscription),
    /// The last report has been sent; its answer is awaited. Another REFER may come.
    Closing {
        /// Which REFER.
        id: ReferId,
        /// The NOTIFY.
        notify: TxId,
    },
}

/// A REFER that the call has not decided upon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Pending {
    id: ReferId,
    tx: TxId,
    request: Request,
    reports: Reports,
}

/// A subscription to the progress of a REFER.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Subscription {
    id: ReferId,
    event: EventId,
    expires: Instant,
    flight: Flight,
    waiting: Waiting,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Flight {
    Nothing,
    Notify(TxId),
}

/// The report that waits for the answer to the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Waiting {
    Nothing,
    Progress(u16),
    Last(u16),
}

// === impl Refers ===

impl Refers {
    /// No REFER has come yet.
    pub(super) const fn none() -> Self {
        Self { next_event: NextEvent::Bare, open: Open::None }
    }

    /// Whether news of this transaction belongs to it.
    pub(super) fn is_of(&self, tx: TxId) -> bool {
        match &self.open {
            Open::Reporting(subscription) => subscription.flight == Flight::Notify(tx),
            Open::Closing { notify, .. } => *notify == tx,
            Open::None | Open::Asked(_) | Open::Silent(_) => false,
        }
    }

    /// The dialog ends by the peer or is lost: a REFER without a response gets one (RFC 3261 15.1.2), nothing else is said.
    pub(super) fn terminate(&mut self, cx: &mut Context<'_>) {
        if let Open::Asked(pending) = std::mem::replace(&mut self.open, Open::None) {
            cx.answer(pending.tx, &pending.request, 487);
        }
    }

    const fn event_of(&mut self, id: ReferId) -> EventId {
        match std::mem::replace(&mut self.next_event, NextEvent::Numbered) {
            NextEvent::Bare => EventId::Bare,
            NextEvent::Numbered => EventId::Numbered(id),
        }
    }
}

impl EventId {
    /// The value of the Event header.
    pub(super) fn value(self) -> String {
        match self {
            Self::Bare => "refer".to_owned(),
            Self::Numbered(id) => format!("refer;id={}", id.0),
        }
    }
}

// === impl Talking: the REFER ===

impl Talking {
    /// A REFER of the peer has arrived.
    pub(super) fn on_refer(&mut self, cx: &mut Context<'_>, tx: TxId, request: &Request, asked: Result<Asked, u16>) {
        if self.dialog.sequence(request) == Sequence::Old {
            return cx.answer(tx, request, 500);
        }
        if self.wish != Wish::Stay {
            // Our BYE is about to leave.
            return cx.answer(tx, request, 481);
        }
        let asked = match asked {
            Ok(asked) => asked,
            Err(code) => return cx.answer(tx, request, code),
        };
        match &self.refers.open {
            Open::Asked(_) | Open::Silent(_) | Open::Reporting(_) => return cx.answer(tx, request, 491),
            // Whoever refers again has heard the last word on the former one.
            Open::Closing { id, .. } => {
                let refer = *id;
                cx.fact(LegFact::NotifyAnswered { refer, last: Last::Yes, result: Notified::Moot });
            }
            Open::None => {}
        }
        let id = ReferId(request.headers.cseq().map_or(0, |cseq| cseq.number));
        let Asked { target, reports } = asked;
        cx.core.transactions.give(tx, cx.line.id);
        self.refers.open = Open::Asked(Box::new(Pending { id, tx, request: request.clone(), reports }));
        cx.arm(TalkingTimer::ReferOwed, cx.core.limits.answer);
        cx.fact(LegFact::Referred(Box::new(Refer { id, target, request: request.clone(), reports })));
    }

    pub(super) fn order_accept_refer(&mut self, cx: &mut Context<'_>, refer: ReferId, first: FirstReport) {
        let Some(pending) = self.take_pending(cx, refer) else {
            return cx.ignore("no REFER waits for that decision");
        };
        self.dialog.refresh_target(&pending.request.headers);
        let mut response = Response::new(202, &pending.request);
        cx.introduce(&mut response.headers);
        if pending.reports == Reports::Declined {
            // RFC 4488 4: the promise that no subscription has been made.
            response.headers.push(Name::ReferSub, "false");
        }
        cx.respond(pending.tx, &response);
        self.refers.open = match pending.reports {
            Reports::Declined => Open::Silent(refer),
            Reports::Wanted => self.subscribe(cx, refer, first),
        };
    }

    /// The subscription begins with a report at once (RFC 6665 4.2.1.2), behind the 202 in the same queue.
    fn subscribe(&mut self, cx: &mut Context<'_>, id: ReferId, first: FirstReport) -> Open {
        let event = self.refers.event_of(id);
        let (expires, waiting) = (cx.now + LIFETIME, Waiting::Nothing);
        let mut subscription = Subscription { id, event, expires, flight: Flight::Nothing, waiting };
        match first {
            FirstReport::Trying => {
                cx.arm(TalkingTimer::SubscriptionExpired, LIFETIME);
                subscription.flight = Flight::Notify(self.send_progress(cx, &subscription, 100));
                Open::Reporting(subscription)
            }
            FirstReport::SettledAtOnce => {
                self.send_report(cx, event, 200, Standing::Settled);
                Open::Silent(id)
            }
        }
    }

    pub(super) fn order_reject_refer(&mut self, cx: &mut Context<'_>, refer: ReferId, code: u16) {
        match self.take_pending(cx, refer) {
            Some(pending) => cx.answer(pending.tx, &pending.request, code.clamp(300, 699)),
            None => cx.ignore("no REFER waits for that decision"),
        }
    }

    /// The call owes its decision on a REFER for too long: the peer's transaction would run out.
    pub(super) fn on_refer_owed(&mut self, cx: &mut Context<'_>) {
        if let Open::Asked(pending) = &self.refers.open {
            let id = pending.id;
            self.order_reject_refer(cx, id, 500);
        }
    }

    fn take_pending(&mut self, cx: &mut Context<'_>, refer: ReferId) -> Option<Box<Pending>> {
        match std::mem::replace(&mut self.refers.open, Open::None) {
            Open::Asked(pending) if pending.id == refer => {
                cx.stop(TalkingTimer::ReferOwed);
                Some(pending)
            }
            other @ (Open::None | Open::Asked(_) | Open::Silent(_) | Open::Reporting(_) | Open::Closing { .. }) => {
                self.refers.open = other;
                None
            }
        }
    }
}

// === impl Talking: the reports ===

impl Talking {
    pub(super) fn order_notify(&mut self, cx: &mut Context<'_>, refer: ReferId, status: u16, last: Last) {
        let status = status.clamp(100, 699);
        match std::mem::replace(&mut self.refers.open, Open::None) {
            Open::Reporting(subscription) if subscription.id == refer => {
                self.refers.open = self.tell(cx, subscription, status, last);
            }
            Open::Silent(id) if id == refer => match last {
                Last::No => self.refers.open = Open::Silent(id),
                Last::Yes => cx.fact(LegFact::NotifyAnswered { refer, last, result: Notified::Moot }),
            },
            other @ (Open::None | Open::Asked(_) | Open::Silent(_) | Open::Reporting(_) | Open::Closing { .. }) => {
                self.refers.open = other;
                cx.ignore("no REFER of that number is open");
                if last == Last::Yes {
                    cx.fact(LegFact::NotifyAnswered { refer, last, result: Notified::Moot });
                }
            }
        }
    }

    fn tell(&mut self, cx: &mut Context<'_>, mut subscription: Subscription, status: u16, last: Last) -> Open {
        match (last, subscription.flight) {
            (Last::Yes, Flight::Nothing) => return self.conclude(cx, &subscription, status),
            (Last::No, Flight::Nothing) => {
                subscription.flight = Flight::Notify(self.send_progress(cx, &subscription, status));
            }
            (Last::Yes, Flight::Notify(_)) => {
                subscription.waiting = Waiting::Last(status);
                cx.arm(TalkingTimer::LastReportOwed, LAST_REPORT_PATIENCE);
            }
            (Last::No, Flight::Notify(_)) => match subscription.waiting {
                Waiting::Nothing | Waiting::Progress(_) => subscription.waiting = Waiting::Progress(status),
                Waiting::Last(_) => cx.ignore("progress of a REFER that is settled"),
            },
        }
        Open::Reporting(subscription)
    }

    /// Sends the last report.
    fn conclude(&mut self, cx: &mut Context<'_>, subscription: &Subscription, status: u16) -> Open {
        cx.stop(TalkingTimer::LastReportOwed);
        cx.stop(TalkingTimer::SubscriptionExpired);
        let notify = self.send_report(cx, subscription.event, status, Standing::Settled);
        Open::Closing { id: subscription.id, notify }
    }

    fn send_progress(&mut self, cx: &mut Context<'_>, subscription: &Subscription, status: u16) -> TxId {
        let expires_s = subscription.expires.since(cx.now).as_secs();
        self.send_report(cx, subscription.event, status, Standing::Active { expires_s })
    }

    fn send_report(&mut self, cx: &mut Context<'_>, event: EventId, status: u16, standing: Standing) -> TxId {
        let request = notify::report(cx, &mut self.dialog, event, status, standing);
        let flow = cx.flow(&self.dialog);
        cx.start(request, flow)
    }

    /// Something happened to the NOTIFY that is on its way.
    pub(super) fn on_report_news(&mut self, cx: &mut Context<'_>, what: &What) {
        let result = match what {
            What::Response(response) if Class::of(response.code) == Class::Provisional => return,
            What::Response(response) => Notified::Answered(response.code),
            What::TimedOut => Notified::Lost(Loss::Timeout),
            What::TransportFailed | What::Settled => Notified::Lost(Loss::Transport),
        };
        match std::mem::replace(&mut self.refers.open, Open::None) {
            Open::Closing { id, .. } => {
                cx.fact(LegFact::NotifyAnswered { refer: id, last: Last::Yes, result });
            }
            Open::Reporting(subscription) => self.refers.open = self.go_on(cx, subscription, result),
            other @ (Open::None | Open::Asked(_) | Open::Silent(_)) => self.refers.open = other,
        }
    }

    /// A report has its answer: the next one, unless nobody listens any more.
    fn go_on(&mut self, cx: &mut Context<'_>, mut subscription: Subscription, result: Notified) -> Open {
        let id = subscription.id;
        let waiting = std::mem::replace(&mut subscription.waiting, Waiting::Nothing);
        subscription.flight = Flight::Nothing;
        if result == Notified::Answered(481) {
            // RFC 5057 5.1: the subscription is gone, the session is not.
            cx.stop(TalkingTimer::LastReportOwed);
            cx.stop(TalkingTimer::SubscriptionExpired);
            let (last, open) = match waiting {
                Waiting::Last(_) => (Last::Yes, Open::None),
                Waiting::Nothing | Waiting::Progress(_) => (Last::No, Open::Silent(id)),
            };
            cx.fact(LegFact::NotifyAnswered { refer: id, last, result });
            return open;
        }
        cx.fact(LegFact::NotifyAnswered { refer: id, last: Last::No, result });
        match waiting {
            Waiting::Nothing => {}
            Waiting::Progress(status) => return self.tell(cx, subscription, status, Last::No),
            Waiting::Last(status) => return self.tell(cx, subscription, status, Last::Yes),
        }
        Open::Reporting(subscription)
    }

    /// The last report has waited long enough for the one before it.
    pub(super) fn on_last_report_owed(&mut self, cx: &mut Context<'_>) {
        match std::mem::replace(&mut self.refers.open, Open::None) {
            Open::Reporting(subscription) => {
                self.refers.open = match subscription.waiting {
                    Waiting::Last(status) => self.conclude(cx, &subscription, status),
                    Waiting::Nothing | Waiting::Progress(_) => Open::Reporting(subscription),
                };
            }
            other @ (Open::None | Open::Asked(_) | Open::Silent(_) | Open::Closing { .. }) => self.refers.open = other,
        }
    }

    /// The subscription has lasted for as long as we promised. What the call says later is for nobody.
    pub(super) fn on_subscription_expired(&mut self, cx: &mut Context<'_>) {
        match std::mem::replace(&mut self.refers.open, Open::None) {
            Open::Reporting(subscription) => {
                self.send_report(cx, subscription.event, 408, Standing::Expired);
                self.refers.open = Open::Silent(subscription.id);
            }
            other @ (Open::None | Open::Asked(_) | Open::Silent(_) | Open::Closing { .. }) => self.refers.open = other,
        }
    }

    /// We hang up: whoever waits for a report gets its last one before the BYE (invariant I41).
    pub(super) fn settle_refers(&mut self, cx: &mut Context<'_>) {
        for timer in [TalkingTimer::ReferOwed, TalkingTimer::LastReportOwed, TalkingTimer::SubscriptionExpired] {
            cx.stop(timer);
        }
        match std::mem::replace(&mut self.refers.open, Open::None) {
            Open::Asked(pending) => cx.answer(pending.tx, &pending.request, 487),
            Open::Reporting(subscription) => {
                let status = match subscription.waiting {
                    Waiting::Last(status) => status,
                    Waiting::Nothing | Waiting::Progress(_) => 487,
                };
                self.send_report(cx, subscription.event, status, Standing::Settled);
            }
            Open::None | Open::Silent(_) | Open::Closing { .. } => {}
        }
    }
}
