//! `lianxian outbox`: what waits for the ticket stores, read from the outbox's file: beside the daemon or without it.
//!
//! Decides: nothing. Whoever may read the file may read it whole; that has to be said by `--whole`.
//! Does not do: writing, but for one thing: a dead letter that is to be tried again is marked so.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{Form, MISCONFIGURED, tell};
use crate::base::calendar::Moment;
use crate::config::{self, Problem, Sources};
use crate::store::outbox::{Filter, Letter, ReadError, Reader, State};
use crate::tickets::ids::{EventId, TicketId};
use crate::tickets::ticket::Ticket;

/// Letters that are read at a time.
const PAGE: u32 = 500;

#[derive(Debug, Subcommand)]
pub(super) enum Look {
    /// Lists events in the order in which they were written. Exit code 0 whether there are any or not.
    List {
        #[command(flatten)]
        which: Which,
        /// At most so many.
        #[arg(long, value_name = "COUNT", default_value_t = 50)]
        limit: u32,
        /// Only events behind this number, the first column.
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        after: i64,
        #[command(flatten)]
        place: Place,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Shows one event, what has become of it, and what is sent. Exit code 1 if it is not there.
    Show {
        /// The event_id.
        #[arg(value_name = "EVENT")]
        event: EventId,
        /// Citizens' numbers, names and words whole.
        #[arg(long)]
        whole: bool,
        #[command(flatten)]
        place: Place,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Has a dead letter tried again, and what follows it in its ticket. Exit code 1 if it is no dead letter.
    Retry {
        /// The event_id.
        #[arg(value_name = "EVENT")]
        event: EventId,
        #[command(flatten)]
        place: Place,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Writes the events that are meant to standard output, one JSON object a line, as they are sent.
    Export {
        #[command(flatten)]
        which: Which,
        /// Citizens' numbers, names and words whole, byte for byte as a ticket store gets it.
        #[arg(long)]
        whole: bool,
        #[command(flatten)]
        place: Place,
    },
}

/// Whose outbox.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// The main configuration file.
    #[arg(long, value_name = "FILE", default_value = "config/lianxian.toml")]
    config: PathBuf,
}

/// Which events: everything that is given must hold.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// pending, kept, delivered or dead.
    #[arg(long, value_name = "STATE", value_parser = state)]
    state: Option<State>,
    /// The ticket store.
    #[arg(long, value_name = "NAME")]
    sink: Option<String>,
    /// The ticket_id.
    #[arg(long, value_name = "TICKET")]
    ticket: Option<TicketId>,
}

fn state(word: &str) -> Result<State, &'static str> {
    State::of_word(word).ok_or("pending, kept, delivered or dead")
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the configuration is not used")]
    Configuration(Vec<Problem>),
    #[error("the runtime: {0}")]
    Runtime(#[source] io::Error),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("standard output: {0}")]
    Output(#[source] io::Error),
}

/// Answers one question.
pub(super) fn look(what: Look) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(Trouble::Runtime);
    match runtime.and_then(|runtime| runtime.block_on(answer(what))) {
        Ok(code) => code,
        Err(Trouble::Configuration(problems)) => {
            tell(&problems);
            ExitCode::from(MISCONFIGURED)
        }
        Err(trouble) => {
            writeln!(io::stderr(), "lianxian: {trouble}").ok();
            ExitCode::from(MISCONFIGURED)
        }
    }
}

async fn answer(what: Look) -> Result<ExitCode, Trouble> {
    match what {
        Look::List { which, limit, after, place, json } => {
            let filter = Filter { after, limit, ..which.filter() };
            let letters = open(&place.config).await?.list(&filter).await?;
            if json {
                letters.iter().try_for_each(|letter| say(&as_json(letter)))?;
            } else {
                say(&table(&letters))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Look::Show { event, whole, place, json } => match open(&place.config).await?.show(event).await? {
            Some(letter) => {
                let form = if json { Form::Json } else { Form::Text };
                say(&shown(&letter, whole, form))?;
                Ok(ExitCode::SUCCESS)
            }
            None => no(json, event, "no such event"),
        },
        Look::Retry { event, place, json } => {
            if !open(&place.config).await?.retry(event).await? {
                return no(json, event, "no such dead letter");
            }
            let text = format!("{event}: is tried again within seconds, or when the daemon starts");
            say(&if json { as_json(&Retried { event, retried: true, why: None }) } else { text })?;
            Ok(ExitCode::SUCCESS)
        }
        Look::Export { which, whole, place } => export(&which.filter(), whole, &place.config).await,
    }
}

impl Which {
    fn filter(&self) -> Filter {
        Filter { state: self.state, sink: self.sink.clone(), ticket: self.ticket, after: 0, limit: PAGE }
    }
}

async fn open(path: &Path) -> Result<Reader, Trouble> {
    let configuration = config::load(path, &Sources::system()).map_err(Trouble::Configuration)?;
    Ok(Reader::open(&configuration.data_folder()).await?)
}

async fn export(filter: &Filter, whole: bool, path: &Path) -> Result<ExitCode, Trouble> {
    let mut reader = open(path).await?;
    let mut filter = filter.clone();
    loop {
        let letters = reader.list(&filter).await?;
        let Some(last) = letters.last() else { return Ok(ExitCode::SUCCESS) };
        filter.after = last.number;
        for letter in &letters {
            say(&body(letter, whole))?;
        }
    }
}

// === Telling ===

#[derive(Serialize)]
struct Retried {
    #[serde(rename = "event_id")]
    event: EventId,
    retried: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    letter: &'a Letter,
    body: serde_json::Value,
}

fn no(json: bool, event: EventId, why: &'static str) -> Result<ExitCode, Trouble> {
    if json {
        say(&as_json(&Retried { event, retried: false, why: Some(why) }))?;
    } else {
        writeln!(io::stderr(), "lianxian: {event}: {why}").ok();
    }
    Ok(ExitCode::FAILURE)
}

fn say(text: &str) -> Result<(), Trouble> {
    writeln!(io::stdout(), "{}", text.trim_end()).map_err(Trouble::Output)
}

fn as_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// What is sent: byte for byte, or masked. What does not read as a ticket is not shown but whole.
fn body(letter: &Letter, whole: bool) -> String {
    if whole {
        return letter.body.clone();
    }
    match serde_json::from_str::<Ticket>(&letter.body) {
        Ok(ticket) => as_json(&ticket.masked()),
        Err(_) => "null".to_owned(),
    }
}

fn shown(letter: &Letter, whole: bool, form: Form) -> String {
    let body = serde_json::from_str(&body(letter, whole)).unwrap_or_default();
    match form {
        Form::Json => as_json(&Shown { letter, body }),
        Form::Text => {
            let moment = |unix_ms| Moment { unix_ms }.to_string();
            let rows = [
                ("event", letter.event.clone()),
                ("ticket", format!("{}, event {}", letter.ticket, letter.seq)),
                ("what", letter.kind.clone()),
                ("ticket store", letter.sink.clone()),
                ("state", letter.state.word().to_owned()),
                ("attempts", letter.attempts.to_string()),
                ("happened", moment(letter.written_ms)),
                ("settled", letter.settled_ms.map(moment).unwrap_or_default()),
                ("answer", letter.answer.clone().unwrap_or_default()),
            ];
            let mut out = String::new();
            for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
                // Writing to a string cannot fail.
                writeln!(out, "{name:>12}  {}", value.escape_debug()).ok();
            }
            let body = serde_json::to_string_pretty(&body).unwrap_or_default();
            writeln!(out, "\n{body}").ok();
            out
        }
    }
}

fn table(letters: &[Letter]) -> String {
    if letters.is_empty() {
        return "nothing".to_owned();
    }
    let mut out = format!(
        "{:>7}  {:<29}  {:<19} {:<10} {:<12} {:>3}  {:<36}  answer\n",
        "number", "happened", "what", "state", "ticket store", "try", "event"
    );
    for letter in letters {
        let happened = Moment { unix_ms: letter.written_ms }.to_string();
        let answer = letter.answer.as_deref().unwrap_or_default().escape_debug();
        // Writing to a string cannot fail.
        writeln!(
            out,
            "{:>7}  {happened:<29}  {:<19} {:<10} {:<12} {:>3}  {:<36}  {answer}",
            letter.number,
            letter.kind,
            letter.state.word(),
            letter.sink,
            letter.attempts,
            letter.event
        )
        .ok();
    }
    out
}
