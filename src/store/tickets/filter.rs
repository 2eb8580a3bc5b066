//! Which records a question means.

use serde::Serialize;
use sqlx::{QueryBuilder, Sqlite};

use crate::base::calendar::Moment;
use crate::base::ids::AgentId;
use crate::base::number::Number;
use crate::base::pii::Pii;
use crate::tickets::ids::{LinkageId, TicketId};
use crate::tickets::tag::Tag;
use crate::tickets::ticket::{Direction, Event, Status, Ticket};

/// What a record must be to be shown: everything that is given. The default means every record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// One record.
    pub ticket: Option<TicketId>,
    /// When it was made.
    pub made: Span,
    /// Which way the matter goes.
    pub direction: Option<Direction>,
    /// A tag that it has.
    pub tag: Option<Tag>,
    /// Where: the first digits of the region's code, so that a province means its cities too.
    pub territory: Option<String>,
    /// An operator (工号) that one of its events names, on either side or as the first.
    pub agent: Option<AgentId>,
    /// A number of the citizen that one of its events names, calling or call-back, in whatever form it is written.
    pub number: Option<Pii>,
    /// Its status now.
    pub status: Option<Status>,
    /// What has happened to it, now or earlier.
    pub event: Option<Event>,
    /// The contact: both services' records.
    pub linkage: Option<LinkageId>,
}

/// A stretch of time: from the first moment to before the second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Not before; none is since ever.
    pub from: Option<Moment>,
    /// Before; none is for ever.
    pub to: Option<Moment>,
}

/// Something that a record mentions and is found by.
pub(super) struct Mention {
    pub(super) kind: &'static str,
    pub(super) value: String,
}

const TAG: &str = "tag";
const AGENT: &str = "agent";
const NUMBER: &str = "number";
const EVENT: &str = "event";

/// Everything that this event's record is found by.
pub(super) fn mentions(ticket: &Ticket) -> Vec<Mention> {
    let tags = ticket.tags.iter().map(|tag| Mention { kind: TAG, value: tag.text().to_owned() });
    let agents = [&ticket.from.agent.no, &ticket.to.agent.no, &ticket.first_agent];
    let agents = agents.into_iter().map(|agent| Mention { kind: AGENT, value: agent.clone() });
    let caller = &ticket.caller;
    let numbers = [&caller.number_raw, &caller.number_e164, &caller.contact];
    let numbers = numbers.into_iter().map(|number| Mention { kind: NUMBER, value: one_form(number) });
    let event = std::iter::once(Mention { kind: EVENT, value: word(&ticket.event) });
    tags.chain(agents).chain(numbers).chain(event).filter(|mention| !mention.value.is_empty()).collect()
}

/// A number in the one form in which it is looked up.
fn one_form(number: &Pii) -> String {
    Number::parse(number.reveal(), None).international().reveal().to_owned()
}

/// The word of a value that is a word in the format.
pub(super) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(_) | Err(_) => String::new(),
    }
}

/// For SQLite, whose numbers are signed.
pub(super) fn milliseconds(moment: Moment) -> i64 {
    i64::try_from(moment.unix_ms).unwrap_or(i64::MAX)
}

impl Filter {
    /// Adds its conditions to a question whose `WHERE` has begun, about a table `ticket`.
    pub(super) fn narrow(&self, question: &mut QueryBuilder<Sqlite>) {
        if let Some(ticket) = &self.ticket {
            question.push(" AND ticket.ticket_id = ").push_bind(ticket.to_string());
        }
        if let Some(from) = self.made.from {
            question.push(" AND ticket.created_ms >= ").push_bind(milliseconds(from));
        }
        if let Some(to) = self.made.to {
            question.push(" AND ticket.created_ms < ").push_bind(milliseconds(to));
        }
        if let Some(direction) = &self.direction {
            question.push(" AND ticket.direction = ").push_bind(word(direction));
        }
        if let Some(status) = &self.status {
            question.push(" AND ticket.status = ").push_bind(word(status));
        }
        if let Some(territory) = &self.territory {
            question.push(" AND substr(ticket.region, 1, length(").push_bind(territory.clone());
            question.push(")) = ").push_bind(territory.clone());
        }
        if let Some(linkage) = &self.linkage {
            question.push(" AND ticket.linkage_id = ").push_bind(linkage.to_string());
        }
        let mentioned = [
            (TAG, self.tag.as_ref().map(|tag| tag.text().to_owned())),
            (AGENT, self.agent.as_ref().map(ToString::to_string)),
            (NUMBER, self.number.as_ref().map(one_form)),
            (EVENT, self.event.as_ref().map(word)),
        ];
        for (kind, value) in mentioned.into_iter().filter_map(|(kind, value)| Some((kind, value?))) {
            question.push(" AND ticket.ticket_id IN (SELECT ticket_id FROM mention WHERE kind = ").push_bind(kind);
            question.push(" AND value = ").push_bind(value).push(")");
        }
    }
}
