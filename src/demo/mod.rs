//! The main job, shown: a daemon on loopback, and people who telephone through it, each a process of its own.
//!
//! Decides: the story, and whether it came true - from what each person heard, not from what the daemon says.
//! Invariants: the parties have their own SIP writer and reader and share with the daemon nothing but the arithmetic of
//! RTP headers and tones; every process is ended on every path, by its own handle, and nothing is left on disk; a
//! deadline runs over everything.
//! Does not do: anything in the daemon's service; the daemon runs from the same binary and does not know of this.

#![allow(clippy::disallowed_methods, reason = "the people of the story live by the wall clock")]

mod bridge;
mod ticket;
mod transfer;

mod cast;
mod ladder;
mod line;
pub mod party;
mod stage;

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;

use stage::{Stage, Trouble};

/// What is to be shown, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which parts of the story, in order.
    pub steps: Vec<Step>,
    /// How it is told.
    pub form: Form,
    /// What happens to the daemon of the last part afterwards.
    pub afterwards: Afterwards,
}

/// How the story is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Story,
    /// One JSON object for each part, one a line.
    Json,
}

/// What happens to the daemon afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Afterwards {
    /// It ends.
    End,
    /// It stays until a signal comes.
    Stay,
}

/// A part of the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Two citizens call 12345 at the same time and talk with two agents.
    Bridge,
    /// A citizen is handed from 12345 to 110 and back, with one press each.
    Transfer,
    /// The same, and what the ticket store has of it.
    Ticket,
}

/// Shows the story on `out`. 0 if it came true, 1 if not, 2 if it could not be played.
pub fn run(options: &Options, out: &mut dyn Write) -> ExitCode {
    let mut came_true = true;
    for (index, step) in options.steps.iter().enumerate() {
        let afterwards = if index + 1 == options.steps.len() { options.afterwards } else { Afterwards::End };
        match show(*step, options.form, afterwards, out) {
            Ok(well) => came_true &= well,
            Err(trouble) => {
                // The reader may be gone; the exit code says it anyway.
                writeln!(io::stderr(), "lianxian demo: {trouble}").ok();
                return ExitCode::from(2);
            }
        }
    }
    ExitCode::from(u8::from(!came_true))
}

fn show(step: Step, form: Form, afterwards: Afterwards, out: &mut dyn Write) -> Result<bool, Trouble> {
    let stage = Stage::build()?;
    let came_true = match step {
        Step::Bridge => {
            let report = bridge::play(&stage)?;
            match form {
                Form::Story => report.write_story(out)?,
                Form::Json => write_json(out, report.came_true(), &report)?,
            }
            report.came_true()
        }
        Step::Transfer => {
            let report = transfer::play(&stage)?;
            match form {
                Form::Story => report.write_story(out)?,
                Form::Json => write_json(out, report.came_true(), &report)?,
            }
            report.came_true()
        }
        Step::Ticket => {
            let report = ticket::play(&stage)?;
            match form {
                Form::Story => report.write_story(out)?,
                Form::Json => write_json(out, report.came_true(), &report)?,
            }
            report.came_true()
        }
    };
    out.flush()?;
    match afterwards {
        Afterwards::End => {}
        Afterwards::Stay => stage.linger(out)?,
    }
    Ok(came_true)
}

/// One JSON object.
fn write_json(out: &mut dyn Write, came_true: bool, report: &impl Serialize) -> io::Result<()> {
    #[derive(Serialize)]
    struct Whole<'a, T> {
        came_true: bool,
        #[serde(flatten)]
        report: &'a T,
    }
    serde_json::to_writer(&mut *out, &Whole { came_true, report })?;
    writeln!(out)
}
