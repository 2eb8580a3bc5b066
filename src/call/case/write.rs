//! One record as it stands with one event: every field that the call knows, and nothing that it does not.

use serde::{Deserialize, Serialize};

use super::{Occasion, Open};
use crate::base::calendar::Moment;
use crate::base::ids::{AgentId, HotlineId, LegId};
use crate::base::pii::Pii;
use crate::base::tag;
use crate::base::time::Instant;
use crate::call::command::{self, Urgency as Urgent};
use crate::call::record::{self, LegRecord, Outcome, TransferRecord, Who};
use crate::call::site::Site;
use crate::call::words;
use crate::routing::caller_id;
use crate::routing::config::{Hotline, Platform};
use crate::sip::fact::Peer;
use crate::tickets::fact;
use crate::tickets::ids::{EventId, LinkageId, TicketId};
use crate::tickets::tag::Tag;
use crate::tickets::ticket::{
    self, Appeal, CallFacts, Caller, Category, Confidential, Direction, Event, Incident, Mode, Negotiation, Operator,
    Region, SCHEMA, Status, Supplement, Ticket, Trace, Urgency,
};

/// 渠道来源: the telephone.
const TELEPHONE: &str = "01";

/// GB/T 2261.1: the sex is not known.
const SEX_UNKNOWN: &str = "0";

/// Whose record it is, as its transfer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Side {
    /// The service that hands the citizen over.
    Sender,
    /// The service that gets the citizen.
    Receiver,
}

/// What is to be told to one ticket store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Telling<'a> {
    pub(super) transfer: &'a TransferRecord,
    pub(super) side: Side,
    pub(super) number: u16,
    pub(super) event: Event,
    pub(super) mode: Mode,
    pub(super) status: Status,
    pub(super) disposition: &'static str,
}

impl<'a> Telling<'a> {
    /// An event of a transfer that changes no status.
    pub(super) const fn of(transfer: &'a TransferRecord, side: Side, event: Event) -> Self {
        let mode = match transfer.mode {
            command::Mode::OneClick => Mode::OneClick,
            command::Mode::Consult => Mode::Consult,
            command::Mode::ThreeWay => Mode::ThreeWay,
        };
        Self { transfer, side, number: 0, event, mode, status: Status::Registered, disposition: "" }
    }

    /// On the record of that number.
    pub(super) const fn on(self, number: u16) -> Self {
        Self { number, ..self }
    }

    /// The service whose record it is.
    pub(super) fn owner(&self) -> &'a HotlineId {
        match self.side {
            Side::Sender => &self.transfer.from,
            Side::Receiver => &self.transfer.decision.hotline,
        }
    }

    /// How the transfer has ended as far as this event knows: what comes later in the same step is not told before.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        let is_over = match self.event {
            Event::TransferStarted => false,
            Event::Created => self.side == Side::Receiver,
            Event::Tagged | Event::TransferFailed | Event::Pushed | Event::Supplemented => true,
            Event::TransferSucceeded
            | Event::ThreeWayJoined
            | Event::ThreeWayLeft
            | Event::Negotiated
            | Event::Received
            | Event::Returned
            | Event::Feedback
            | Event::Escalated
            | Event::Urged
            | Event::Closed
            | Event::Voided => false,
        };
        self.transfer.ended.filter(|_| is_over).map(|(_, outcome)| outcome)
    }
}

impl Open {
    /// The record as it stands with an event.
    pub(super) fn ticket(&self, on: &Occasion<'_>, telling: &Telling<'_>, event_id: EventId) -> Ticket {
        let transfer = telling.transfer;
        let (from, to) = (&transfer.from, &transfer.decision.hotline);
        let linkage_id = LinkageId(on.record.root.unwrap_or(on.record.call));
        let known = &transfer.particulars;
        Ticket {
            schema: SCHEMA.to_owned(),
            event_id,
            ticket_id: TicketId { linkage: LinkageId(on.record.call), number: telling.number },
            seq: 0,
            prev_hash: String::new(),
            hash: String::new(),
            event: telling.event,
            at: self.moment(on.now),
            linkage_id,
            related_id: None,
            stage: None,
            direction: direction(platform(on.site, from), platform(on.site, to)),
            mode: telling.mode,
            from: side(on.site, from, sender(on, transfer)),
            to: side(on.site, to, receiver(on, telling)),
            first_platform: self.first.platform.clone(),
            first_agent: self.first.agent.clone(),
            first_answered_at: self.first.answered_at,
            region: region(on, transfer),
            channel: TELEPHONE.to_owned(),
            tags: tags(on.site, telling),
            caller: caller(on, telling),
            officer: None,
            appeal: Appeal { content: known.summary.clone().unwrap_or_default(), ..Appeal::default() },
            incident: Incident::default(),
            category: known.category.as_ref().map(|code| Category { code: code.clone(), ..Category::default() }),
            urgency: urgency(telling),
            event_level: known.event_level,
            flags: known.flags.clone(),
            confidential: confidential(on, transfer),
            negotiation: Negotiation { decision: "none".to_owned(), ..Negotiation::default() },
            disposition: telling.disposition.to_owned(),
            status: telling.status,
            returned: None,
            supplement: self.supplement(on, telling),
            deadline_at: None,
            urged_count: 0,
            feedback: None,
            call: Some(self.call(on, telling)),
            trace: Trace { instance: on.site.host.to_string(), ..Trace::default() },
        }
    }

    fn moment(&self, at: Instant) -> Moment {
        self.clock.moment(at)
    }

    /// What of the call belongs to the transfer.
    fn call(&self, on: &Occasion<'_>, telling: &Telling<'_>) -> CallFacts {
        let (record, transfer) = (on.record, telling.transfer);
        let moment = |at: Option<Instant>| at.map(|at| self.moment(at));
        let outcome = telling.outcome();
        let attempts = || transfer.attempts.iter().filter_map(|leg| on.record.target(transfer, *leg));
        let taken = taken_by(outcome).and_then(|leg| on.record.target(transfer, leg));
        let rang = match taken {
            Some(line) => line.rang,
            None => attempts().filter_map(|line| line.rang).min(),
        };
        let (code, cause) = causes(outcome, attempts().next_back());
        let result = result(outcome, cause);
        let over = (telling.event == Event::Supplemented).then(|| on.end_of_caller());
        let (sip_code, q850) = over.as_ref().map_or((code, cause), |end| (end.sip.or(code), end.q850));
        CallFacts {
            call_id: record.call.to_string(),
            transfer_id: Some(transfer.id.to_string()),
            leg_ids: on.legs_of(transfer).iter().map(ToString::to_string).collect(),
            trunk_in: match record.legs.first().map(|line| &line.who) {
                Some(Who::Caller(Peer::Trunk(trunk))) => trunk.to_string(),
                Some(Who::Caller(Peer::Softphone(_)) | Who::Agent(_) | Who::Trunk { .. }) | None => String::new(),
            },
            dnis: record.dialled.clone(),
            started_at: self.moment(record.arrived),
            answered_at: moment(record.answered),
            transfer_requested_at: moment(Some(transfer.requested)),
            target_ringing_at: moment(rang),
            target_answered_at: moment(taken.and_then(|line| line.answered)),
            ended_at: moment(over.map(|_| on.now)),
            hold_s: 0,
            result: result.to_owned(),
            sip_code,
            q850,
            recording_ref: Vec::new(),
            mos: None,
            codec: if taken.is_some() { self.codec.clone() } else { String::new() },
        }
    }

    /// What the end of the call adds (补录), and that it was us.
    fn supplement(&self, on: &Occasion<'_>, telling: &Telling<'_>) -> Option<Supplement> {
        if telling.event != Event::Supplemented {
            return None;
        }
        let fields = ["call.ended_at", "call.sip_code", "call.q850"].map(str::to_owned).to_vec();
        Some(Supplement { fields, by: on.site.host.to_string(), at: Some(self.moment(on.now)) })
    }
}

impl<'a> Occasion<'a> {
    /// The citizen's leg, the transferor's, and those of everybody who was dialled.
    fn legs_of(&self, transfer: &TransferRecord) -> Vec<LegId> {
        let caller = self.record.legs.first().map(|line| line.leg);
        caller.into_iter().chain([transfer.transferor]).chain(transfer.attempts.iter().copied()).collect()
    }

    /// Why the citizen's leg has ended (I45).
    fn end_of_caller(&self) -> fact::Cause {
        let end = self.record.legs.first().and_then(|line| line.ended.as_ref());
        end.map(|(_, end)| words::end(end).1).unwrap_or_default()
    }
}

/// Whose records the records of a hotline are. One that has been taken out of the configuration goes by its number.
pub(super) fn platform(site: &Site, hotline: &HotlineId) -> Platform {
    site.routing.hotline(hotline.as_str()).map_or_else(|| Platform::of(hotline.as_str()), Hotline::platform)
}

fn direction(from: Platform, to: Platform) -> Direction {
    match (from, to) {
        (Platform::Government, Platform::Police) => Direction::From12345To110,
        (Platform::Police, Platform::Government) => Direction::From110To12345,
        (Platform::Government, _) => Direction::From12345ToOther,
        (Platform::Police, _) => Direction::From110ToOther,
        (Platform::Fire | Platform::Medical | Platform::Traffic | Platform::Utility, _) => Direction::Other,
    }
}

fn side(site: &Site, hotline: &HotlineId, agent: Operator) -> ticket::Side {
    let row = site.routing.hotline(hotline.as_str());
    ticket::Side {
        platform: platform(site, hotline).word().to_owned(),
        record_no: None,
        org_code: row.map(|row| row.org_code.clone()).unwrap_or_default(),
        org_name: row.map(|row| row.org_name.clone()).unwrap_or_default(),
        agent,
    }
}

/// Who hands the citizen over (工号信息, R13).
fn sender(on: &Occasion<'_>, transfer: &TransferRecord) -> Operator {
    let line = on.record.target(transfer, transfer.transferor);
    operator(on.site, transfer.agent.as_ref(), line.map(|line| &line.who))
}

/// Who has got the citizen: nobody until the target has taken the call.
fn receiver(on: &Occasion<'_>, telling: &Telling<'_>) -> Operator {
    let line = taken_by(telling.outcome()).and_then(|leg| on.record.target(telling.transfer, leg));
    operator(on.site, None, line.map(|line| &line.who))
}

/// The operator on a leg: by the number that was said, else by that of the seat; the extension is what was dialled.
fn operator(site: &Site, said: Option<&AgentId>, who: Option<&Who>) -> Operator {
    let (seat, ext) = match who {
        Some(Who::Agent(agent) | Who::Caller(Peer::Softphone(agent))) => (Some(agent), agent.as_str()),
        Some(Who::Trunk { number, .. }) => (None, number.as_str()),
        Some(Who::Caller(Peer::Trunk(_))) | None => (None, ""),
    };
    let agent = said.or(seat);
    let row = agent.and_then(|agent| site.routing.agents.iter().find(|row| row.id == *agent));
    Operator {
        no: agent.map(ToString::to_string).unwrap_or_default(),
        name: row.map(|row| row.name.clone()).unwrap_or_default(),
        ext: ext.to_owned(),
    }
}

/// 属地: that of the transfer, else that of the call.
fn region(on: &Occasion<'_>, transfer: &TransferRecord) -> Option<Region> {
    let located = transfer.decision.territory.as_ref().or(on.record.decision.territory.as_ref())?;
    let row = on.site.routing.regions.get(located.code.as_str());
    let level = row.map(|row| row.level.word()).unwrap_or_default().to_owned();
    let fact::Region { code, name, source } = words::region(located);
    Some(Region { code, name, level, source })
}

/// The sender's, when the target has taken the call, and nobody else's ever (R15).
fn tags(site: &Site, telling: &Telling<'_>) -> Vec<Tag> {
    let to = telling.transfer.decision.hotline.as_str();
    match telling.event {
        Event::Tagged => {
            vec![Tag::from(site.routing.hotline(to).map_or_else(|| tag::usual(to), Hotline::tag))]
        }
        Event::Created
        | Event::TransferStarted
        | Event::TransferSucceeded
        | Event::TransferFailed
        | Event::ThreeWayJoined
        | Event::ThreeWayLeft
        | Event::Negotiated
        | Event::Pushed
        | Event::Received
        | Event::Supplemented
        | Event::Returned
        | Event::Feedback
        | Event::Escalated
        | Event::Urged
        | Event::Closed
        | Event::Voided => Vec::new(),
    }
}

/// The citizen. The number stands whole in the records of 12345 and of the emergency services, which must be able to call
/// back; one that is withheld, or that the citizen wants kept (R19), is no business of anybody else.
fn caller(on: &Occasion<'_>, telling: &Telling<'_>) -> Caller {
    let id = &on.record.decision.caller_id;
    let kept = confidential(on, telling.transfer).value;
    let shown = |number: &Pii| match platform(on.site, telling.owner()) {
        Platform::Utility if kept => Pii::default(),
        Platform::Utility
        | Platform::Government
        | Platform::Police
        | Platform::Fire
        | Platform::Medical
        | Platform::Traffic => number.clone(),
    };
    let transfer = telling.transfer;
    let target = taken_by(telling.outcome()).or_else(|| transfer.attempts.last().copied());
    let presented = target.and_then(|leg| on.record.target(transfer, leg)?.presented.as_ref());
    Caller {
        number_raw: shown(&id.number),
        number_e164: shown(&id.normal.international()),
        presented_number: presented
            .filter(|_| telling.outcome().is_some())
            .map(|summary| summary.number.clone())
            .unwrap_or_default(),
        presentation: words::presentation(id),
        sex: SEX_UNKNOWN.to_owned(),
        // Nobody talks to the citizen any more: this is where to call back.
        contact: if telling.event == Event::Pushed { shown(&id.number) } else { Pii::default() },
        ..Caller::default()
    }
}

/// By the agent's word or the citizen's own (RFC 3323, R19).
fn confidential(on: &Occasion<'_>, transfer: &TransferRecord) -> Confidential {
    let withheld = on.record.decision.caller_id.presentation == caller_id::Presentation::Restricted;
    let value = withheld || transfer.particulars.confidential;
    Confidential { value, scope: if value { vec!["caller".to_owned()] } else { Vec::new() } }
}

/// As the agent said, else as urgent as the hotline; a citizen who has hung up has to be called back at once.
fn urgency(telling: &Telling<'_>) -> Urgency {
    let transfer = telling.transfer;
    match transfer.particulars.urgency.unwrap_or_else(|| Urgent::of(transfer.decision.priority)) {
        _ if telling.event == Event::Pushed => Urgency::Urgent,
        Urgent::Urgent => Urgency::Urgent,
        Urgent::Normal => Urgency::Normal,
    }
}

/// The leg that has taken the call.
const fn taken_by(outcome: Option<Outcome>) -> Option<LegId> {
    match outcome {
        Some(Outcome::Succeeded(leg)) => Some(leg),
        Some(Outcome::Failed(_) | Outcome::Cancelled | Outcome::Abandoned | Outcome::Unknown) | None => None,
    }
}

/// The status and the Q.850 cause with which a transfer has ended (T39, I45).
fn causes(outcome: Option<Outcome>, last: Option<&LegRecord>) -> (Option<u16>, Option<u8>) {
    let cause = last.and_then(|line| line.ended.as_ref()).and_then(|(_, end)| words::end(end).1.q850);
    match outcome {
        Some(Outcome::Succeeded(_)) => (Some(200), None),
        Some(Outcome::Failed(code)) => (Some(code), cause),
        Some(Outcome::Cancelled | Outcome::Abandoned) => (Some(487), cause),
        // As the transferor is told.
        Some(Outcome::Unknown) => (Some(500), cause),
        None => (None, None),
    }
}

/// How a transfer has ended, in a word.
const fn result(outcome: Option<Outcome>, q850: Option<u8>) -> &'static str {
    match outcome {
        None => "in_progress",
        Some(Outcome::Succeeded(_)) => "success",
        Some(Outcome::Failed(code)) => record::result_of(code, q850),
        Some(Outcome::Cancelled) => "cancelled",
        Some(Outcome::Abandoned) => "abandoned",
        Some(Outcome::Unknown) => "unknown",
    }
}
