//! `lianxian tickets`: the records of the built-in ticket store, read from its file: beside the daemon or without it.
//!
//! Decides: nothing. It asks what `GET /v1/tickets` asks, of the same reader. Whoever may read the file may read it
//! whole; that has to be said by `--whole`.
//! Does not do: writing. The file has one writer, the daemon.

mod tell;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use serde::de::DeserializeOwned;

use super::{Form, MISCONFIGURED, tell as tell_problems};
use crate::api::tickets::csv;
use crate::base::calendar::{BadMoment, Moment};
use crate::base::ids::AgentId;
use crate::base::pii::Pii;
use crate::config::{self, Sources};
use crate::store::tickets::{self, Away, Filter, Kept, Reader, Span};
use crate::tickets::ids::{LinkageId, TicketId};
use crate::tickets::tag::Tag;
use crate::tickets::ticket::{Direction, Event, Status};

#[derive(Debug, Subcommand)]
pub(super) enum Look {
    /// Lists records, the latest first. Exit code 0 whether there are any or not.
    List {
        #[command(flatten)]
        which: Which,
        /// At most so many.
        #[arg(long, value_name = "COUNT", default_value_t = 50)]
        limit: usize,
        #[command(flatten)]
        how: How,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Shows one record with what has happened to it. Exit code 1 if it is not there, or its hash chain is broken.
    Show {
        /// The ticket_id.
        #[arg(value_name = "TICKET")]
        ticket: TicketId,
        #[command(flatten)]
        how: How,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Writes all records that are meant to standard output.
    Export {
        #[command(flatten)]
        which: Which,
        /// A table for spreadsheets, or one JSON object a line.
        #[arg(long, value_enum, default_value_t = Sort::Csv)]
        format: Sort,
        /// Every event of each record, in its order, instead of the record as it stands.
        #[arg(long)]
        events: bool,
        #[command(flatten)]
        how: How,
    },
}

/// How records are exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Sort {
    Csv,
    Ndjson,
}

/// From where, and how much of it.
#[derive(Debug, Args)]
pub(super) struct How {
    /// Citizens' numbers, names and words whole.
    #[arg(long)]
    whole: bool,
    /// The main configuration file.
    #[arg(long, value_name = "FILE", default_value = "config/lianxian.toml")]
    config: PathBuf,
}

/// Which records: everything that is given must hold.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// Made not before this day or time: 2026-11-22, or RFC 3339.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<Moment>,
    /// Made before this day or time.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    to: Option<Moment>,
    /// 12345_TO_110, 110_TO_12345, 12345_TO_OTHER, 110_TO_OTHER or OTHER.
    #[arg(long, value_name = "DIRECTION", value_parser = word::<Direction>)]
    direction: Option<Direction>,
    /// 已转110受理, 已转12345热线受理, or the text of another hotline's.
    #[arg(long, value_name = "TAG", value_parser = word::<Tag>)]
    tag: Option<Tag>,
    /// The first digits of the region's code.
    #[arg(long, value_name = "CODE")]
    territory: Option<String>,
    /// An operator's number (工号), on either side or as the first.
    #[arg(long, value_name = "NUMBER")]
    agent: Option<String>,
    /// A number of the citizen, whole, in whatever form.
    #[arg(long, value_name = "NUMBER")]
    number: Option<String>,
    /// 登记, 已推送, 已接收, 已补录, 已回退, 办理中, 已反馈, 结案 or 作废.
    #[arg(long, value_name = "STATUS", value_parser = word::<Status>)]
    status: Option<Status>,
    /// Something that has happened to it: created, tagged, transfer_failed, ..
    #[arg(long, value_name = "EVENT", value_parser = word::<Event>)]
    event: Option<Event>,
    /// The contact: both services' records.
    #[arg(long, value_name = "ID")]
    linkage: Option<LinkageId>,
}

/// A time, or the beginning of a day in Beijing.
fn moment(text: &str) -> Result<Moment, BadMoment> {
    text.parse().or_else(|bad| format!("{text}T00:00:00+08:00").parse().map_err(|_| bad))
}

/// A word of the format. What is wrong with another one says which there are.
fn word<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    serde_json::from_value(text.into())
}

impl Which {
    fn filter(self) -> Filter {
        Filter {
            ticket: None,
            made: Span { from: self.from, to: self.to },
            direction: self.direction,
            tag: self.tag,
            territory: self.territory,
            agent: self.agent.map(|agent| AgentId::from(agent.as_str())),
            number: self.number.map(Pii::new),
            status: self.status,
            event: self.event,
            linkage: self.linkage,
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the runtime: {0}")]
    Runtime(#[source] io::Error),
    #[error("it cannot be read as a ticket store")]
    Unreadable(#[from] Away),
    #[error("{0}: there is no such ticket")]
    NoSuchTicket(TicketId),
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
}

/// Looks.
pub(super) fn look(what: Look) -> ExitCode {
    let how = match &what {
        Look::List { how, .. } | Look::Show { how, .. } | Look::Export { how, .. } => how,
    };
    let file = match config::load(&how.config, &Sources::system()) {
        Ok(configuration) => configuration.data_folder().join(tickets::FILE),
        Err(problems) => {
            tell_problems(&problems);
            return ExitCode::from(MISCONFIGURED);
        }
    };
    let sight = Sight::of(how);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let shown =
        runtime.map_err(Trouble::Runtime).and_then(|runtime| runtime.block_on(show(&File::open(&file), sight, what)));
    match shown {
        Ok(code) => code,
        // Whoever read the table has seen enough of it.
        Err(Trouble::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(trouble) => {
            writeln!(io::stderr(), "lianxian tickets: {}: {trouble}", file.display()).ok();
            ExitCode::FAILURE
        }
    }
}

/// How much of a citizen is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    Masked,
    Whole,
}

impl Sight {
    const fn of(how: &How) -> Self {
        if how.whole { Self::Whole } else { Self::Masked }
    }

    /// A record as it may be seen, and its text.
    fn see(self, kept: Kept) -> Kept {
        match self {
            Self::Whole => kept,
            Self::Masked => {
                let ticket = kept.ticket.masked();
                let text = serde_json::to_string(&ticket).unwrap_or_default();
                Kept { ticket, text }
            }
        }
    }
}

/// What of each record is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    /// The record as it stands.
    Records,
    /// Each of its events.
    Events,
}

/// The store's file, which need not be there: then nothing has been kept yet.
enum File {
    Missing,
    There(Reader),
}

impl File {
    fn open(path: &Path) -> Self {
        if path.exists() { Self::There(Reader::new(path)) } else { Self::Missing }
    }

    async fn list(&self, filter: &Filter, after: Option<TicketId>, limit: usize) -> Result<Vec<Kept>, Away> {
        match self {
            Self::Missing => Ok(Vec::new()),
            Self::There(reader) => reader.list(filter, after, limit).await,
        }
    }

    /// All events of a record.
    async fn timeline(&self, ticket: TicketId) -> Result<Vec<Kept>, Away> {
        let mut events: Vec<Kept> = Vec::new();
        let Self::There(reader) = self else { return Ok(events) };
        loop {
            let last = events.last().map_or(0, |last| last.ticket.seq);
            let page = reader.timeline(ticket, last).await?;
            if page.is_empty() {
                return Ok(events);
            }
            events.extend(page);
        }
    }

    /// Gives all records that are meant, or their events, to `each`, page by page.
    async fn every(
        &self,
        filter: &Filter,
        depth: Depth,
        mut each: impl FnMut(Kept) -> io::Result<()>,
    ) -> Result<(), Trouble> {
        let mut after = None;
        loop {
            let page = self.list(filter, after, Reader::PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.ticket.ticket_id);
            for record in page {
                match depth {
                    Depth::Records => each(record)?,
                    Depth::Events => {
                        let events = self.timeline(record.ticket.ticket_id).await?;
                        events.into_iter().try_for_each(&mut each)?;
                    }
                }
            }
        }
    }
}

async fn show(file: &File, sight: Sight, what: Look) -> Result<ExitCode, Trouble> {
    let out = &mut io::stdout().lock();
    match what {
        Look::List { which, limit, json, .. } => {
            let limit = limit.min(Reader::PAGE);
            let kept = file.list(&which.filter(), None, limit).await?;
            let seen: Vec<Kept> = kept.into_iter().map(|kept| sight.see(kept)).collect();
            tell::list(&seen, form(json), out)?;
            Ok(ExitCode::SUCCESS)
        }
        Look::Show { ticket, json, .. } => {
            let events = file.timeline(ticket).await?;
            if events.is_empty() {
                return Err(Trouble::NoSuchTicket(ticket));
            }
            let chain = tell::Chain::of(&events);
            let seen: Vec<Kept> = events.into_iter().map(|kept| sight.see(kept)).collect();
            tell::one(&seen, &chain, form(json), out)?;
            Ok(if chain.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Look::Export { which, format, events, .. } => {
            let depth = if events { Depth::Events } else { Depth::Records };
            let mut head = Vec::new();
            if format == Sort::Csv {
                csv::head(&mut head);
            }
            out.write_all(&head)?;
            let each = |kept: Kept| {
                let seen = sight.see(kept);
                let mut line = Vec::new();
                match format {
                    Sort::Csv => csv::row(&seen.ticket, &mut line),
                    Sort::Ndjson => line.extend_from_slice(format!("{}\n", seen.text).as_bytes()),
                }
                out.write_all(&line)
            };
            file.every(&which.filter(), depth, each).await?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

const fn form(json: bool) -> Form {
    if json { Form::Json } else { Form::Text }
}
