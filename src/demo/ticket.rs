//! The third step: the same two handovers as in the second, and what the ticket store has of them. Read over HTTP, as any
//! other system would.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;

use super::stage::{Stage, Trouble};
use super::transfer;

/// How long the records may take to arrive: they leave the daemon after the fact.
const PATIENCE: Duration = Duration::from_secs(10);
/// The tags of the policy documents (R14, R15), written here a second time on purpose.
const HANDOVERS: [Expected; 2] = [
    Expected { tag: "已转110受理", direction: "12345_TO_110", from: "12345", to: "110" },
    Expected { tag: "已转12345热线受理", direction: "110_TO_12345", from: "110", to: "12345" },
];

/// What the record of one handover must say.
struct Expected {
    tag: &'static str,
    direction: &'static str,
    from: &'static str,
    to: &'static str,
}

/// The story as it happened, and as it was written down.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    transfer: transfer::Report,
    /// Every record, the latest first, as the ticket store shows it.
    tickets: Vec<Value>,
    findings: Vec<String>,
}

/// Plays it.
pub(super) fn play(stage: &Stage) -> Result<Report, Trouble> {
    let transfer = transfer::play(stage)?;
    let until = Instant::now() + PATIENCE;
    let tickets = loop {
        stage.check()?;
        let tickets = read(stage);
        let all = HANDOVERS.iter().all(|handover| tickets.iter().any(|ticket| is_tagged(ticket, handover.tag)));
        if all || Instant::now() >= until {
            break tickets;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    let mut findings = Vec::new();
    for handover in &HANDOVERS {
        check(handover, &tickets, &transfer, &mut findings);
    }
    Ok(Report { transfer, tickets, findings })
}

/// The records that there are now.
fn read(stage: &Stage) -> Vec<Value> {
    let answer: Option<Value> = stage.read("/v1/tickets").and_then(|body| serde_json::from_str(&body).ok());
    answer.and_then(|answer| answer["tickets"].as_array().cloned()).unwrap_or_default()
}

fn is_tagged(ticket: &Value, tag: &str) -> bool {
    ticket["tags"].as_array().is_some_and(|tags| tags.iter().any(|one| one == tag))
}

/// The sender's record has the tag and is closed, it tells who called, who handed over and when, and the receiver has a
/// record of the same contact.
fn check(expected: &Expected, tickets: &[Value], transfer: &transfer::Report, findings: &mut Vec<String>) {
    let Expected { tag, direction, from, to } = expected;
    let tagged: Vec<&Value> = tickets.iter().filter(|ticket| is_tagged(ticket, tag)).collect();
    let [ticket] = tagged.as_slice() else {
        findings.push(format!("{} records have the tag {tag}, not one", tagged.len()));
        return;
    };
    let agent = if *from == "12345" { transfer.first_agent() } else { "" };
    let citizen = transfer::citizen();
    let words = [
        ("/direction", *direction),
        ("/from/platform", from),
        ("/to/platform", to),
        ("/status", "结案"),
        ("/disposition", "已转出"),
        ("/caller/number_raw", citizen),
        ("/from/agent/no", agent),
        ("/call/result", "success"),
    ];
    for (place, right) in words {
        let found = ticket.pointer(place).and_then(Value::as_str).unwrap_or_default();
        if found != right {
            findings.push(format!("{tag}: {place} is \"{found}\", not \"{right}\""));
        }
    }
    let times = ["/call/started_at", "/call/transfer_requested_at", "/call/target_answered_at"];
    let times: Vec<&str> = times.iter().filter_map(|place| ticket.pointer(place)?.as_str()).collect();
    // RFC 3339 in one zone: later is greater.
    if times.len() < 3 || !times.is_sorted() {
        findings.push(format!("{tag}: arrival, press and answer are {times:?}"));
    }
    let other = |one: &&Value| {
        one["linkage_id"] == ticket["linkage_id"]
            && one["ticket_id"] != ticket["ticket_id"]
            && [&one["from"]["platform"], &one["to"]["platform"]].into_iter().any(|platform| platform == to)
    };
    if !tickets.iter().any(|one| other(&one)) {
        findings.push(format!("{tag}: {to} has no record of the same contact"));
    }
}

impl Report {
    /// Whether everything was as it must be.
    pub(super) const fn came_true(&self) -> bool {
        self.transfer.came_true() && self.findings.is_empty()
    }

    /// For people.
    pub(super) fn write_story(&self, out: &mut dyn Write) -> io::Result<()> {
        self.transfer.write_story(out)?;
        writeln!(out, "\nWhat the ticket store has of it\n")?;
        for ticket in &self.tickets {
            write_ticket(ticket, out)?;
        }
        for finding in &self.findings {
            writeln!(out, "  WRONG: {finding}")?;
        }
        let verdict = if self.findings.is_empty() {
            "Both services have their record, and each handover bears its tag."
        } else {
            "The records are NOT as they should be."
        };
        writeln!(out, "\n{verdict}")
    }
}

fn write_ticket(ticket: &Value, out: &mut dyn Write) -> io::Result<()> {
    let of = |place: &str| ticket.pointer(place).and_then(Value::as_str).unwrap_or_default();
    let tags: Vec<&str> = ticket["tags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let (id, status, tags) = (of("/ticket_id"), of("/status"), tags.join(" "));
    writeln!(out, "  {id}  {status}  {tags}")?;
    let (from, agent, to) = (of("/from/platform"), of("/from/agent/no"), of("/to/platform"));
    writeln!(out, "    {} {from} {agent} -> {to}, citizen {}", of("/event"), of("/caller/number_raw"))?;
    let (arrived, pressed) = (of("/call/started_at"), of("/call/transfer_requested_at"));
    writeln!(out, "    arrived {arrived}  pressed {pressed}  answered {}", of("/call/target_answered_at"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tags_are_those_of_the_documents() {
        let ticket = serde_json::json!({"tags": ["已转110受理"]});
        assert!(is_tagged(&ticket, HANDOVERS[0].tag));
        assert!(!is_tagged(&ticket, HANDOVERS[1].tag));
    }
}
