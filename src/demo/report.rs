//! Whether the story came true: who heard whom, what the telephones showed, and the ladder of messages.

use std::io::{self, Write};

use serde::Serialize;

use super::cast::{Cast, Part, Person, TONES};
use super::line::Way;
use super::stage::Stage;

/// The least that must be heard of the other's three seconds, in milliseconds.
const ENOUGH_MS: u32 = 2_500;
/// The longest pause that is no pause, in milliseconds.
const GAP_MS: u32 = 100;

/// The story as it happened.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    calls: Vec<Call>,
    people: Vec<Ears>,
    messages: Vec<Message>,
    caller_lost_total: Option<u64>,
    findings: Vec<String>,
}

/// One call: who talked with whom.
#[derive(Debug, Serialize)]
struct Call {
    citizen: String,
    agent: String,
    number_arrived: bool,
}

/// What one person heard.
#[derive(Debug, Serialize)]
struct Ears {
    name: String,
    tone_hz: u32,
    /// Milliseconds of each tone, in the order of [`TONES`].
    heard_ms: Vec<u32>,
    /// The longest pause in the other's voice.
    longest_gap_ms: u32,
}

#[derive(Debug, Serialize)]
struct Message {
    at_ms: u64,
    who: String,
    part: &'static str,
    sent: bool,
    what: String,
}

impl Report {
    /// Reads the story off what everybody said.
    pub(super) fn new(cast: &Cast<'_>, stage: &Stage) -> Self {
        let mut findings = Vec::new();
        let citizens = cast.people.iter().filter(|person| person.part == Part::Citizen);
        let agents: Vec<&Person> = cast.people.iter().filter(|person| person.part == Part::Agent).collect();
        let (mut calls, mut people) = (Vec::new(), Vec::new());
        for citizen in citizens {
            let shows = |agent: &&&Person| agent.shown.as_ref().is_some_and(|(from, _)| from == citizen.number);
            let Some(agent) = agents.iter().find(shows) else {
                findings.push(format!("no agent's telephone showed the number of {}", citizen.name()));
                continue;
            };
            let asserted = agent.shown.as_ref().and_then(|(_, asserted)| asserted.as_deref());
            let number_arrived = asserted.is_none_or(|asserted| asserted == citizen.number);
            if !number_arrived {
                findings.push(format!("{}: the asserted number is not the shown one", agent.name()));
            }
            calls.push(Call { citizen: citizen.name(), agent: agent.name(), number_arrived });
            people.push(ears(citizen, agent, &mut findings));
            people.push(ears(agent, citizen, &mut findings));
        }
        let caller_lost_total = caller_lost(stage);
        if caller_lost_total != Some(0) {
            findings.push(format!("lianxian_caller_lost_total is {caller_lost_total:?}, not 0"));
        }
        Self { calls, people, messages: messages(cast), caller_lost_total, findings }
    }

    /// Whether everything was as it must be.
    pub(super) fn came_true(&self) -> bool {
        self.findings.is_empty() && self.calls.len() == 2
    }

    /// One JSON object.
    pub(super) fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        #[derive(Serialize)]
        struct Whole<'a> {
            came_true: bool,
            #[serde(flatten)]
            report: &'a Report,
        }
        serde_json::to_writer(&mut *out, &Whole { came_true: self.came_true(), report: self })?;
        writeln!(out)
    }

    /// For people.
    pub(super) fn write_story(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "Two citizens call 12345 at the same time; each is joined with an agent.\n")?;
        self.write_ladder(out)?;
        writeln!(out, "\nWho heard whom (milliseconds of each tone; 0 is what it should be where nobody is meant)\n")?;
        write!(out, "  {:<24}", "")?;
        for tone in TONES {
            let speaker = self.people.iter().find(|person| person.tone_hz == tone);
            write!(out, "{:>22}", speaker.map_or("", |person| person.name.as_str()))?;
        }
        writeln!(out, "{:>14}", "longest gap")?;
        for person in &self.people {
            write!(out, "  {:<24}", person.name)?;
            for heard in &person.heard_ms {
                write!(out, "{heard:>22}")?;
            }
            writeln!(out, "{:>11} ms", person.longest_gap_ms)?;
        }
        writeln!(out)?;
        for call in &self.calls {
            let number = if call.number_arrived { "the citizen's number arrived" } else { "ANOTHER NUMBER ARRIVED" };
            writeln!(out, "  {} talked with {}: {number}.", call.citizen, call.agent)?;
        }
        for finding in &self.findings {
            writeln!(out, "  WRONG: {finding}")?;
        }
        let verdict = if self.came_true() {
            "Everybody heard whom they should, and nobody else."
        } else {
            "NOT as it should be."
        };
        writeln!(out, "\n{verdict}")
    }

    fn write_ladder(&self, out: &mut dyn Write) -> io::Result<()> {
        let start = self.messages.first().map_or(0, |message| message.at_ms);
        writeln!(out, "      ms  {:<30}{:^24}{:>30}", "citizen", "lianxian", "agent")?;
        for message in &self.messages {
            let arrow = |towards_right: bool| if towards_right { "-->" } else { "<--" };
            write!(out, "  {:>6}  ", message.at_ms.saturating_sub(start))?;
            if message.part == "citizen" {
                writeln!(out, "{:<21} {} {}", message.who, arrow(message.sent), message.what)?;
            } else {
                let what = format!("{} {}", message.what, arrow(!message.sent));
                writeln!(out, "{:>68} {}", what, message.who)?;
            }
        }
        Ok(())
    }
}

fn messages(cast: &Cast<'_>) -> Vec<Message> {
    let mut messages: Vec<Message> = cast
        .messages
        .iter()
        .filter_map(|(at_ms, who, way, what)| {
            let person = cast.people.get(*who)?;
            let part = match person.part {
                Part::Citizen => "citizen",
                Part::Agent => "agent",
            };
            Some(Message { at_ms: *at_ms, who: person.name(), part, sent: *way == Way::Sent, what: what.clone() })
        })
        .collect();
    messages.sort_by_key(|message| message.at_ms);
    messages
}

/// What `listener` heard, and what is wrong with it if `other` is the one to be heard.
fn ears(listener: &Person, other: &Person, findings: &mut Vec<String>) -> Ears {
    let heard = listener.heard.clone().unwrap_or_default();
    let of = |tone: &u32| heard.tones_ms.get(tone).copied().unwrap_or(0);
    let longest_gap_ms = heard.longest_gap_ms.get(&other.tone_hz).copied().unwrap_or(0);
    if of(&other.tone_hz) < ENOUGH_MS {
        findings.push(format!("{} heard {} for {} ms only", listener.name(), other.name(), of(&other.tone_hz)));
    }
    if longest_gap_ms > GAP_MS {
        findings.push(format!("{} heard a gap of {longest_gap_ms} ms", listener.name()));
    }
    for tone in TONES.iter().filter(|tone| **tone != other.tone_hz && of(tone) > 0) {
        findings.push(format!("{} heard {} ms of {tone} Hz, which is not {}", listener.name(), of(tone), other.name()));
    }
    Ears { name: listener.name(), tone_hz: listener.tone_hz, heard_ms: TONES.iter().map(of).collect(), longest_gap_ms }
}

fn caller_lost(stage: &Stage) -> Option<u64> {
    let text = stage.ask("/metrics")?;
    text.lines().find_map(|line| line.strip_prefix("lianxian_caller_lost_total "))?.trim().parse().ok()
}
