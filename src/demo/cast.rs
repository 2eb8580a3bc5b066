//! The people: a process each, what they are told and what they say.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use super::ladder::Message;
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
    /// Every message that somebody sent or received.
    pub(super) messages: Vec<Message>,
}

/// Somebody who is to enter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entrance {
    pub(super) number: &'static str,
    pub(super) part: Part,
    /// The last number of the address.
    pub(super) place: u8,
}

/// One of them.
pub(super) struct Person {
    pub(super) number: &'static str,
    pub(super) part: Part,
    pub(super) tone_hz: u32,
    /// The number that the telephone showed: From, and P-Asserted-Identity.
    pub(super) shown: Option<(String, Option<String>)>,
    pub(super) heard: Option<Heard>,
    /// The last word on the transfer that was pressed.
    pub(super) transferred: Option<u16>,
    pub(super) progress: Progress,
    cues: ChildStdin,
    _process: Process,
}

/// What somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Citizen,
    /// Registered at lianxian.
    Agent,
    /// Behind a trunk.
    Seat,
}

/// How far somebody's call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Progress {
    Entering,
    Ready,
    Talking,
    Over,
}

impl<'a> Cast<'a> {
    /// Starts everybody's process; the first one to enter has the first tone.
    pub(super) fn enter(stage: &'a Stage, entrances: &[Entrance]) -> Result<Self, Trouble> {
        let (say, lines) = sync_channel(LINES);
        let mut people = Vec::new();
        for (index, (entrance, tone_hz)) in entrances.iter().zip(TONES).enumerate() {
            let number = entrance.number.to_owned();
            let role = match entrance.part {
                Part::Citizen => Role::Citizen { number, dials: "12345".to_owned() },
                Part::Agent => {
                    let password = stage.password(&number).to_owned();
                    Role::Agent { number, realm: REALM.to_owned(), password }
                }
                Part::Seat => Role::Seat { number },
            };
            let script = Script {
                role,
                sip: stage.address(entrance.place, 5060),
                rtp: stage.address(entrance.place, 40_000),
                daemon: stage.address(1, 5060),
                tone_hz,
                listens_for: TONES.to_vec(),
            };
            people.push(start(index, *entrance, &script, say.clone())?);
        }
        let mut cast = Self { stage, people, lines, messages: Vec::new() };
        cast.wait_for_all(Progress::Ready, "is not ready")?;
        Ok(cast)
    }

    /// Gives somebody a cue.
    pub(super) fn cue(&mut self, index: usize, cue: &Cue) -> Result<(), Trouble> {
        match self.people.get_mut(index) {
            Some(person) => tell(&mut person.cues, cue),
            None => Ok(()),
        }
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

    /// Everybody says what was heard.
    pub(super) fn listen(&mut self) -> Result<(), Trouble> {
        self.pause(ECHO)?;
        for index in 0..self.people.len() {
            self.cue(index, &Cue::Listen)?;
        }
        self.wait_until(|people| {
            let quiet = people.iter().find(|person| person.heard.is_none());
            quiet.map(|person| (person.name(), "does not say what was heard"))
        })
    }

    /// Waits until everybody is so far.
    pub(super) fn wait_for_all(&mut self, progress: Progress, why: &'static str) -> Result<(), Trouble> {
        self.wait_until(|people| {
            let late = people.iter().find(|person| person.progress < progress);
            late.map(|person| (person.name(), why))
        })
    }

    /// Waits until somebody is so far.
    pub(super) fn wait_for(&mut self, index: usize, progress: Progress, why: &'static str) -> Result<(), Trouble> {
        self.wait_until(|people| {
            let late = people.get(index).filter(|person| person.progress < progress);
            late.map(|person| (person.name(), why))
        })
    }

    /// Waits until nobody is missing: who is, and why that is too late.
    pub(super) fn wait_until(
        &mut self,
        missing: impl Fn(&[Person]) -> Option<(String, &'static str)>,
    ) -> Result<(), Trouble> {
        let until = Instant::now() + PATIENCE;
        while let Some((who, why)) = missing(&self.people) {
            if Instant::now() >= until {
                return Err(self.trouble(who, why.to_owned()));
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
            Line::Transferred { code } => person.transferred = Some(code),
            Line::Message { at_ms, way, what } => {
                let part = match person.part {
                    Part::Citizen => "citizen",
                    Part::Agent => "agent",
                    Part::Seat => "seat",
                };
                self.messages.push(Message { at_ms, who: person.name(), part, sent: way == Way::Sent, what });
            }
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
            Part::Seat => format!("seat of {}", self.number),
        }
    }
}

fn tell<T: serde::Serialize>(to: &mut ChildStdin, what: &T) -> Result<(), Trouble> {
    let text = serde_json::to_string(what).map_err(|error| Trouble::System("a cue", error.into()))?;
    writeln!(to, "{text}").and_then(|()| to.flush()).map_err(|error| Trouble::System("a person's process", error))
}

fn start(index: usize, entrance: Entrance, script: &Script, say: SyncSender<(usize, Line)>) -> Result<Person, Trouble> {
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
        number: entrance.number,
        part: entrance.part,
        tone_hz,
        shown: None,
        heard: None,
        transferred: None,
        progress: Progress::Entering,
        cues,
        _process: process,
    })
}
