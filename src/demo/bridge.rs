//! The first step: two citizens call 12345 at the same time, and each talks with an agent and nobody else.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use super::cast::{Cast, Entrance, Part, Person, Progress, TONES};
use super::ladder::{self, Message};
use super::line::Cue;
use super::stage::{Stage, Trouble};

/// Numbers from the ranges of the examples: nobody's.
const PEOPLE: [Entrance; 4] = [
    Entrance { number: "13900001111", part: Part::Citizen, place: 11 },
    Entrance { number: "13900002222", part: Part::Citizen, place: 12 },
    Entrance { number: "1001", part: Part::Agent, place: 21 },
    Entrance { number: "1002", part: Part::Agent, place: 22 },
];
/// How long the two pairs talk.
const TALK: Duration = Duration::from_secs(3);

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

/// Plays it.
pub(super) fn play(stage: &Stage) -> Result<Report, Trouble> {
    let mut cast = Cast::enter(stage, &PEOPLE)?;
    for citizen in [0, 1] {
        cast.cue(citizen, &Cue::Call)?;
    }
    cast.wait_for_all(Progress::Talking, "does not come to talk")?;
    cast.pause(TALK)?;
    // One call is ended by its citizen, the other by its agent.
    let answered_second = |person: &Person| {
        let second = PEOPLE.get(1).map_or("", |citizen| citizen.number);
        person.shown.as_ref().is_some_and(|(from, _)| from == second) && person.part == Part::Agent
    };
    let agent = cast.people.iter().position(answered_second);
    for index in [Some(0), agent].into_iter().flatten() {
        cast.cue(index, &Cue::HangUp)?;
    }
    cast.wait_for_all(Progress::Over, "is not released")?;
    cast.listen()?;
    Ok(Report::new(&cast, stage))
}

impl Report {
    /// Reads the story off what everybody said.
    fn new(cast: &Cast<'_>, stage: &Stage) -> Self {
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
        let caller_lost_total = stage.callers_lost();
        if caller_lost_total != Some(0) {
            findings.push(format!("lianxian_caller_lost_total is {caller_lost_total:?}, not 0"));
        }
        Self { calls, people, messages: cast.messages.clone(), caller_lost_total, findings }
    }

    /// Whether everything was as it must be.
    pub(super) fn came_true(&self) -> bool {
        self.findings.is_empty() && self.calls.len() == 2
    }

    /// For people.
    pub(super) fn write_story(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "Two citizens call 12345 at the same time; each is joined with an agent.\n")?;
        ladder::write(out, &self.messages)?;
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
