//! Outputs become effects: bytes, media orders, numbers, log lines.

use super::handle::{self, Moment, News, Request, Wish};
use super::ration::Verdict;
use super::run::Engine;
use crate::call::notice::{Notice, What};
use crate::call::record::Who;
use crate::metrics::{OutboxPicture, Outside, SinkRow};
use crate::sip::fact::{Observation, Peer};
use crate::store::outbox::{SinkPicture, Taken, Told};
use crate::switch::{Command, GatewayChange, Input, Output};
use crate::tickets::entry::Entry;

impl Engine {
    /// Carries out one output. Nothing here waits.
    pub(super) fn execute(&mut self, output: Output) {
        match output {
            Output::Send { flow, message } => self.net.send(flow, message),
            Output::Disconnect { flow } => self.net.disconnect(&flow),
            Output::Media { call, order } => self.media.send(call, order),
            // There is no store yet: a call must not wait for what will never come.
            Output::Record(entry) => self.record(entry),
            Output::Publish(notice) => {
                self.recorder.notice(&notice);
                tell(&notice);
                self.desk.tell(News::Call(notice), self.moment());
            }
            Output::Reply { id, reply } => self.desk.answer(id, reply),
            Output::Gateway(change) => {
                let GatewayChange { trunk, address, state } = &change;
                tracing::warn!(event = "gateway", %trunk, %address, state);
                self.desk.tell(News::Gateway(change), self.moment());
            }
            Output::Observed(observation) => {
                self.recorder.observe(&observation);
                self.note(&observation);
            }
        }
    }

    /// One line for one thing on the SIP side; those that come with every message only when asked for, those that a
    /// stranger can cause by the ration.
    fn note(&mut self, observation: &Observation) {
        match observation {
            Observation::Request { method, inbound } => tracing::trace!(event = "request", method, inbound),
            Observation::Response { code, inbound } => tracing::trace!(event = "response", code, inbound),
            Observation::Retransmission => tracing::debug!(event = "retransmission"),
            Observation::ParseError { reason } => {
                if let Verdict::Write { withheld } = self.ration.ask(self.clock.now()) {
                    tracing::info!(event = "parse_error", reason, withheld);
                }
            }
            Observation::Refused { flow, reason } => {
                if let Verdict::Write { withheld } = self.ration.ask(self.clock.now()) {
                    let (remote, transport) = (flow.remote, flow.transport);
                    tracing::info!(event = "refused_source", reason, %remote, ?transport, withheld);
                }
            }
            Observation::Ignored { why } => tracing::debug!(event = "ignored", why),
        }
    }

    /// Hands an entry to the outbox, which never waits. A call whose entry is not written soon hears it at once.
    fn record(&mut self, entry: Box<Entry>) {
        let (now, id) = (self.clock.now(), entry.id);
        match self.outbox.record(now, entry) {
            Taken::Soon => {}
            // No drain: this is a step of the one under way, which goes on until there is nothing left.
            Taken::Waits | Taken::Lost => self.switch.handle(now, Input::RecordFailed(id)),
        }
    }

    /// What the outbox has written, or has not.
    pub(super) fn told(&mut self, told: Told) {
        match told {
            Told::Written { ids, took } => {
                self.recorder.committed(took);
                ids.into_iter().for_each(|id| self.input(Input::Recorded(id)));
            }
            Told::Failed { ids } => ids.into_iter().for_each(|id| self.input(Input::RecordFailed(id))),
        }
    }

    fn picture_of_outbox(&mut self) {
        let picture = self.outbox.picture(self.clock.now());
        self.health.note_outbox(picture.condition);
        let sinks: Vec<SinkRow<'_>> = picture
            .sinks
            .iter()
            .map(|SinkPicture { name, pending, oldest, dead }| SinkRow {
                name,
                pending: *pending,
                oldest: *oldest,
                dead: *dead,
            })
            .collect();
        self.recorder.outbox(&OutboxPicture {
            writable: picture.condition.writes(),
            waiting: picture.waiting,
            lost: picture.lost,
            failed_commits: picture.failed_commits,
            free_bytes: picture.free_bytes,
            sinks: &sinks,
        });
    }

    /// Does what somebody at the HTTP interface wishes.
    pub(super) fn wish(&mut self, wish: Wish) {
        match wish {
            Wish::Picture => self.desk.publish(self.switch.view(), self.moment()),
            Wish::Request(Request::Show { which, answer }) => {
                // Whoever asked may have gone.
                answer.send(handle::show(&self.switch, &which, self.moment())).ok();
            }
            Wish::Request(Request::Order { which, command, answer }) => {
                // Nobody waits for it any more: it must not have its effect behind everybody's back.
                if answer.is_closed() {
                    return;
                }
                if let Some(id) = self.desk.expect(answer) {
                    self.input(Input::Command(Command::Call { id, call: which, command }));
                }
            }
        }
    }

    fn moment(&self) -> Moment {
        Moment { instant: self.clock.now(), wall: self.clock.wall() }
    }

    /// Sets the gauges.
    pub(super) fn picture(&mut self) {
        self.recorder.picture(&self.switch.view(), self.clock.now(), self.clock.wall_seconds());
        let media = self.media.statistics();
        self.recorder.media(&media.plane);
        self.picture_of_outbox();
        let net = self.net.counters();
        self.recorder.outside(&Outside {
            connections: net.connections,
            connections_refused: net.connections_refused,
            connections_closed_by_limit: net.connections_closed_by_limit,
            datagrams_dropped: net.datagrams_dropped,
            log_lines_dropped: self.log_lines_dropped.dropped_lines() as u64,
            rtp_send_failures: media.sockets.send_failures,
            rtp_receive_failures: media.sockets.receive_failures,
            media_orders_lost: media.orders_lost,
            events_lost: self.desk.lost_in_all(),
            media_threads_replaced: media.replaced,
        });
    }
}

/// One line for one thing that happened to a call. Numbers are masked by their type.
fn tell(notice: &Notice) {
    let call = notice.call;
    match &notice.what {
        What::Arrived { hotline, priority, caller, leg, who } => {
            tracing::info!(event = "arrived", %call, %hotline, ?priority, %caller, %leg, who = name(who));
        }
        What::Refused { code, why } => tracing::info!(event = "refused", %call, code, ?why),
        What::Correlated { root } => tracing::info!(event = "correlated", %call, %root),
        What::NotCorrelated { found } => tracing::warn!(event = "not_correlated", %call, found),
        What::Dialled { leg, who } => tracing::info!(event = "dialled", %call, %leg, who = name(who)),
        What::Ringing { leg, after } => {
            tracing::info!(event = "ringing", %call, %leg, after_ms = milliseconds(*after));
        }
        What::NotTaken { leg, code } => tracing::info!(event = "not_taken", %call, %leg, code),
        What::GatewaySilent { leg } => tracing::warn!(event = "gateway_silent", %call, %leg),
        What::NobodyFree { round } => tracing::info!(event = "nobody_free", %call, round),
        What::Answered { leg, who, waited } => {
            tracing::info!(event = "answered", %call, %leg, who = name(who), waited_ms = milliseconds(*waited));
        }
        What::Held => tracing::info!(event = "held", %call),
        What::Resumed => tracing::info!(event = "resumed", %call),
        What::PartyLost { leg, loss } => tracing::warn!(event = "party_lost", %call, %leg, ?loss),
        What::CallerLost(how) => tracing::error!(event = "caller_lost", %call, ?how),
        What::Silent { leg, ever_heard } => tracing::warn!(event = "silent", %call, %leg, ever_heard),
        What::SoundResumed { leg } => tracing::info!(event = "sound_resumed", %call, %leg),
        What::SilentTooLong { leg } => tracing::warn!(event = "silent_too_long", %call, %leg),
        What::MediaFailed { leg } => tracing::error!(event = "media_failed", %call, %leg),
        What::PortsExhausted => tracing::error!(event = "ports_exhausted", %call),
        What::SessionRefused { leg, why } => tracing::info!(event = "session_refused", %call, %leg, why),
        What::Quarantined { state } => tracing::error!(event = "quarantined", %call, state),
        What::Transfer { transfer, step } => {
            let (name, leg, code) = (step.name(), step.leg(), step.code());
            tracing::info!(event = "transfer", %call, %transfer, step = name, leg = leg.map(tracing::field::display), code);
        }
        What::TransferRefused { leg, why } => tracing::warn!(event = "transfer_refused", %call, %leg, ?why),
        What::Unproven { transfer, why } => tracing::error!(event = "unproven", %call, %transfer, ?why),
        What::Ignored { why } => tracing::debug!(event = "ignored", %call, why),
        What::Released(record) => {
            let legs = record.legs.len();
            tracing::info!(event = "released", %call, ending = record.ending.as_ref().map(tracing::field::debug), legs);
        }
    }
}

/// Who is on a leg, without the words of our types.
fn name(who: &Who) -> String {
    match who {
        Who::Caller(Peer::Trunk(trunk)) => format!("caller over {trunk}"),
        Who::Caller(Peer::Softphone(agent)) => format!("caller {agent}"),
        Who::Agent(agent) => format!("agent {agent}"),
        // A service's number from the configuration, not a citizen's.
        Who::Trunk { trunk, number } => format!("{number} over {trunk}"),
    }
}

fn milliseconds(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
