//! `lianxian trunk test`: whether a trunk's gateways answer, and what a call over it would show.
//!
//! Decides: nothing. A gateway is asked by the OPTIONS of the daemon, and what it answers means what it means there; the
//! INVITE is that of `lianxian route`. Asked is from a port of the moment, because the daemon may be running on its own.
//! Does not do: any call.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;

use super::{Form, MISCONFIGURED, route, tell};
use crate::base::entropy::Entropy;
use crate::base::ids::TrunkId;
use crate::base::time::Instant;
use crate::config::{self, Configuration, Sources};
use crate::engine::clock::Clock;
use crate::net::{self, Net};
use crate::routing::config::{Transport, Trunk};
use crate::routing::health::Sign;
use crate::sip::endpoint::Endpoint;
use crate::sip::fact::{Event, Loss, ProbeId, ProbeResult};
use crate::sip::flow::{self, Flow};
use crate::sip::message::{Host, Uri};
use crate::sip::order::Probe;
use crate::switch;

/// How long an answer is waited for: a gateway that a call would wait longer for is none.
const PATIENCE: Duration = Duration::from_secs(4);

/// Why nothing could be asked.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{0}: no trunk of trunks.toml has that id")]
    NoSuchTrunk(String),
    #[error("the runtime: {0}")]
    Runtime(#[source] std::io::Error),
    #[error(transparent)]
    Bind(#[from] net::BindError),
    #[error("no chance from the system: {0}")]
    Chance(getrandom::Error),
}

/// What is told.
#[derive(Debug, Serialize)]
struct Report {
    trunk: String,
    profile: String,
    /// Whether it has gateways, and every one of them works.
    works: bool,
    gateways: Vec<Row>,
    /// What a call over it would show; none, if no plan and no territory dials a number on it.
    call: Option<serde_json::Value>,
}

/// What has come of asking one gateway.
#[derive(Debug, Serialize)]
struct Row {
    address: SocketAddr,
    transport: Transport,
    works: bool,
    /// The status that it answers with.
    code: Option<u16>,
    /// How long it took to answer.
    milliseconds: Option<u128>,
    /// The same in words.
    says: String,
}

/// Tests the trunk with this id.
pub(super) fn test(path: &Path, name: &str, caller: &str, form: Form) -> ExitCode {
    let configuration = match config::load(path, &Sources::system()) {
        Ok(configuration) => configuration,
        Err(problems) => {
            tell(&problems);
            return ExitCode::from(MISCONFIGURED);
        }
    };
    match report(&configuration, name, caller) {
        Ok((report, shown)) => {
            let text = match form {
                Form::Json => serde_json::to_string(&report).unwrap_or_default(),
                Form::Text => text(&report, caller, shown.as_deref()),
            };
            // Nobody may be reading; the exit code says it anyway.
            writeln!(std::io::stdout(), "{}", text.trim_end()).ok();
            if report.works { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(trouble) => {
            writeln!(std::io::stderr(), "lianxian: {trouble}").ok();
            ExitCode::from(MISCONFIGURED)
        }
    }
}

fn report(configuration: &Configuration, name: &str, caller: &str) -> Result<(Report, Option<String>), Trouble> {
    let settings = configuration.switch();
    let id = TrunkId::from(name);
    let trunk = settings.routing.trunk(&id).ok_or_else(|| Trouble::NoSuchTrunk(name.to_owned()))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Trouble::Runtime)?;
    let asked = runtime.block_on(ask(configuration, &settings, trunk))?;
    let gateways: Vec<Row> =
        trunk.gateways.iter().zip(asked).map(|(row, heard)| told(trunk, row.address, heard)).collect();
    let (call, shown) = route::over(&id, caller, &settings).unzip();
    let works = !gateways.is_empty() && gateways.iter().all(|row| row.works);
    Ok((Report { trunk: name.to_owned(), profile: trunk.profile.to_string(), works, gateways, call }, shown))
}

// === Asking ===

/// What was heard of a gateway.
#[derive(Clone, Copy, Debug)]
enum Heard {
    /// Nothing that we listen on reaches it.
    Unreachable,
    /// Nothing, for as long as was waited.
    Silence,
    /// This, after so long.
    Result(ProbeResult, Duration),
}

/// Asks every gateway at the same time; gives what was heard of each, in their order.
async fn ask(configuration: &Configuration, settings: &switch::Settings, trunk: &Trunk) -> Result<Vec<Heard>, Trouble> {
    let clock = Clock::start();
    let mut wanted = configuration.net();
    wanted.listeners.iter_mut().for_each(|listener| listener.address.set_port(0));
    let mut net = Net::bind(wanted)?;
    let mut sip = settings.sip.clone();
    for (listener, bound) in sip.listeners.iter_mut().zip(net.listeners()) {
        listener.address = bound.address;
        if let Some(advertised) = &mut listener.advertised {
            advertised.set_port(bound.address.port());
        }
    }
    let site = switch::Settings { sip: sip.clone(), ..settings.clone() }.site();
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(Trouble::Chance)?;
    let mut endpoint = Endpoint::new(sip, Entropy::new(seed));
    let transport = match trunk.transport {
        Transport::Udp => flow::Transport::Udp,
        Transport::Tcp => flow::Transport::Tcp,
    };
    let mut heard: BTreeMap<ProbeId, Heard> = BTreeMap::new();
    let begin = clock.now();
    for (number, gateway) in (0..).zip(&trunk.gateways) {
        let (id, remote) = (ProbeId(number), gateway.address);
        let Some(listener) = site.listener_for(transport, remote.ip()) else {
            heard.insert(id, Heard::Unreachable);
            continue;
        };
        heard.insert(id, Heard::Silence);
        let flow = Flow { transport, local: listener.address, remote, connection: None };
        let uri = Uri::sip(None, Host::Ip(remote.ip()), Some(remote.port()));
        endpoint.probe(begin, Probe { id, trunk: trunk.id.clone(), flow, uri });
    }
    while heard.values().any(|heard| matches!(heard, Heard::Silence)) && clock.now().since(begin) < PATIENCE {
        step(&mut endpoint, &mut net, clock, begin + PATIENCE).await;
        while let Some(event) = endpoint.poll_event() {
            if let Event::Probed { id, result } = event {
                heard.insert(id, Heard::Result(result, clock.now().since(begin)));
            }
        }
    }
    Ok(heard.into_values().collect())
}

/// Sends what is to be sent, and waits for one event or the next deadline.
async fn step(endpoint: &mut Endpoint, net: &mut Net, clock: Clock, end: Instant) {
    while let Some(transmit) = endpoint.poll_transmit() {
        net.send(transmit.flow, transmit.message);
    }
    let deadline = endpoint.next_timeout().map_or(end, |at| at.min(end));
    let event = tokio::time::timeout_at(clock.deadline(deadline), net.event()).await;
    let now = clock.now();
    match event {
        Ok(net::Event::Received { flow, message }) => endpoint.receive(now, flow, message),
        Ok(net::Event::Unframed { flow, broken }) => endpoint.receive_broken(now, flow, broken),
        Ok(net::Event::Failed { flow, failure }) => endpoint.flow_failed(now, flow, failure),
        Err(_elapsed) => endpoint.handle_timeout(now),
    }
}

// === Telling ===

fn told(trunk: &Trunk, address: SocketAddr, heard: Heard) -> Row {
    let row = |works, code, after: Option<Duration>, says: String| Row {
        address,
        transport: trunk.transport,
        works,
        code,
        milliseconds: after.map(|after| after.as_millis()),
        says,
    };
    match heard {
        Heard::Unreachable => row(false, None, None, "nothing of [[sip.listen]] reaches it".to_owned()),
        Heard::Silence => row(false, None, None, format!("says nothing within {} s", PATIENCE.as_secs())),
        Heard::Result(ProbeResult::Lost(Loss::Timeout), _) => row(false, None, None, "says nothing".to_owned()),
        Heard::Result(ProbeResult::Lost(_), after) => {
            row(false, None, Some(after), "cannot be reached: nobody listens there, or there is no way".to_owned())
        }
        Heard::Result(result @ ProbeResult::Answered { code, .. }, after) => match switch::sign_of_probe(result) {
            Sign::Works => row(true, Some(code), Some(after), format!("works, answers {code}")),
            Sign::Overloaded(_) => row(false, Some(code), Some(after), format!("answers {code}: it takes no calls")),
            Sign::Heard | Sign::Failed => row(false, Some(code), Some(after), format!("answers {code}")),
        },
    }
}

fn text(report: &Report, caller: &str, shown: Option<&str>) -> String {
    let mut out = format!("trunk {}, profile {}\n", report.trunk, report.profile);
    if report.gateways.is_empty() {
        out.push_str("  it has no next hops: calls come over it, and none go\n");
    }
    for row in &report.gateways {
        let transport = match row.transport {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
        };
        let after = row.milliseconds.map(|after| format!(", after {after} ms")).unwrap_or_default();
        // Writing to a string cannot fail.
        writeln!(out, "  {} {transport}  {}{after}", row.address, row.says).ok();
    }
    match shown {
        Some(shown) => writeln!(out, "\na call of {caller} over it:\n{shown}").ok(),
        None => writeln!(out, "\nno plan and no territory dials a number on it").ok(),
    };
    out
}
