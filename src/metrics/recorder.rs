//! From what the switch says to numbers.

use std::collections::HashMap;
use std::time::Duration;

use prometheus::IntCounter;

use super::delivery::DeliveryRecorder;
use super::families::Families;
use super::http::HttpRecorder;
use super::outbox::OutboxPicture;
use super::transfers::TransferWatch;
use crate::base::time::Instant;
use crate::call::notice::{Notice, RefusedFor, What};
use crate::call::record::{CallRecord, Ending};
use crate::media::counters::{Counters, JITTER_BOUNDS_MS};
use crate::routing::config::Priority;
use crate::sip::fact::{Loss, Observation};
use crate::switch::View;
use crate::switch::view::AgentState;

/// The writing side, owned by the engine.
#[derive(Debug)]
pub struct Recorder {
    families: Families,
    /// Counters of methods and code classes by their static words: no lookup by string for each message.
    messages: HashMap<(&'static str, &'static str), IntCounter>,
    transfers: TransferWatch,
}

/// Totals of what lies outside the switch.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outside {
    /// Stream connections now.
    pub connections: u64,
    /// Connections refused so far.
    pub connections_refused: u64,
    /// Connections closed by a limit so far.
    pub connections_closed_by_limit: u64,
    /// Datagrams dropped so far.
    pub datagrams_dropped: u64,
    /// Log lines dropped so far.
    pub log_lines_dropped: u64,
    /// RTP packets that the kernel did not take, so far.
    pub rtp_send_failures: u64,
    /// Reads of media sockets that failed, so far.
    pub rtp_receive_failures: u64,
    /// Orders that a media thread did not take, so far.
    pub media_orders_lost: u64,
    /// Events that the HTTP interface did not take, so far.
    pub events_lost: u64,
    /// Media threads that died and were replaced, so far.
    pub media_threads_replaced: u64,
}

impl Recorder {
    pub(super) fn new(families: Families) -> Self {
        Self { families, messages: HashMap::new(), transfers: TransferWatch::default() }
    }

    /// The writing side for the HTTP interface.
    pub fn http(&self) -> HttpRecorder {
        self.families.http.clone()
    }

    /// The side that the delivery of tickets writes.
    pub fn delivery(&self) -> DeliveryRecorder {
        self.families.delivery.clone()
    }

    /// The configuration in use was read then, in seconds since 1970.
    pub fn configured(&self, wall_seconds: u64) {
        self.families.config_read_at.set(i64::try_from(wall_seconds).unwrap_or(i64::MAX));
    }

    /// Another configuration is in use, read then, in seconds since 1970.
    pub fn reloaded(&self, wall_seconds: u64) {
        self.families.config_reloads.with_label_values(&["taken"]).inc();
        self.configured(wall_seconds);
    }

    /// A configuration was read and not used.
    pub fn reload_refused(&self) {
        self.families.config_reloads.with_label_values(&["refused"]).inc();
    }

    /// A task panicked.
    pub fn task_panicked(&self) {
        self.families.tasks_panicked.inc();
    }

    /// Something happened on the SIP side.
    pub fn observe(&mut self, observation: &Observation) {
        let sip = &self.families.sip;
        match observation {
            Observation::Request { method, inbound } => {
                let dir = direction(*inbound);
                let made = || sip.requests.with_label_values(&[*method, dir]);
                self.messages.entry((*method, dir)).or_insert_with(made).inc();
            }
            Observation::Response { code, inbound } => {
                let (class, dir) = (class(*code), direction(*inbound));
                let made = || sip.responses.with_label_values(&[class, dir]);
                self.messages.entry((class, dir)).or_insert_with(made).inc();
            }
            Observation::Retransmission => sip.retransmissions.inc(),
            Observation::ParseError { reason } => sip.parse_errors.with_label_values(&[*reason]).inc(),
            Observation::Refused { flow: _, reason } => sip.refused.with_label_values(&[*reason]).inc(),
            Observation::Ignored { why: _ } => sip.ignored.inc(),
        }
    }

    /// Something happened to a call.
    pub fn notice(&mut self, notice: &Notice) {
        let calls = &self.families.calls;
        match &notice.what {
            What::Arrived { hotline: _, priority, caller: _, leg: _, who: _ } => {
                calls.active.with_label_values(&[kind(*priority)]).inc();
            }
            What::Refused { code: _, why } => calls.refused.with_label_values(&[refused_for(*why)]).inc(),
            What::PartyLost { leg: _, loss } => calls.party_lost.with_label_values(&[lost(*loss)]).inc(),
            What::CallerLost(_) => calls.caller_lost.inc(),
            What::SilentTooLong { leg: _ } => calls.silent_too_long.inc(),
            What::MediaFailed { leg: _ } => calls.media_failed.inc(),
            What::PortsExhausted => calls.ports_exhausted.inc(),
            What::Quarantined { state: _ } => calls.quarantined.inc(),
            What::Ignored { why: _ } => self.families.sip.ignored.inc(),
            What::Released(record) => {
                self.released(record);
                self.transfers.released(&self.families.transfers, record);
            }
            What::Transfer { transfer, step } => {
                self.transfers.step(&self.families.transfers, *transfer, notice.at, step);
            }
            What::Unproven { transfer: _, why } => self.families.transfers.told_unproven(*why),
            What::Correlated { .. }
            | What::NotCorrelated { .. }
            | What::Dialled { .. }
            | What::Ringing { .. }
            | What::NotTaken { .. }
            | What::GatewaySilent { .. }
            | What::NobodyFree { .. }
            | What::Answered { .. }
            | What::Held
            | What::Resumed
            | What::Silent { .. }
            | What::SoundResumed { .. }
            | What::TransferRefused { .. }
            | What::SessionRefused { .. } => {}
        }
    }

    fn released(&self, record: &CallRecord) {
        let calls = &self.families.calls;
        let decision = &record.decision;
        calls.active.with_label_values(&[kind(decision.priority)]).dec();
        let labels = [decision.hotline.as_str(), "in", result(record)];
        calls.total.with_label_values(&labels).inc();
        if let Some(rang) = record.legs.iter().filter_map(|leg| leg.rang).min() {
            calls.setup_seconds.observe(rang.since(record.arrived).as_secs_f64());
        }
        if let Some(answered) = record.answered {
            calls.answer_wait_seconds.observe(answered.since(record.arrived).as_secs_f64());
            let talked = record.released.map_or(Duration::ZERO, |released| released.since(answered));
            calls.duration_seconds.observe(talked.as_secs_f64());
        }
    }

    /// The switch as it is now: `now` on the daemon's time line, `wall_seconds` since 1970.
    pub fn picture(&self, view: &View, now: Instant, wall_seconds: u64) {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.families.sip.transactions.set(number(view.transactions));
        self.families.sip.dialogs.set(number(view.dialogs));
        self.families.media.ports_in_use.set(number(view.ports_in_use));
        self.families.media.ports.set(number(view.ports));
        let (mut absent, mut idle, mut engaged) = (0, 0, 0);
        for agent in &view.agents {
            match agent.state {
                AgentState::Absent => absent += 1,
                AgentState::Idle(_) => idle += 1,
                AgentState::Engaged(_) => engaged += 1,
            }
        }
        self.trunks(view, now, wall_seconds);
        for (state, count) in [("absent", absent), ("idle", idle), ("engaged", engaged)] {
            self.families.agents.with_label_values(&[state]).set(count);
        }
    }

    fn trunks(&self, view: &View, now: Instant, wall_seconds: u64) {
        let families = &self.families.trunks;
        for row in &view.trunks {
            let trunk = row.trunk.as_str();
            families.up.with_label_values(&[trunk]).set(i64::from(row.up));
            families.channels.with_label_values(&[trunk, "in"]).set(row.legs_in.into());
            families.channels.with_label_values(&[trunk, "out"]).set(row.legs_out.into());
            families.limit.with_label_values(&[trunk]).set(row.limit.into());
            if let Some(heard) = row.heard {
                let at = wall_seconds.saturating_sub(now.since(heard).as_secs());
                families.heard_at.with_label_values(&[trunk]).set(i64::try_from(at).unwrap_or(i64::MAX));
            }
            if let Some(slowest) = row.gateways.iter().filter_map(|gateway| gateway.round_trip).max() {
                families.round_trip.with_label_values(&[trunk]).set(slowest.as_secs_f64());
            }
            for gateway in &row.gateways {
                let up = i64::from(gateway.state != "down");
                families.gateway_up.with_label_values(&[trunk, &gateway.address.to_string()]).set(up);
            }
        }
    }

    /// The media workers' totals as they are now.
    pub fn media(&mut self, counters: &Counters) {
        let media = &mut self.families.media;
        media.legs.set(i64::try_from(counters.opened.saturating_sub(counters.closed)).unwrap_or(i64::MAX));
        media.one_way.follow(counters.one_way);
        media.received.follow(counters.received_packets);
        media.sent.follow(counters.sent_packets);
        media.received_bytes.follow(counters.received_bytes);
        media.sent_bytes.follow(counters.sent_bytes);
        media.lost.follow(counters.lost_packets);
        for (metric, total) in media.dropped.iter_mut().chain(&mut media.totals) {
            metric.follow(total(counters));
        }
        // A leg above the last bound counts as twice that bound.
        let bounds = JITTER_BOUNDS_MS.into_iter().chain(JITTER_BOUNDS_MS.last().map(|last| last * 2));
        for ((seen, now), bound) in media.jitter_seen.iter_mut().zip(counters.jitter).zip(bounds) {
            for _ in *seen..now {
                media.jitter.observe(f64::from(bound) / 1_000.0);
            }
            *seen = now;
        }
    }

    /// A commit of the outbox has returned after so long.
    pub fn committed(&self, took: Duration) {
        self.families.outbox.committed(took);
    }

    /// The outbox as it is now.
    pub fn outbox(&mut self, picture: &OutboxPicture<'_>) {
        self.families.outbox.picture(picture);
    }

    /// The totals of sockets and log as they are now.
    pub fn outside(&mut self, outside: &Outside) {
        let net = &mut self.families.net;
        net.connections.set(i64::try_from(outside.connections).unwrap_or(i64::MAX));
        net.connections_refused.follow(outside.connections_refused);
        net.connections_closed_by_limit.follow(outside.connections_closed_by_limit);
        net.datagrams_dropped.follow(outside.datagrams_dropped);
        self.families.log_lines_dropped.follow(outside.log_lines_dropped);
        self.families.events_lost.follow(outside.events_lost);
        let media = &mut self.families.media;
        media.send_failures.follow(outside.rtp_send_failures);
        media.receive_failures.follow(outside.rtp_receive_failures);
        media.orders_lost.follow(outside.media_orders_lost);
        media.threads_replaced.follow(outside.media_threads_replaced);
    }
}

// === Labels: closed sets ===

const fn direction(inbound: bool) -> &'static str {
    if inbound { "in" } else { "out" }
}

pub(super) const fn class(code: u16) -> &'static str {
    match code / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        5 => "5xx",
        6 => "6xx",
        _ => "other",
    }
}

const fn kind(priority: Priority) -> &'static str {
    match priority {
        Priority::Normal => "normal",
        Priority::Emergency => "emergency",
    }
}

const fn refused_for(why: RefusedFor) -> &'static str {
    match why {
        RefusedFor::NotConfigured => "not_configured",
        RefusedFor::CallLimit => "call_limit",
        RefusedFor::TrunkLimit => "trunk_limit",
        RefusedFor::Draining => "draining",
        RefusedFor::NoPort => "no_port",
        RefusedFor::Session => "session",
        RefusedFor::Broken => "broken",
    }
}

const fn lost(loss: Loss) -> &'static str {
    match loss {
        Loss::DialogUnknown => "dialog_unknown",
        Loss::Timeout => "timeout",
        Loss::NoAck => "no_ack",
        Loss::Transport => "transport",
        Loss::SessionExpired => "session_expired",
    }
}

const fn result(record: &CallRecord) -> &'static str {
    match (&record.ending, record.caller_lost, record.answered) {
        (_, Some(_), _) | (Some(Ending::CallerLost) | None, None, _) => "caller_lost",
        (Some(Ending::ShutDown), None, _) => "shut_down",
        (Some(Ending::Refused(_)), None, _) => "refused",
        (Some(Ending::CallerUnreachable(_)), None, _) => "caller_unreachable",
        (Some(Ending::CallerHungUp | Ending::ServicePartyHungUp | Ending::Joined(_)), None, Some(_)) => "answered",
        (Some(Ending::CallerHungUp | Ending::ServicePartyHungUp | Ending::Joined(_)), None, None) => "abandoned",
    }
}
