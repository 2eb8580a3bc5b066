//! The records (工单, 接处警记录单) that a call leaves with the services it goes through: what their ticket stores are told.
//!
//! Decides: which service has a record, and which event each step of a handover is to it. The service that has the
//! citizen is the *sender* of a handover; its record gets the tag and 结案 when the target has taken the call, and only
//! then (R14, R15). The *receiver* gets a record of its own (the two-record rule), which is the sender's when it hands the
//! citizen on. A call that is never handed over leaves no record here.
//! Invariants: each transfer that was asked for begins once and ends once in the sender's record, exactly one of them with
//! a tag: that which succeeded (I25, T39); `first_*` is written once (R5); the record of the call and its facts are all
//! that is looked at, so that what the ticket says is what happened.
//! Does not do: sequence numbers and hashes (`tickets::seal`), the wait for the disk, delivery. A voice transfer never
//! waits for a field: what nobody has said is empty.
//!
//! What each end of a transfer writes:
//!
//! | end | sender's record | receiver's |
//! |---|---|---|
//! | the target has the call | `tagged`: tag, 已转出, 结案 | `created`: 已受理, 登记 |
//! | nobody took it | `transfer_failed`, 登记 as before | |
//! | the agent gave it up | `transfer_failed` | |
//! | the citizen hung up | `transfer_failed`: 放弃 | `pushed`: urgent, with the number to call back |
//! | restored after a fault | `transfer_failed`: unknown is never a success (T38) | |
//!
//! When the call is over, the record of whoever had the citizen last is completed (`supplemented`) with when and why.

#[cfg(test)]
mod tests;
mod write;

use serde::{Deserialize, Serialize};

use crate::base::calendar::Moment;
use crate::base::ids::{HotlineId, TransferId};
use crate::base::time::{Instant, WallClock};
use crate::call::leg::Legs;
use crate::call::record::{CallRecord, Outcome, TransferRecord, Who};
use crate::call::site::Site;
use crate::tickets::entry::{EntryId, Posting};
use crate::tickets::fact::Fact;
use crate::tickets::ids::EventId;
use crate::tickets::ticket::{Event, Mode, Status};
use write::{Side, Telling, platform};

/// The records of one call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Case {
    /// It has never been handed over: there is none.
    #[default]
    Unopened,
    /// There are some.
    Open(Box<Open>),
}

/// The records of a call that has been handed over, or was to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Open {
    /// 首接.
    first: First,
    /// The wall clock as it was when the first record was opened. Every time in every record is by it, so that a step of
    /// the clock never turns a call round (F21).
    clock: WallClock,
    /// The number of the record of the service that has the citizen.
    number: u16,
    /// That service.
    hotline: HotlineId,
    /// How it has come to its record.
    side: Side,
    /// The transfer that its record tells of.
    transfer: TransferId,
    /// The codec of the target that has taken the call; empty if none has.
    codec: String,
    /// How many records there are.
    records: u16,
}

/// Who had the citizen first (首接), when, and under which number; written once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct First {
    platform: String,
    agent: String,
    answered_at: Option<Moment>,
}

/// What a call is when an entry of its journal is closed.
pub(super) struct Occasion<'a> {
    /// The entry.
    pub(super) id: EntryId,
    /// When.
    pub(super) now: Instant,
    /// Where we are.
    pub(super) site: &'a Site,
    /// What has happened in the call.
    pub(super) record: &'a CallRecord,
    /// Its legs.
    pub(super) legs: &'a Legs,
}

impl Case {
    /// What the ticket stores learn of these facts, in their order.
    pub(super) fn postings(&mut self, on: &Occasion<'_>, facts: &[Fact]) -> Vec<Posting> {
        let unix_ms = on.site.wall.moment(on.now).unix_ms;
        let mut postings = Vec::new();
        for fact in facts {
            let told = match fact {
                Fact::TransferRequested { transfer, .. } => self.requested(on, on.transfer(*transfer)),
                Fact::TransferEnded { transfer, .. } => self.ended(on, on.transfer(*transfer)),
                Fact::Ended { .. } => self.over(on),
                Fact::Arrived { .. }
                | Fact::LegBegan { .. }
                | Fact::Rang { .. }
                | Fact::Answered { .. }
                | Fact::LegEnded { .. }
                | Fact::TransferAttempted { .. }
                | Fact::Joined { .. }
                | Fact::Left { .. } => Vec::new(),
            };
            for telling in &told {
                let event = EventId::derived(unix_ms, on.id, postings.len());
                postings.extend(self.posting(on, telling, event));
            }
        }
        postings
    }

    /// A transfer has been asked for.
    fn requested<'a>(&mut self, on: &Occasion<'a>, transfer: &'a TransferRecord) -> Vec<Telling<'a>> {
        let begun = Telling::of(transfer, Side::Sender, Event::TransferStarted);
        match self {
            // The same service hands the citizen on, or tries again.
            Self::Open(open) if open.hotline == transfer.from => {
                open.side = Side::Sender;
                open.transfer = transfer.id;
                vec![begun.on(open.number)]
            }
            // The citizen has come back to a service whose record is closed.
            Self::Open(open) => {
                let number = open.take_up(transfer, Side::Sender);
                vec![Telling::of(transfer, Side::Sender, Event::Created).on(number), begun.on(number)]
            }
            Self::Unopened => {
                let open = Open::new(on, transfer);
                let created = Telling::of(transfer, Side::Sender, Event::Created).on(open.number);
                let begun = begun.on(open.number);
                *self = Self::Open(Box::new(open));
                vec![created, begun]
            }
        }
    }

    /// A transfer has ended.
    fn ended<'a>(&mut self, on: &Occasion<'a>, transfer: &'a TransferRecord) -> Vec<Telling<'a>> {
        let Self::Open(open) = self else { return Vec::new() };
        let Some((_, outcome)) = transfer.ended else { return Vec::new() };
        let sender = open.number;
        match outcome {
            Outcome::Succeeded(leg) => {
                open.codec = on.legs.get(leg).and_then(|leg| leg.sound()?.codec()).unwrap_or_default().to_owned();
                let receiver = open.take_up(transfer, Side::Receiver);
                let tagged = Telling { status: Status::Closed, ..Telling::of(transfer, Side::Sender, Event::Tagged) };
                vec![
                    Telling { disposition: "已转出", ..tagged }.on(sender),
                    Telling { disposition: "已受理", ..Telling::of(transfer, Side::Receiver, Event::Created) }
                        .on(receiver),
                ]
            }
            Outcome::Failed(_) | Outcome::Cancelled | Outcome::Unknown => {
                vec![Telling::of(transfer, Side::Sender, Event::TransferFailed).on(sender)]
            }
            Outcome::Abandoned => {
                let pushed = Telling { status: Status::Pushed, ..Telling::of(transfer, Side::Receiver, Event::Pushed) };
                let number = open.next();
                vec![
                    Telling { disposition: "放弃", ..Telling::of(transfer, Side::Sender, Event::TransferFailed) }
                        .on(sender),
                    Telling { mode: Mode::Ticket, ..pushed }.on(number),
                ]
            }
        }
    }

    /// The call is over: when and why belongs to the record of whoever had the citizen last.
    fn over<'a>(&self, on: &Occasion<'a>) -> Vec<Telling<'a>> {
        let Self::Open(open) = self else { return Vec::new() };
        let last = Telling::of(on.transfer(open.transfer), open.side, Event::Supplemented);
        let disposition = match (open.side, last.outcome()) {
            (Side::Receiver, _) => "已受理",
            (Side::Sender, Some(Outcome::Abandoned)) => "放弃",
            (Side::Sender, _) => "",
        };
        vec![Telling { disposition, ..last }.on(open.number)]
    }

    fn posting(&self, on: &Occasion<'_>, telling: &Telling<'_>, event: EventId) -> Option<Posting> {
        let Self::Open(open) = self else { return None };
        let hotline = telling.owner().clone();
        Some(Posting { hotline, ticket: open.ticket(on, telling, event) })
    }
}

impl Open {
    /// The first record: that of the service which has the citizen when a handover is first asked for.
    fn new(on: &Occasion<'_>, transfer: &TransferRecord) -> Self {
        Self {
            first: First::of(on, transfer),
            clock: on.site.wall,
            number: 0,
            hotline: transfer.from.clone(),
            side: Side::Sender,
            transfer: transfer.id,
            codec: String::new(),
            records: 1,
        }
    }

    /// A record of the service that has the citizen from now on.
    fn take_up(&mut self, transfer: &TransferRecord, side: Side) -> u16 {
        self.number = self.next();
        self.side = side;
        self.transfer = transfer.id;
        self.hotline = match side {
            Side::Sender => transfer.from.clone(),
            Side::Receiver => transfer.decision.hotline.clone(),
        };
        self.number
    }

    /// A number that no record has. A call asks for a bounded number of transfers, so that these never run out.
    fn next(&mut self) -> u16 {
        let number = self.records;
        self.records = number.checked_add(1).expect("a call asks for at most a hundred transfers");
        number
    }
}

impl First {
    fn of(on: &Occasion<'_>, transfer: &TransferRecord) -> Self {
        let record = on.record;
        // A PBX has made this call for a citizen whom another call had first.
        if let (Some(_), Some(referral)) = (record.root, &record.decision.referral) {
            let agent = referral.agent.as_ref().map(ToString::to_string).unwrap_or_default();
            let platform = platform(on.site, &referral.hotline).word().to_owned();
            return Self { platform, agent, answered_at: None };
        }
        let answered = record.legs.iter().filter(|line| !matches!(line.who, Who::Caller(_)));
        let first = answered.filter_map(|line| Some((line.answered?, line))).min_by_key(|(at, _)| *at);
        let agent = match first.map(|(_, line)| (&line.who, line.leg)) {
            Some((Who::Agent(agent), _)) => Some(agent),
            // Whoever answered at a PBX is known by what its REFER says.
            Some((Who::Trunk { .. }, leg)) if leg == transfer.transferor => transfer.agent.as_ref(),
            Some((Who::Trunk { .. } | Who::Caller(_), _)) | None => None,
        };
        Self {
            platform: platform(on.site, &record.decision.hotline).word().to_owned(),
            agent: agent.map(ToString::to_string).unwrap_or_default(),
            answered_at: first.map(|(at, _)| on.site.wall.moment(at)),
        }
    }
}

impl<'a> Occasion<'a> {
    fn transfer(&self, id: TransferId) -> &'a TransferRecord {
        let found = self.record.transfers.iter().find(|transfer| transfer.id == id);
        found.expect("a transfer is in the record from its beginning")
    }
}
