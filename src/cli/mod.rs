//! The command line, and the composition root: it builds everything and wires it together; nothing imports it.
//!
//! Decides: the words of the commands, and the exit codes: 0 good, 1 the answer is no, 2 usage or configuration.
//! Invariants: what can be wrong with the configuration is told before anything listens; a daemon that runs has its
//! log, its metrics and its limits.
//! Does not do: anything at run time beyond starting.

mod check;
mod delivering;
mod log;
mod outbox;
mod reload;
mod route;
mod serve;
mod tickets;
mod trunk;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::config::Problem;
use crate::demo;

/// lianxian 连线: a SIP back-to-back user agent between the hotlines 12345 and 110.
#[derive(Debug, Parser)]
#[command(name = "lianxian", version, about, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the daemon.
    Serve {
        /// The main configuration file.
        #[arg(long, value_name = "FILE", default_value = "config/lianxian.toml")]
        config: PathBuf,
        /// Ends when standard input is closed: for programs that start the daemon and may die.
        #[arg(long, hide = true)]
        with_parent: bool,
    },
    /// Checks the configuration and tells everything that is wrong with it.
    Check {
        /// The main configuration file.
        #[arg(long, value_name = "FILE", default_value = "config/lianxian.toml")]
        config: PathBuf,
        /// One JSON object.
        #[arg(long)]
        json: bool,
        /// Checks nothing, but writes the JSON schemas of the files into this folder.
        #[arg(long, value_name = "DIR")]
        write_schemas: Option<PathBuf>,
    },
    /// Shows where a call would go and which headers would leave: a call that is handed over (--from 12345 --to 110
    /// --caller 13800138000 --territory 653001), or one that arrives (--from 13800138000 --dnis 12345 --trunk carrier).
    Route(Box<route::Question>),
    /// Looks at a trunk from here.
    Trunk {
        #[command(subcommand)]
        what: Look,
    },
    /// Reads the records of the built-in ticket store, beside the daemon or without it.
    Tickets {
        #[command(subcommand)]
        what: tickets::Look,
    },
    /// What the ticket stores are to learn: what waits, what was delivered, what was refused.
    Outbox {
        #[command(subcommand)]
        what: outbox::Look,
    },
    /// Shows the main job on loopback: a daemon, and people who telephone through it, as separate processes.
    Demo {
        /// Only this part.
        #[arg(long, value_enum)]
        step: Option<Step>,
        /// One JSON object for each part instead of the story.
        #[arg(long)]
        json: bool,
        /// Leaves the daemon running afterwards, until a signal comes.
        #[arg(long)]
        stay: bool,
    },
    /// One person of the demo.
    #[command(hide = true)]
    DemoParty,
}

#[derive(Debug, Subcommand)]
enum Look {
    /// Asks each gateway of a trunk by OPTIONS, and shows the INVITE of a call over it. Exit code 1 if one does not work.
    Test {
        /// The trunk's id.
        #[arg(value_name = "NAME")]
        trunk: String,
        /// The number of the caller whose call is shown.
        #[arg(long, value_name = "NUMBER", default_value = "13800138000")]
        caller: String,
        /// The main configuration file.
        #[arg(long, value_name = "FILE", default_value = "config/lianxian.toml")]
        config: PathBuf,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Step {
    /// Two citizens call 12345 at the same time and talk with two agents.
    Bridge,
    /// A citizen is handed from 12345 to 110 and back, with one press each.
    Transfer,
    /// The same, and the records of it in the built-in ticket store.
    Ticket,
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    match Arguments::parse().command {
        Command::Serve { config, with_parent } => {
            serve::serve(&config, if with_parent { serve::Life::WithParent } else { serve::Life::Own })
        }
        Command::Check { write_schemas: Some(folder), .. } => check::write_schemas(&folder),
        Command::Check { config, json, write_schemas: None } => {
            check::check(&config, if json { Form::Json } else { Form::Text })
        }
        Command::Route(question) => route::route(&question),
        Command::Trunk { what: Look::Test { trunk, caller, config, json } } => {
            trunk::test(&config, &trunk, &caller, if json { Form::Json } else { Form::Text })
        }
        Command::Tickets { what } => tickets::look(what),
        Command::Outbox { what } => outbox::look(what),
        Command::Demo { step, json, stay } => {
            let steps = match step {
                Some(Step::Bridge) => vec![demo::Step::Bridge],
                Some(Step::Transfer) => vec![demo::Step::Transfer],
                Some(Step::Ticket) => vec![demo::Step::Ticket],
                // The records are those of the handovers.
                None => vec![demo::Step::Bridge, demo::Step::Ticket],
            };
            let options = demo::Options {
                steps,
                form: if json { demo::Form::Json } else { demo::Form::Story },
                afterwards: if stay { demo::Afterwards::Stay } else { demo::Afterwards::End },
            };
            demo::run(&options, &mut std::io::stdout())
        }
        Command::DemoParty => demo::party::play(),
    }
}

/// How a command answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Text,
    Json,
}

/// The exit code of a usage or configuration error.
const MISCONFIGURED: u8 = 2;

/// Tells every problem, one a line.
fn tell(problems: &[Problem]) {
    for problem in problems {
        // Nobody may be reading; the exit code says it anyway.
        writeln!(std::io::stderr(), "{problem}").ok();
    }
}
