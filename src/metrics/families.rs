//! The metrics by name.

use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::{
    GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

use super::absolute::Absolute;
use super::delivery::DeliveryRecorder;
use super::http::HttpRecorder;
use super::outbox::OutboxFamilies;
use super::transfers::TransferFamilies;
use crate::media::counters::{Counters, JITTER_BOUNDS_MS};

/// Buckets of waiting times: the service levels are 2, 10, 15, 20 and 30 s.
pub(super) const WAITING_S: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0];
/// Buckets of conversations.
const TALKING_S: &[f64] = &[1.0, 10.0, 30.0, 60.0, 180.0, 600.0, 1_800.0, 3_600.0, 14_400.0];

/// Every metric of this process.
#[derive(Debug)]
pub struct Families {
    pub(super) config_read_at: IntGauge,
    pub(super) config_reloads: IntCounterVec,
    pub(super) tasks_panicked: IntCounter,
    pub(super) log_lines_dropped: Absolute,
    pub(super) events_lost: Absolute,
    pub(super) sip: SipFamilies,
    pub(super) net: NetFamilies,
    pub(super) calls: CallFamilies,
    pub(super) media: MediaFamilies,
    pub(super) agents: IntGaugeVec,
    pub(super) http: HttpRecorder,
    pub(super) delivery: DeliveryRecorder,
    pub(super) trunks: TrunkFamilies,
    pub(super) transfers: TransferFamilies,
    pub(super) outbox: OutboxFamilies,
}

#[derive(Debug)]
pub(super) struct SipFamilies {
    pub(super) requests: IntCounterVec,
    pub(super) responses: IntCounterVec,
    pub(super) retransmissions: IntCounter,
    pub(super) parse_errors: IntCounterVec,
    pub(super) refused: IntCounterVec,
    pub(super) ignored: IntCounter,
    pub(super) transactions: IntGauge,
    pub(super) dialogs: IntGauge,
}

#[derive(Debug)]
pub(super) struct TrunkFamilies {
    pub(super) up: IntGaugeVec,
    pub(super) gateway_up: IntGaugeVec,
    pub(super) channels: IntGaugeVec,
    pub(super) limit: IntGaugeVec,
    pub(super) heard_at: IntGaugeVec,
    pub(super) round_trip: GaugeVec,
}

#[derive(Debug)]
pub(super) struct NetFamilies {
    pub(super) connections: IntGauge,
    pub(super) connections_refused: Absolute,
    pub(super) connections_closed_by_limit: Absolute,
    pub(super) datagrams_dropped: Absolute,
}

#[derive(Debug)]
pub(super) struct CallFamilies {
    pub(super) active: IntGaugeVec,
    pub(super) total: IntCounterVec,
    pub(super) refused: IntCounterVec,
    pub(super) setup_seconds: Histogram,
    pub(super) answer_wait_seconds: Histogram,
    pub(super) duration_seconds: Histogram,
    pub(super) caller_lost: IntCounter,
    pub(super) party_lost: IntCounterVec,
    pub(super) quarantined: IntCounter,
    pub(super) ports_exhausted: IntCounter,
    pub(super) media_failed: IntCounter,
    pub(super) silent_too_long: IntCounter,
}

/// Which of the plane's totals a metric follows.
pub(super) type Reading = fn(&Counters) -> u64;

#[derive(Debug)]
pub(super) struct MediaFamilies {
    pub(super) ports_in_use: IntGauge,
    pub(super) ports: IntGauge,
    pub(super) legs: IntGauge,
    pub(super) one_way: Absolute,
    pub(super) received: Absolute,
    pub(super) sent: Absolute,
    pub(super) received_bytes: Absolute,
    pub(super) sent_bytes: Absolute,
    pub(super) lost: Absolute,
    pub(super) dropped: [(Absolute, Reading); 7],
    pub(super) totals: [(Absolute, Reading); 7],
    pub(super) jitter: Histogram,
    /// What of the plane's own histogram was observed already.
    pub(super) jitter_seen: [u64; 7],
    pub(super) send_failures: Absolute,
    pub(super) receive_failures: Absolute,
    pub(super) orders_lost: Absolute,
    pub(super) threads_replaced: Absolute,
}

/// Registers what was just made. It cannot fail: every name is written once, in this file.
fn register<C: Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<C>) -> C {
    let metric = made.expect("names, labels and buckets are constants of this file");
    registry.register(Box::new(metric.clone())).expect("every name is registered once");
    metric
}

fn counter(registry: &Registry, name: &str, help: &str) -> IntCounter {
    register(registry, IntCounter::new(name, help))
}

pub(super) fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    register(registry, IntCounterVec::new(Opts::new(name, help), labels))
}

pub(super) fn gauge(registry: &Registry, name: &str, help: &str) -> IntGauge {
    register(registry, IntGauge::new(name, help))
}

pub(super) fn gauges(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    register(registry, IntGaugeVec::new(Opts::new(name, help), labels))
}

pub(super) fn histogram(registry: &Registry, name: &str, help: &str, buckets: &[f64]) -> Histogram {
    register(registry, Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec())))
}

pub(super) fn histograms(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
    buckets: &[f64],
) -> HistogramVec {
    register(registry, HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets.to_vec()), labels))
}

pub(super) fn absolute(registry: &Registry, name: &str, help: &str) -> Absolute {
    Absolute::new(counter(registry, name, help))
}

impl Families {
    pub(super) fn register(registry: &Registry) -> Self {
        // The process's own collector can be registered only once, and this registry is new.
        registry.register(Box::new(ProcessCollector::for_self())).ok();
        let build = gauges(registry, "lianxian_build_info", "The build.", &["version", "commit"]);
        build
            .with_label_values(&[env!("CARGO_PKG_VERSION"), option_env!("LIANXIAN_COMMIT").unwrap_or("unknown")])
            .set(1);
        gauge(registry, "lianxian_up", "1 while the daemon runs.").set(1);
        let name = "lianxian_config_reload_success_timestamp_seconds";
        Self {
            config_read_at: gauge(registry, name, "When the configuration in use was read."),
            config_reloads: counters(registry, "lianxian_config_reload_total", "Reloads.", &["result"]),
            tasks_panicked: counter(registry, "lianxian_tasks_panicked_total", "Tasks that panicked: bugs."),
            events_lost: absolute(
                registry,
                "lianxian_events_lost_total",
                "Events that the HTTP interface did not take; its readers were told of a gap.",
            ),
            log_lines_dropped: absolute(
                registry,
                "lianxian_log_lines_dropped_total",
                "Log lines that the reader of the log was too slow for.",
            ),
            sip: SipFamilies::register(registry),
            net: NetFamilies::register(registry),
            calls: CallFamilies::register(registry),
            media: MediaFamilies::register(registry),
            agents: gauges(registry, "lianxian_agents", "Agents by what they do.", &["state"]),
            http: HttpRecorder::new(
                counters(
                    registry,
                    "lianxian_http_requests_total",
                    "HTTP requests by route and class of the answer.",
                    &["route", "method", "code"],
                ),
                gauge(registry, "lianxian_ws_clients", "Open streams of events, WebSocket and server-sent."),
            ),
            delivery: DeliveryRecorder::register(registry),
            trunks: TrunkFamilies::register(registry),
            transfers: TransferFamilies::register(registry),
            outbox: OutboxFamilies::register(registry),
        }
    }
}

impl SipFamilies {
    fn register(r: &Registry) -> Self {
        let reason = &["reason"];
        Self {
            requests: counters(r, "lianxian_sip_requests_total", "Requests.", &["method", "dir"]),
            responses: counters(r, "lianxian_sip_responses_total", "Responses.", &["code_class", "dir"]),
            retransmissions: counter(r, "lianxian_sip_retransmissions_total", "Messages that we sent again."),
            parse_errors: counters(r, "lianxian_sip_parse_errors_total", "Bytes that are no message.", reason),
            refused: counters(r, "lianxian_sip_refused_total", "Requests and sources that we refused.", reason),
            ignored: counter(r, "lianxian_sip_ignored_total", "Facts that a state ignores on purpose."),
            transactions: gauge(r, "lianxian_sip_transactions", "SIP transactions."),
            dialogs: gauge(r, "lianxian_dialogs", "SIP dialogs."),
        }
    }
}

impl TrunkFamilies {
    fn register(r: &Registry) -> Self {
        let trunk = &["trunk"];
        Self {
            up: gauges(r, "lianxian_trunk_up", "1 while a gateway of the trunk is believed to work.", trunk),
            gateway_up: gauges(
                r,
                "lianxian_trunk_gateway_up",
                "1 while the gateway is believed to work.",
                &["trunk", "gateway"],
            ),
            channels: gauges(r, "lianxian_trunk_channels_in_use", "Legs on the trunk.", &["trunk", "dir"]),
            limit: gauges(r, "lianxian_trunk_channels_limit", "Legs that the trunk may carry.", trunk),
            heard_at: gauges(
                r,
                "lianxian_trunk_last_rx_timestamp_seconds",
                "When something was last heard from the trunk.",
                trunk,
            ),
            round_trip: register(
                r,
                GaugeVec::new(
                    Opts::new(
                        "lianxian_trunk_options_rtt_seconds",
                        "How long the slowest gateway of the trunk took to answer its last OPTIONS.",
                    ),
                    trunk,
                ),
            ),
        }
    }
}

impl NetFamilies {
    fn register(r: &Registry) -> Self {
        Self {
            connections: gauge(r, "lianxian_net_connections", "Stream connections for signalling."),
            connections_refused: absolute(
                r,
                "lianxian_net_connections_refused_total",
                "Too many, all or of one address.",
            ),
            connections_closed_by_limit: absolute(
                r,
                "lianxian_net_connections_closed_total",
                "Connections closed because they were idle, slow or did not read.",
            ),
            datagrams_dropped: absolute(
                r,
                "lianxian_net_datagrams_dropped_total",
                "Datagrams the kernel did not take.",
            ),
        }
    }
}

impl CallFamilies {
    fn register(r: &Registry) -> Self {
        let active = gauges(r, "lianxian_calls_active", "Calls now, by priority.", &["kind"]);
        // 0 is shown, not absent: an alert must tell "none" from "unknown".
        for kind in ["normal", "emergency"] {
            active.with_label_values(&[kind]).set(0);
        }
        Self {
            active,
            total: counters(r, "lianxian_calls_total", "Calls that are over.", &["service", "dir", "result"]),
            refused: counters(r, "lianxian_calls_refused_total", "Calls refused at the door.", &["reason"]),
            setup_seconds: histogram(
                r,
                "lianxian_call_setup_seconds",
                "From a call's INVITE to the first ringing callee.",
                WAITING_S,
            ),
            answer_wait_seconds: histogram(
                r,
                "lianxian_call_answer_wait_seconds",
                "From a call's INVITE to the first answer of a person.",
                WAITING_S,
            ),
            duration_seconds: histogram(
                r,
                "lianxian_call_duration_seconds",
                "From the first answer to the end of the call.",
                TALKING_S,
            ),
            caller_lost: counter(r, "lianxian_caller_lost_total", "Callers lost. Must be 0."),
            party_lost: counters(
                r,
                "lianxian_party_lost_total",
                "Service parties lost, not hung up; their callers were kept.",
                &["reason"],
            ),
            quarantined: counter(r, "lianxian_calls_quarantined_total", "Calls restored after a panic: bugs."),
            ports_exhausted: counter(r, "lianxian_rtp_ports_exhausted_total", "Legs that found no free port pair."),
            media_failed: counter(r, "lianxian_rtp_open_failed_total", "Legs whose sockets could not be bound."),
            silent_too_long: counter(r, "lianxian_rtp_silent_too_long_total", "Legs that were silent for a minute."),
        }
    }
}

impl MediaFamilies {
    fn register(r: &Registry) -> Self {
        let packets = counters(r, "lianxian_rtp_packets_total", "RTP packets.", &["dir"]);
        let bytes = counters(r, "lianxian_rtp_payload_bytes_total", "RTP payload.", &["dir"]);
        let dropped = counters(r, "lianxian_rtp_dropped_total", "RTP packets that were not used.", &["reason"]);
        let drop = |reason: &str| Absolute::new(dropped.with_label_values(&[reason]));
        let total = |name: &str, help: &str| absolute(r, name, help);
        let failures = counters(r, "lianxian_rtp_socket_failures_total", "Refusals by the kernel.", &["op"]);
        let buckets = JITTER_BOUNDS_MS.map(|bound| f64::from(bound) / 1_000.0);
        Self {
            ports_in_use: gauge(r, "lianxian_rtp_ports_in_use", "RTP port pairs taken by legs."),
            ports: gauge(r, "lianxian_rtp_ports", "RTP port pairs there are."),
            legs: gauge(r, "lianxian_rtp_legs", "Legs with open media sockets."),
            one_way: absolute(r, "lianxian_rtp_one_way_total", "Legs that were never heard although they may speak."),
            received: Absolute::new(packets.with_label_values(&["in"])),
            sent: Absolute::new(packets.with_label_values(&["out"])),
            received_bytes: Absolute::new(bytes.with_label_values(&["in"])),
            sent_bytes: Absolute::new(bytes.with_label_values(&["out"])),
            lost: absolute(r, "lianxian_rtp_lost_packets_total", "Packets that peers sent and we never saw."),
            dropped: [
                (drop("wrong_source"), |counters| counters.wrong_source),
                (drop("malformed"), |counters| counters.malformed),
                (drop("unknown_payload"), |counters| counters.unknown_payload),
                (drop("not_agreed"), |counters| counters.not_agreed),
                (drop("stale"), |counters| counters.stale),
                (drop("over_rate"), |counters| counters.over_rate),
                (drop("late_after_switch"), |counters| counters.late_after_switch),
            ],
            totals: [
                (
                    total("lianxian_media_panics_total", "Packets, timers and orders whose handling panicked."),
                    |counters| counters.panics,
                ),
                (total("lianxian_media_facts_lost_total", "Media facts that the engine did not fetch."), |counters| {
                    counters.facts_lost
                }),
                (
                    total("lianxian_rtp_destinations_refused_total", "SDP addresses that nothing is ever sent to."),
                    |counters| counters.destinations_refused,
                ),
                (total("lianxian_prompts_missing_total", "Prompts that were not there; a tone sounded."), |counters| {
                    counters.prompts_missing
                }),
                (total("lianxian_rtp_silences_total", "Legs that fell silent for five seconds."), |counters| {
                    counters.silences
                }),
                (
                    total("lianxian_rtp_lulls_total", "Pauses of a second that comfort noise or ringback filled."),
                    |counters| counters.lulls,
                ),
                (total("lianxian_rtp_keys_refused_total", "Keys that a leg could not be sent."), |counters| {
                    counters.keys_refused
                }),
            ],
            jitter: histogram(r, "lianxian_rtp_jitter_seconds", "Jitter of closed legs, as bucket bounds.", &buckets),
            jitter_seen: [0; 7],
            send_failures: Absolute::new(failures.with_label_values(&["send"])),
            receive_failures: Absolute::new(failures.with_label_values(&["receive"])),
            orders_lost: total("lianxian_media_orders_lost_total", "Orders that a media thread did not take."),
            threads_replaced: total(
                "lianxian_media_threads_replaced_total",
                "Media threads that died and were replaced.",
            ),
        }
    }
}
