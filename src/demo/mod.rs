//! The main job, shown: a daemon on loopback, and people who telephone through it, each a process of its own.
//!
//! Decides: the story, and whether it came true - from what each person heard, not from what the daemon says.
//! Invariants: the parties have their own SIP writer and reader and share with the daemon nothing but the arithmetic of
//! RTP headers and tones; every process is ended on every path, by its own handle, and nothing is left on disk; a
//! deadline runs over everything.
//! Does not do: anything in the daemon's service; the daemon runs from the same binary and does not know of this.

#![allow(clippy::disallowed_methods, reason = "the people of the story live by the wall clock")]

mod cast;
mod line;
pub mod party;
mod report;
mod stage;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use cast::Cast;
use report::Report;
use stage::{Stage, Trouble};

/// What is to be shown, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which part of the story.
    pub step: Step,
    /// How it is told.
    pub form: Form,
    /// What happens to the daemon afterwards.
    pub afterwards: Afterwards,
}

/// How the story is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Story,
    /// One JSON object.
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
}

/// How long the two pairs talk.
const TALK: Duration = Duration::from_secs(3);

/// Shows the story on `out`. 0 if it came true, 1 if not, 2 if it could not be played.
pub fn run(options: &Options, out: &mut dyn Write) -> ExitCode {
    let told = match options.step {
        Step::Bridge => bridge(options, out),
    };
    match told {
        Ok(came_true) => ExitCode::from(u8::from(!came_true)),
        Err(trouble) => {
            // The reader may be gone; the exit code says it anyway.
            writeln!(std::io::stderr(), "lianxian demo: {trouble}").ok();
            ExitCode::from(2)
        }
    }
}

fn bridge(options: &Options, out: &mut dyn Write) -> Result<bool, Trouble> {
    let stage = Stage::build()?;
    let mut cast = Cast::enter(&stage)?;
    cast.wait_until_ready()?;
    cast.citizens_call()?;
    cast.wait_until_talking()?;
    cast.pause(TALK)?;
    cast.hang_up()?;
    let report = Report::new(&cast, &stage);
    match options.form {
        Form::Story => report.write_story(out)?,
        Form::Json => report.write_json(out)?,
    }
    match options.afterwards {
        Afterwards::End => {}
        Afterwards::Stay => stage.linger(out)?,
    }
    Ok(report.came_true())
}
