//! `lianxian serve`: reads the configuration, builds everything, runs until a signal.

use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use nix::sys::signal::{Signal, raise};
use tokio::sync::mpsc;

use super::check::{PROMPTS, prompt_problem};
use super::delivering;
use super::{MISCONFIGURED, log, reload, tell};
use crate::api;
use crate::base::entropy::Entropy;
use crate::config::{self, Configuration, Sources};
use crate::delivery::{self, Delivery, Secret};
use crate::engine;
use crate::engine::clock::Clock;
use crate::engine::handle;
use crate::engine::health::Health;
use crate::engine::media_workers::{self, MediaWorkers};
use crate::engine::prompts;
use crate::engine::run::{Engine, Exit, Parts};
use crate::engine::shutdown::Signals;
use crate::engine::tasks::Tasks;
use crate::media::library::Library;
use crate::metrics;
use crate::net::Net;
use crate::store::folder::Folder;
use crate::store::outbox::{self, Courier, Outbox, OutboxError};
use crate::store::tickets::{self, TicketStore};
use crate::switch::Switch;

/// Facts of the media threads that wait for the loop.
const FACTS: usize = 4_096;

/// Outcomes of attempts that wait for the outbox: more than can be on their way to all ticket stores together.
const VERDICTS: usize = 8_192;

/// How long the daemon lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// Until a signal.
    Own,
    /// Also until standard input is closed.
    WithParent,
}

/// Why the daemon could not start.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{0}: {1}")]
    System(&'static str, #[source] io::Error),
    #[error(transparent)]
    Bind(#[from] crate::net::BindError),
    #[error("the media ports: {0}")]
    Ports(#[from] crate::media::ports::RangeError),
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    #[error("no chance from the system: {0}")]
    Chance(getrandom::Error),
}

/// Runs the daemon.
pub(super) fn serve(path: &Path, life: Life) -> ExitCode {
    let configuration = match config::load(path, &Sources::system()) {
        Ok(configuration) => configuration,
        Err(problems) => {
            tell(&problems);
            return ExitCode::from(MISCONFIGURED);
        }
    };
    let library = match prompts::load(&configuration.prompts, &PROMPTS) {
        Ok(library) => Arc::new(library),
        Err(error) => {
            tell(&[prompt_problem(path, &error)]);
            return ExitCode::from(MISCONFIGURED);
        }
    };
    let folder = match Folder::take(&configuration.data_folder()) {
        Ok(folder) => folder,
        Err(error) => {
            tell(&[configuration.data_folder_problem(error.to_string())]);
            return ExitCode::from(MISCONFIGURED);
        }
    };
    let log = log::start(*configuration.main.log.level.get_ref());
    // One thread for all signalling: the switch is one value, and a message is handled where it was read.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ran = runtime.map_err(|error| Trouble::System("the runtime", error)).and_then(|runtime| {
        let ran = runtime.block_on(async {
            let signals = Signals::take().map_err(|error| Trouble::System("signals", error))?;
            if life == Life::WithParent {
                watch_parent()?;
            }
            let engine = build(path, &configuration, &folder, &library, &log)?;
            Ok(engine.run(signals).await)
        });
        // Threads that end by themselves are not waited for.
        runtime.shutdown_background();
        ran
    });
    match ran {
        Ok(Exit::Drained) => {
            tracing::info!(event = "stopped", calls_cut = 0);
            ExitCode::SUCCESS
        }
        Ok(Exit::Cut { calls }) => {
            tracing::warn!(event = "stopped", calls_cut = calls);
            ExitCode::SUCCESS
        }
        Err(trouble) => {
            tracing::error!(event = "not_started", %trouble);
            writeln!(io::stderr(), "lianxian: {trouble}").ok();
            ExitCode::FAILURE
        }
    }
}

fn build(
    path: &Path,
    configuration: &Configuration,
    folder: &Folder,
    library: &Arc<Library>,
    log: &log::Log,
) -> Result<Engine, Trouble> {
    let clock = Clock::start();
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(Trouble::Chance)?;
    let mut entropy = Entropy::new(seed);
    let mut tasks = Tasks::default();
    let net = Net::bind(configuration.net())?;
    let admin = TcpListener::bind(configuration.main.admin.listen.get_ref())
        .map_err(|error| Trouble::System("the administrators' listener", error))?;
    let (told, facts) = mpsc::channel(FACTS);
    let settings = media_workers::Settings {
        workers: workers(*configuration.main.media.workers.get_ref()),
        own_ports: configuration.media_ports(),
    };
    let media = MediaWorkers::start(&settings, library, clock, &mut entropy, &told, &mut tasks)
        .map_err(|error| Trouble::System("the media threads", error))?;
    let (recorder, exposition) = metrics::create();
    recorder.configured(clock.wall_seconds());
    let health = Health::new(clock);
    let (handle, desk, told) = handle::open(clock);
    let (token, own) = delivering::own_token().map_err(Trouble::Chance)?;
    let (outbox, delivery) = outbox(configuration, folder, clock, &mut entropy, recorder.delivery(), &own, &mut tasks)?;
    let (reloads, asked) = engine::reload::requests();
    let shown = api::Admin { metrics: exposition, health: health.clone(), reloads: reloads.clone() };
    let access = api::Access::with_delivery(configuration.tokens.clone(), api::digest(&token));
    let tickets = tickets(folder, &mut tasks)?;
    let parts = api::Parts { handle, access: access.clone(), admin: shown, tickets, metrics: recorder.http() };
    let api = api::Api::new(parts);
    serve_http(configuration, api, admin, told, &mut tasks)?;
    let switch = Switch::new(configuration.switch(), entropy.fork())?;
    for listener in net.listeners() {
        tracing::info!(event = "listening", transport = ?listener.transport, address = %listener.address);
    }
    let (told, reloaded) = mpsc::channel(1);
    let reader = reload::Reader {
        path: path.to_owned(),
        running: configuration.clone(),
        asked,
        told,
        access,
        own,
        delivery,
        sinks: outbox.changes(),
        library: Arc::clone(library),
    };
    tasks.thread("reload", move || reader.run()).map_err(|error| Trouble::System("a thread", error))?;
    let log_lines_dropped = log.dropped.clone();
    Ok(Engine::new(Parts {
        clock,
        net,
        switch,
        media,
        facts,
        outbox,
        reloads,
        reloaded,
        tasks,
        recorder,
        health,
        desk,
        log_lines_dropped,
        drain: configuration.drain(),
    }))
}

/// The built-in ticket store, whose writer has a thread of its own.
fn tickets(folder: &Folder, tasks: &mut Tasks) -> Result<TicketStore, Trouble> {
    let (tickets, writer) = tickets::open(folder.path().join(tickets::FILE));
    tasks.thread("tickets", move || writer.run()).map_err(|error| Trouble::System("a thread", error))?;
    Ok(tickets)
}

/// Opens the outbox and the delivery, each on a thread of its own.
fn outbox(
    configuration: &Configuration,
    folder: &Folder,
    clock: Clock,
    entropy: &mut Entropy,
    counts: metrics::DeliveryRecorder,
    own: &Secret,
    tasks: &mut Tasks,
) -> Result<(Outbox, Delivery), Trouble> {
    let thread = |error| Trouble::System("a thread", error);
    let (told, verdicts) = mpsc::channel(VERDICTS);
    let now = Arc::new(move || clock.wall_clock());
    let stores = configuration.ticket_stores(own);
    let (delivery, postman) =
        delivery::open(stores, now.clone(), Box::new(move |report| delivering::tell(report, &counts, &told)));
    let courier = Courier { parcels: delivery.parcels(), verdicts };
    let (outbox, worker) = outbox::create(configuration.outbox(folder.path()), now, entropy, courier);
    tasks.thread("outbox", move || worker.run()).map_err(thread)?;
    let deliver = move || {
        if let Err(error) = postman.run() {
            tracing::error!(event = "nothing_is_delivered", %error);
        }
    };
    tasks.thread("delivery", deliver).map_err(thread)?;
    outbox.opened()?;
    Ok((outbox, delivery))
}

/// Sets the two HTTP listeners running, each on a thread of its own.
fn serve_http(
    configuration: &Configuration,
    api: api::Api,
    admin: TcpListener,
    told: mpsc::Receiver<handle::Told>,
    tasks: &mut Tasks,
) -> Result<(), Trouble> {
    let thread = |error| Trouble::System("a thread", error);
    if let Some(http) = &configuration.main.http {
        let listener =
            TcpListener::bind(http.listen.get_ref()).map_err(|error| Trouble::System("[http] listen", error))?;
        tracing::info!(event = "listening", transport = "http", address = %http.listen.get_ref());
        let api = api.clone();
        tasks.thread("http", move || api::serve(listener, api, told)).map_err(thread)?;
    }
    tasks.thread("admin", move || api::serve_admin(admin, &api)).map_err(thread)
}

/// Media threads: as configured, else one for two processors.
fn workers(configured: u16) -> usize {
    match configured {
        0 => std::thread::available_parallelism().map_or(1, |count| count.get().div_ceil(2)),
        count => usize::from(count),
    }
}

/// Turns the end of standard input into SIGTERM.
fn watch_parent() -> Result<(), Trouble> {
    let watch = || {
        let mut rest = [0; 256];
        while io::stdin().read(&mut rest).is_ok_and(|length| length > 0) {}
        // Our own handler is in place; it cannot fail.
        raise(Signal::SIGTERM).ok();
    };
    let thread = std::thread::Builder::new().name("parent".to_owned()).spawn(watch);
    thread.map(|_| ()).map_err(|error| Trouble::System("a thread", error))
}
