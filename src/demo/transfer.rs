//! The second step: a citizen calls 12345, is handed to 110 by the key of the agent's telephone (REFER over a trunk to
//! the police's seat), and back to 12345 by a command over HTTP. One call, two transfers; the citizen is never alone.

use std::io::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::cast::{Cast, Entrance, Part, Person, Progress, TONES};
use super::ladder::{self, Message};
use super::line::{Cue, Span};
use super::stage::{Stage, Trouble};

/// Numbers from the ranges of the examples: nobody's.
const PEOPLE: [Entrance; 4] = [
    Entrance { number: "13900001111", part: Part::Citizen, place: 11 },
    Entrance { number: "1001", part: Part::Agent, place: 21 },
    Entrance { number: "110", part: Part::Seat, place: 31 },
    Entrance { number: "1002", part: Part::Agent, place: 22 },
];
const CITIZEN: usize = 0;
const SEAT: usize = 2;
/// How long each pair talks before somebody presses.
const TALK: Duration = Duration::from_millis(1_500);
/// The least that the citizen must hear of each, and each of the citizen, in milliseconds.
const ENOUGH_MS: u32 = 1_200;
/// The longest silence at a switch from one person to the next, in milliseconds.
const SWITCH_MS: u32 = 60;
/// The longest silence anywhere else, in milliseconds.
const GAP_MS: u32 = 200;

/// The story as it happened.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    people: Vec<Ears>,
    /// Whom the citizen heard, one after the other; nobody is silence.
    citizen_heard: Vec<Stretch>,
    longest_switch_ms: u32,
    longest_silence_ms: u32,
    handovers: Vec<Handover>,
    messages: Vec<Message>,
    caller_lost_total: Option<u64>,
    findings: Vec<String>,
    /// The number of the agent who had the citizen first.
    #[serde(skip)]
    first_agent: &'static str,
}

/// What one person heard.
#[derive(Debug, Serialize)]
struct Ears {
    name: String,
    tone_hz: u32,
    /// Milliseconds of each tone, in the order of [`TONES`].
    heard_ms: Vec<u32>,
}

#[derive(Debug, Serialize)]
struct Stretch {
    who: Option<String>,
    ms: u32,
}

/// One transfer.
#[derive(Debug, Serialize)]
struct Handover {
    from: String,
    to: String,
    pressed_by: &'static str,
    /// What whoever pressed was told in the end.
    told: Option<u16>,
    /// Whether the receiver's telephone showed the citizen's number.
    number_arrived: bool,
}

/// The citizen's number.
pub(super) fn citizen() -> &'static str {
    PEOPLE.first().map_or("", |citizen| citizen.number)
}

/// Plays it.
pub(super) fn play(stage: &Stage) -> Result<Report, Trouble> {
    let mut cast = Cast::enter(stage, &PEOPLE)?;
    cast.cue(CITIZEN, &Cue::Call)?;
    cast.wait_for(CITIZEN, Progress::Talking, "does not come to talk")?;
    let talks = |person: &Person| person.part == Part::Agent && person.progress == Progress::Talking;
    cast.wait_until(|people| {
        let nobody = || ("the 12345 desk".to_owned(), "does not come to talk");
        if people.iter().any(talks) { None } else { Some(nobody()) }
    })?;
    // Whoever has been idle longest answers; the citizen comes back to the other one.
    let (first, second) = if cast.people.get(1).is_some_and(talks) { (1, 3) } else { (3, 1) };
    cast.pause(TALK)?;

    cast.cue(first, &Cue::Transfer { to: "110".to_owned() })?;
    cast.wait_for(SEAT, Progress::Talking, "does not come to talk")?;
    cast.wait_for(first, Progress::Over, "is not released")?;
    cast.pause(TALK)?;

    let told = press_by_command(stage, &mut cast)?;
    cast.wait_for(second, Progress::Talking, "does not come to talk")?;
    cast.wait_for(SEAT, Progress::Over, "is not released")?;
    cast.pause(TALK)?;

    cast.cue(CITIZEN, &Cue::HangUp)?;
    cast.wait_for_all(Progress::Over, "is not released")?;
    cast.listen()?;
    Ok(Report::new(&cast, stage, [first, SEAT, second], told))
}

/// The CTI server names the call by the citizen's number.
fn press_by_command(stage: &Stage, cast: &mut Cast<'_>) -> Result<Option<u16>, Trouble> {
    let number = citizen();
    let mut note = |sent, what| {
        let at_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let (who, part) = ("CTI server".to_owned(), "cti");
        cast.messages.push(Message { at_ms: u64::try_from(at_ms).unwrap_or(u64::MAX), who, part, sent, what });
    };
    note(true, "POST transfers to 12345".to_owned());
    let answer = stage.command(&format!("/v1/calls/caller:{number}/transfers"), r#"{"to":"12345"}"#);
    let code = answer.as_ref().and_then(|answer| answer.split(' ').nth(1)?.parse().ok());
    note(false, code.map_or_else(|| "no answer".to_owned(), |code: u16| format!("{code} (POST)")));
    match code {
        Some(200..=299) => Ok(code),
        Some(_) | None => Err(Trouble::Party {
            who: "CTI server".to_owned(),
            why: format!("the command was not taken: {}", answer.unwrap_or_default()),
            log: stage.log(),
        }),
    }
}

impl Report {
    /// Reads the story off what everybody said. `order` is in which order the citizen met them.
    fn new(cast: &Cast<'_>, stage: &Stage, order: [usize; 3], command: Option<u16>) -> Self {
        let mut findings = Vec::new();
        let met: Vec<&Person> = order.iter().filter_map(|index| cast.people.get(*index)).collect();
        let people = cast.people.iter().map(|person| ears(person, &mut findings)).collect();
        let citizen = cast.people.get(CITIZEN);
        let timeline = citizen.and_then(|citizen| citizen.heard.as_ref()).map(|heard| heard.timeline.as_slice());
        let timeline = timeline.unwrap_or_default();
        check_timeline(timeline, &met, &mut findings);
        let name = |tone: u32| met.iter().find(|person| person.tone_hz == tone).map(|person| person.name());
        let stretch = |span: &Span| Stretch { who: span.tone_hz.and_then(name), ms: span.ms };
        let (longest_switch_ms, longest_silence_ms) = silences(timeline);
        let handovers = handovers(&met, command, &mut findings);
        let caller_lost_total = stage.callers_lost();
        if caller_lost_total != Some(0) {
            findings.push(format!("lianxian_caller_lost_total is {caller_lost_total:?}, not 0"));
        }
        Self {
            people,
            citizen_heard: timeline.iter().map(stretch).collect(),
            longest_switch_ms,
            longest_silence_ms,
            handovers,
            messages: cast.messages.clone(),
            caller_lost_total,
            findings,
            first_agent: met.first().map_or("", |first| first.number),
        }
    }

    /// The number (工号) of the agent who had the citizen first.
    pub(super) const fn first_agent(&self) -> &'static str {
        self.first_agent
    }

    /// Whether everything was as it must be.
    pub(super) const fn came_true(&self) -> bool {
        self.findings.is_empty()
    }

    /// For people.
    pub(super) fn write_story(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "A citizen calls 12345, is handed to 110 with one press, and back to 12345 with another.\n")?;
        ladder::write(out, &self.messages)?;
        writeln!(
            out,
            "\nWho heard whom (milliseconds of each tone; only the citizen hears, and is heard by, the others)\n"
        )?;
        write!(out, "  {:<24}", "")?;
        for person in &self.people {
            write!(out, "{:>22}", person.name)?;
        }
        writeln!(out)?;
        for person in &self.people {
            write!(out, "  {:<24}", person.name)?;
            for heard in &person.heard_ms {
                write!(out, "{heard:>22}")?;
            }
            writeln!(out)?;
        }
        write!(out, "\n  The citizen heard:")?;
        for stretch in &self.citizen_heard {
            write!(out, "  {} {} ms", stretch.who.as_deref().unwrap_or("(silence)"), stretch.ms)?;
        }
        writeln!(
            out,
            "\n  Longest silence at a switch {} ms, elsewhere {} ms.\n",
            self.longest_switch_ms, self.longest_silence_ms
        )?;
        for handover in &self.handovers {
            let number =
                if handover.number_arrived { "the citizen's number arrived" } else { "ANOTHER NUMBER ARRIVED" };
            let told = handover.told.map_or_else(|| "nothing".to_owned(), |code| code.to_string());
            let Handover { from, to, pressed_by, .. } = handover;
            writeln!(out, "  {from} -> {to}, pressed by {pressed_by}, which was told {told}: {number}.")?;
        }
        for finding in &self.findings {
            writeln!(out, "  WRONG: {finding}")?;
        }
        let verdict = if self.came_true() {
            "The citizen was never alone, and whoever received the call saw the citizen's number."
        } else {
            "NOT as it should be."
        };
        writeln!(out, "\n{verdict}")
    }
}

/// Nobody but the citizen hears, and is heard by, the others.
fn ears(person: &Person, findings: &mut Vec<String>) -> Ears {
    let heard = person.heard.clone().unwrap_or_default();
    let of = |tone: &u32| heard.tones_ms.get(tone).copied().unwrap_or(0);
    let citizen_hz = TONES.first().copied().unwrap_or_default();
    match person.part {
        Part::Citizen if of(&person.tone_hz) > 0 => findings.push(format!("{} heard itself", person.name())),
        Part::Citizen => {}
        Part::Agent | Part::Seat => {
            if of(&citizen_hz) < ENOUGH_MS {
                findings.push(format!("{} heard the citizen for {} ms only", person.name(), of(&citizen_hz)));
            }
            for tone in TONES.iter().filter(|tone| **tone != citizen_hz && of(tone) > 0) {
                findings.push(format!(
                    "{} heard {} ms of {tone} Hz, which is not the citizen",
                    person.name(),
                    of(tone)
                ));
            }
            let gap = heard.longest_gap_ms.get(&citizen_hz).copied().unwrap_or(0);
            if gap > GAP_MS {
                findings.push(format!("{} heard a gap of {gap} ms in the citizen's voice", person.name()));
            }
        }
    }
    Ears { name: person.name(), tone_hz: person.tone_hz, heard_ms: TONES.iter().map(of).collect() }
}

/// The citizen heard each of them in turn, for long enough and without a silence.
fn check_timeline(timeline: &[Span], met: &[&Person], findings: &mut Vec<String>) {
    let mut heard: Vec<(u32, u32)> = Vec::new();
    for (tone_hz, ms) in timeline.iter().filter_map(|span| Some((span.tone_hz?, span.ms))) {
        match heard.last_mut() {
            Some((same, total)) if *same == tone_hz => *total += ms,
            Some(_) | None => heard.push((tone_hz, ms)),
        }
    }
    if !heard.iter().map(|(tone_hz, _)| *tone_hz).eq(met.iter().map(|person| person.tone_hz)) {
        findings.push(format!("the citizen did not hear each of them in turn, once: {heard:?}"));
    }
    for (tone_hz, ms) in heard.iter().filter(|(_, ms)| *ms < ENOUGH_MS) {
        findings.push(format!("the citizen heard {tone_hz} Hz for {ms} ms only"));
    }
    let (switch, elsewhere) = silences(timeline);
    if switch > SWITCH_MS {
        findings.push(format!("the citizen heard nobody for {switch} ms at a switch"));
    }
    if elsewhere > GAP_MS {
        findings.push(format!("the citizen heard nobody for {elsewhere} ms"));
    }
}

/// The longest silence between two people, and the longest one within the words of one, in milliseconds.
fn silences(timeline: &[Span]) -> (u32, u32) {
    let (mut switch, mut elsewhere) = (0, 0);
    for triple in timeline.windows(3) {
        if let [before, Span { tone_hz: None, ms }, after] = triple {
            let longest = if before.tone_hz == after.tone_hz { &mut elsewhere } else { &mut switch };
            *longest = (*longest).max(*ms);
        }
    }
    (switch, elsewhere)
}

fn handovers(met: &[&Person], command: Option<u16>, findings: &mut Vec<String>) -> Vec<Handover> {
    let citizen = citizen();
    let [first, seat, second] = met else { return Vec::new() };
    let mut check = |from: &Person, to: &Person, pressed_by, told: Option<u16>| {
        let shown = to.shown.as_ref();
        let number_arrived = shown.is_some_and(|(from, asserted)| {
            from == citizen && asserted.as_ref().is_none_or(|asserted| asserted == citizen)
        });
        if !number_arrived {
            findings.push(format!("{}: the telephone showed nothing, or another number than the citizen's", to.name()));
        }
        if !told.is_some_and(|code| (200..300).contains(&code)) {
            findings.push(format!("{pressed_by} was told {told:?}"));
        }
        Handover { from: from.name(), to: to.name(), pressed_by, told, number_arrived }
    };
    vec![
        check(first, seat, "the key of the telephone (REFER)", first.transferred),
        check(seat, second, "a command over HTTP", command),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_at_a_switch_is_told_from_one_within() {
        let timeline = [(Some(900), 500), (None, 40), (Some(900), 500), (None, 70), (Some(1_300), 500)]
            .map(|(tone_hz, ms)| Span { tone_hz, ms });
        assert_eq!(silences(&timeline), (70, 40));
        assert_eq!(silences(&[]), (0, 0));
    }
}
