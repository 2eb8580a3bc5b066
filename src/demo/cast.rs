//! The people: four processes, what they are told and what they say.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use super::line::{Cue, Heard, Line, Role, Script, Way};
use super::stage::{Process, REALM, Stage, Trouble, program};

/// How long any step of the story may take.
const PATIENCE: Duration = Duration::from_secs(8);
/// How long sound may take to arrive after the last word.
const ECHO: Duration = Duration::from_millis(100);
/// Lines that wait to be read by the director.
const LINES: usize = 10_000;

/// Everybody's tone: no two share a harmonic, none is ringback (450 Hz).
pub(super) const TONES: [u32; 4] = [500, 900, 1300, 1700];

/// The people of the story.
pub(super) struct Cast<'a> {
    stage: &'a Stage,
    pub(super) people: Vec<Person>,
    lines: Receiver<(usize, Line)>,
    /// Every SIP message that somebody sent or received: when, who, which way, what.
    pub(super) messages: Vec<(u64, usize, Way, String)>,
}

/// One of them.
pub(super) struct Person {
    pub(super) number: &'static str,
    pub(super) part: Part,
    pub(super) tone_hz: u32,
    /// The number that the telephone showed: From, and P-Asserted-Identity.
    pub(super) shown: Option<(String, Option<String>)>,
    pub(super) heard: Option<Heard>,
    progress: Progress,
    cues: ChildStdin,
    _process: Process,
}

/// What somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Citizen,
    Agent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Progress {
    Entering,
    Ready,
    Talking,
    Over,
}

/// Numbers from the ranges of the examples: nobody's.
const PEOPLE: [(&str, Part, u8); 4] = [
    ("13900001111", Part::Citizen, 11),
    ("13900002222", Part::Citizen, 12),
    ("1001", Part::Agent, 21),
    ("1002", Part::Agent, 22),
];

impl<'a> Cast<'a> {
    /// Starts everybody's process.
    pub(super) fn enter(stage: &'a Stage) -> Result<Self, Trouble> {
        let (say, lines) = sync_channel(LINES);
        let mut people = Vec::new();
        for (index, ((number, part, last), tone_hz)) in PEOPLE.into_iter().zip(TONES).enumerate() {
            let role = match part {
                Part::Citizen => Role::Citizen { number: number.to_owned(), dials: "12345".to_owned() },
                Part::Agent => Role::Agent {
                    number: number.to_owned(),
                    realm: REALM.to_owned(),
                    password: stage.password(index.saturating_sub(2)).to_owned(),
                },
            };
            let script = Script {
                role,
                sip: stage.address(last, 5060),
                rtp: stage.address(last, 40_000),
                daemon: stage.address(1, 5060),
                tone_hz,
                listens_for: TONES.to_vec(),
            };
            people.push(start(index, number, part, &script, say.clone())?);
        }
        Ok(Self { stage, people, lines, messages: Vec::new() })
    }

    /// Waits until both agents are registered.
    pub(super) fn wait_until_ready(&mut self) -> Result<(), Trouble> {
        self.wait_for(Progress::Ready, "is not ready")
    }

    /// Both citizens call at the same time.
    pub(super) fn citizens_call(&mut self) -> Result<(), Trouble> {
        let citizens = self.people.iter_mut().filter(|person| person.part == Part::Citizen);
        for citizen in citizens {
            citizen.cue(Cue::Call)?;
        }
        Ok(())
    }

    /// Waits until everybody talks.
    pub(super) fn wait_until_talking(&mut self) -> Result<(), Trouble> {
        self.wait_for(Progress::Talking, "does not come to talk")
    }

    /// Lets the story go on for a while.
    pub(super) fn pause(&mut self, span: Duration) -> Result<(), Trouble> {
        let until = Instant::now() + span;
        while Instant::now() < until {
            self.stage.check()?;
            self.take_one(Duration::from_millis(20))?;
        }
        Ok(())
    }

    /// One call is ended by its citizen, the other by its agent; then everybody says what was heard.
    pub(super) fn hang_up(&mut self) -> Result<(), Trouble> {
        let second = self.people.get(1).map_or("", |citizen| citizen.number);
        let answered_second = |person: &Person| {
            person.shown.as_ref().is_some_and(|(from, _)| from == second) && person.part == Part::Agent
        };
        let agent = self.people.iter().position(answered_second);
        for index in [Some(0), agent].into_iter().flatten() {
            if let Some(person) = self.people.get_mut(index) {
                person.cue(Cue::HangUp)?;
            }
        }
        self.wait_for(Progress::Over, "is not released")?;
        self.pause(ECHO)?;
        for person in &mut self.people {
            person.cue(Cue::Listen)?;
        }
        let until = Instant::now() + PATIENCE;
        while self.people.iter().any(|person| person.heard.is_none()) && Instant::now() < until {
            self.stage.check()?;
            self.take_one(Duration::from_millis(20))?;
        }
        Ok(())
    }

    fn wait_for(&mut self, progress: Progress, why: &str) -> Result<(), Trouble> {
        let until = Instant::now() + PATIENCE;
        while let Some(late) = self.people.iter().find(|person| person.progress < progress) {
            if Instant::now() >= until {
                return Err(self.trouble(late.name(), why.to_owned()));
            }
            self.stage.check()?;
            self.take_one(Duration::from_millis(20))?;
        }
        Ok(())
    }

    /// Takes in one line, if one comes in time.
    fn take_one(&mut self, within: Duration) -> Result<(), Trouble> {
        let (index, line) = match self.lines.recv_timeout(within) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => return Ok(()),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(self.trouble("everybody".to_owned(), "has left".to_owned()));
            }
        };
        let Some(person) = self.people.get_mut(index) else { return Ok(()) };
        match line {
            Line::Ready => person.progress = person.progress.max(Progress::Ready),
            Line::Talking => person.progress = person.progress.max(Progress::Talking),
            Line::Over => person.progress = person.progress.max(Progress::Over),
            Line::Shown { from, asserted } => person.shown = Some((from, asserted)),
            Line::Heard(heard) => person.heard = Some(heard),
            Line::Message { at_ms, way, what } => self.messages.push((at_ms, index, way, what)),
            Line::Failed { why } => {
                let name = person.name();
                return Err(self.trouble(name, why));
            }
        }
        Ok(())
    }

    fn trouble(&self, who: String, why: String) -> Trouble {
        Trouble::Party { who, why, log: self.stage.log() }
    }
}

impl Person {
    /// How the story calls the person; numbers are masked.
    pub(super) fn name(&self) -> String {
        match self.part {
            Part::Citizen => format!("citizen {}", crate::base::pii::Pii::new(self.number)),
            Part::Agent => format!("agent {}", self.number),
        }
    }

    fn cue(&mut self, cue: Cue) -> Result<(), Trouble> {
        tell(&mut self.cues, &cue)
    }
}

fn tell<T: serde::Serialize>(to: &mut ChildStdin, what: &T) -> Result<(), Trouble> {
    let text = serde_json::to_string(what).map_err(|error| Trouble::System("a cue", error.into()))?;
    writeln!(to, "{text}").and_then(|()| to.flush()).map_err(|error| Trouble::System("a person's process", error))
}

fn start(
    index: usize,
    number: &'static str,
    part: Part,
    script: &Script,
    say: SyncSender<(usize, Line)>,
) -> Result<Person, Trouble> {
    let mut command = program()?;
    command.arg("demo-party").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut process = Process::start(command, "a person's process")?;
    let missing = || Trouble::System("a person's process", std::io::ErrorKind::BrokenPipe.into());
    let mut cues = process.child.stdin.take().ok_or_else(missing)?;
    let lines = BufReader::new(process.child.stdout.take().ok_or_else(missing)?).lines();
    let read = move || {
        for line in lines.map_while(Result::ok) {
            let Ok(line) = serde_json::from_str(&line) else { return };
            if say.send((index, line)).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new()
        .name("lines".to_owned())
        .spawn(read)
        .map_err(|error| Trouble::System("a thread", error))?;
    tell(&mut cues, script)?;
    let tone_hz = script.tone_hz;
    Ok(Person {
        number,
        part,
        tone_hz,
        shown: None,
        heard: None,
        progress: Progress::Entering,
        cues,
        _process: process,
    })
}
