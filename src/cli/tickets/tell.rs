//! Records for people, and as JSON.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::value::RawValue;

use super::super::Form;
use crate::base::calendar::Moment;
use crate::store::tickets::Kept;
use crate::tickets::seal::{self, Broken};
use crate::tickets::tag::Tag;
use crate::tickets::ticket::{Side, Ticket};

/// Whether a record's events are all there and unchanged.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Chain {
    /// They are.
    Whole,
    /// From this one on they are not.
    Broken {
        /// Its place, from 1.
        event: usize,
        /// What is wrong with it.
        why: String,
    },
}

impl Chain {
    /// Computes every hash again, over the events as they are kept.
    pub(super) fn of(events: &[Kept]) -> Self {
        match seal::verify_chain(events.iter().map(|event| event.text.as_str())) {
            Ok(_) => Self::Whole,
            Err((at, why)) => Self::broken(at, why),
        }
    }

    fn broken(at: usize, why: Broken) -> Self {
        Self::Broken { event: at.saturating_add(1), why: why.to_string() }
    }

    pub(super) const fn holds(&self) -> bool {
        matches!(self, Self::Whole)
    }
}

/// A list of records.
pub(super) fn list(records: &[Kept], form: Form, out: &mut impl Write) -> io::Result<()> {
    #[derive(Serialize)]
    struct Answer<'a> {
        tickets: Vec<&'a RawValue>,
    }
    match form {
        Form::Json => json(&Answer { tickets: raw(records) }, out),
        Form::Text if records.is_empty() => writeln!(out, "no tickets"),
        Form::Text => {
            let head = ["ticket", "changed", "from", "to", "status", "tag", "citizen", "region"];
            let rows = records.iter().map(|kept| row(&kept.ticket));
            table(&std::iter::once(head.map(str::to_owned)).chain(rows).collect::<Vec<_>>(), out)
        }
    }
}

/// One record with its events, the last of which is the record as it stands.
pub(super) fn one(events: &[Kept], chain: &Chain, form: Form, out: &mut impl Write) -> io::Result<()> {
    #[derive(Serialize)]
    struct Answer<'a> {
        ticket: Option<&'a RawValue>,
        events: Vec<&'a RawValue>,
        chain: &'a Chain,
    }
    match form {
        Form::Json => {
            let events = raw(events);
            json(&Answer { ticket: events.last().copied(), events, chain }, out)
        }
        Form::Text => {
            if let Some(last) = events.last() {
                particulars(&last.ticket, out)?;
            }
            writeln!(out)?;
            let head = ["event", "when", "status", "tag", "result", "event_id"].map(str::to_owned);
            let rows = events.iter().map(|event| event_row(&event.ticket));
            table(&std::iter::once(head).chain(rows).collect::<Vec<_>>(), out)?;
            match chain {
                Chain::Whole => writeln!(out, "\nThe hash chain holds."),
                Chain::Broken { event, why } => writeln!(out, "\nTHE HASH CHAIN IS BROKEN at event {event}: {why}"),
            }
        }
    }
}

fn raw(records: &[Kept]) -> Vec<&RawValue> {
    // What is kept is JSON: none is left out.
    records.iter().filter_map(|kept| serde_json::from_str(&kept.text).ok()).collect()
}

fn json(answer: &impl Serialize, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, answer)?;
    writeln!(out)
}

fn row(ticket: &Ticket) -> [String; 8] {
    [
        ticket.ticket_id.to_string(),
        time(ticket.at),
        side(&ticket.from),
        side(&ticket.to),
        word(&ticket.status),
        tags(ticket),
        ticket.caller.number_raw.reveal().to_owned(),
        ticket.region.as_ref().map(|region| region.name.clone()).unwrap_or_default(),
    ]
}

fn event_row(ticket: &Ticket) -> [String; 6] {
    let result = ticket.call.as_ref().map(|call| call.result.clone()).unwrap_or_default();
    let (event, status) = (word(&ticket.event), word(&ticket.status));
    [event, time(ticket.at), status, tags(ticket), result, ticket.event_id.to_string()]
}

fn particulars(ticket: &Ticket, out: &mut impl Write) -> io::Result<()> {
    let (caller, region) = (&ticket.caller, ticket.region.clone().unwrap_or_default());
    let call = ticket.call.as_ref();
    let at = |moment: Option<Moment>| moment.map(time).unwrap_or_default();
    let rows = [
        ("ticket", ticket.ticket_id.to_string()),
        ("contact", ticket.linkage_id.to_string()),
        ("status", format!("{} {}", word(&ticket.status), ticket.disposition)),
        ("tag", tags(ticket)),
        ("from", side(&ticket.from)),
        ("to", side(&ticket.to)),
        ("mode", word(&ticket.mode)),
        ("first", format!("{} {} {}", ticket.first_platform, ticket.first_agent, at(ticket.first_answered_at))),
        ("citizen", format!("{} {}", caller.number_raw.reveal(), caller.name.reveal())),
        ("shown", caller.presented_number.reveal().to_owned()),
        ("region", format!("{} {} ({})", region.code, region.name, region.source)),
        ("appeal", ticket.appeal.content.reveal().to_owned()),
        ("call", call.map(|call| call.call_id.clone()).unwrap_or_default()),
        ("arrived", at(call.map(|call| call.started_at))),
        ("handed over", at(call.and_then(|call| call.transfer_requested_at))),
        ("taken", at(call.and_then(|call| call.target_answered_at))),
    ];
    let told = rows.into_iter().filter(|(_, value)| !value.trim().is_empty());
    // One line a row, whatever a citizen said.
    told.map(|(name, value)| [name.to_owned(), one_line(&value)]).try_for_each(|row| table(&[row], out))
}

fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

fn side(side: &Side) -> String {
    format!("{} {}", side.platform, side.agent.no).trim_end().to_owned()
}

fn tags(ticket: &Ticket) -> String {
    ticket.tags.iter().map(Tag::text).collect::<Vec<_>>().join(" ")
}

fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

/// `2026-11-22 10:47:40`.
fn time(moment: Moment) -> String {
    moment.to_string().replace('T', " ").chars().take("2026-11-22 10:47:40".len()).collect()
}

/// Columns as wide as their widest field.
fn table<const COLUMNS: usize>(rows: &[[String; COLUMNS]], out: &mut impl Write) -> io::Result<()> {
    let least = if COLUMNS == 2 { "handed over".len() } else { 0 };
    let column = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|field| width(field)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..COLUMNS).map(|at| column(at).max(if at == 0 { least } else { 0 })).collect();
    for row in rows {
        let mut line = String::new();
        for (field, most) in row.iter().zip(&widths) {
            line.push_str(&one_line(field));
            line.push_str(&" ".repeat(most.saturating_sub(width(field)) + 2));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Columns of a terminal: a Chinese character takes two.
fn width(text: &str) -> usize {
    text.chars().map(|letter| if letter >= '\u{2e80}' { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::pii::Pii;
    use crate::store::tickets::sample;
    use crate::tickets::ticket::{Event, Status};

    fn record() -> Vec<Kept> {
        let mut chain = sample::Chain::default();
        let mut tagged = sample::ticket(1, 1_735_689_645_000);
        (tagged.event, tagged.status, tagged.tags) = (Event::Tagged, Status::Closed, vec![Tag::HandedTo110]);
        tagged.appeal.content = Pii::new("一\n二");
        let events = [chain.next(sample::ticket(1, 1_735_689_640_000)), chain.next(tagged)];
        events.into_iter().map(|event| Kept { ticket: event.ticket, text: event.text }).collect()
    }

    fn told(tell: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        tell(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_record_is_told_with_its_events_and_its_chain() {
        let mut record = record();
        let text = told(|out| one(&record, &Chain::of(&record), Form::Text, out));
        for part in ["已转110受理", "结案 已转出", "12345 1023", "013800138000", "一 二", "The hash chain holds."]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(text.contains("\ncreated") && text.contains("\ntagged"), "{text}");
        record.remove(0);
        let text = told(|out| one(&record, &Chain::of(&record), Form::Text, out));
        assert!(text.contains("BROKEN at event 1"), "{text}");
    }

    #[test]
    fn columns_stand_under_one_another_whatever_is_in_them() {
        let text = told(|out| list(&record(), Form::Text, out));
        let ends: Vec<usize> = text
            .lines()
            .filter_map(|line| {
                line.rfind("阿图什市").or_else(|| line.rfind("region")).and_then(|at| line.get(..at)).map(width)
            })
            .collect();
        assert_eq!(ends.len(), 3, "{text}");
        assert!(ends.windows(2).all(|pair| pair[0] == pair[1]), "{text}");
        assert_eq!(told(|out| list(&[], Form::Text, out)), "no tickets\n");
        let json: serde_json::Value = serde_json::from_str(&told(|out| list(&record(), Form::Json, out))).unwrap();
        assert_eq!(json["tickets"][1]["tags"][0], "已转110受理");
    }
}
