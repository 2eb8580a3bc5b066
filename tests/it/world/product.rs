//! The whole product as a value: the switch and the media plane, driven as the engine drives them.
//!
//! One input, then everything that is said is drained; media orders are carried out in order; facts of the media plane
//! come back as inputs of their own. What it says passes the saboteur, if one is planted, before anybody hears it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lianxian::base::entropy::Entropy;
use lianxian::base::ids::{CallId, CommandId, LegId};
use lianxian::base::time::{Instant, WallClock};
use lianxian::call::command::Reply;
use lianxian::call::fault::Fault;
use lianxian::call::notice::{Notice, What};
use lianxian::media;
use lianxian::media::library::Library;
use lianxian::media::order::Order;
use lianxian::media::plane::{Arrival, Channel, Departure, Plane, Port};
use lianxian::metrics::{self, Exposition, Recorder};
use lianxian::sip::fact::Observation;
use lianxian::sip::flow::{ConnectionId, Flow, FlowFailure, Transport};
use lianxian::sip::wire::{Broken, Framer, Limits};
use lianxian::switch::{Census, Command, GatewayChange, Input, Output, Settings, Switch};
use lianxian::tickets::entry::{Entry, EntryId};

use super::sabotage::Saboteur;
use super::store::Word;
use super::town;

/// One thing that the product says.
#[derive(Clone, Debug)]
pub enum Raw {
    /// Send a message.
    Sip {
        /// Where.
        flow: Flow,
        /// What.
        bytes: Vec<u8>,
    },
    /// Close a stream.
    Disconnect(Flow),
    /// Send a packet.
    Rtp {
        /// From our port.
        from: SocketAddr,
        /// To.
        to: SocketAddr,
        /// The packet.
        packet: Vec<u8>,
    },
    /// An order to the media plane.
    Media(CallId, Order),
    /// A fact of the media plane for a call.
    Fact(CallId, LegId, media::fact::Fact),
    /// An entry of a call's journal, to be written to disk.
    Record(Box<Entry>),
    /// A notice.
    Published(Notice),
    /// An observation.
    Observed(Observation),
}

/// A stream connection as the product's side sees it.
pub struct Stream {
    /// Its number.
    pub id: u64,
    /// The party at the other end.
    pub party: usize,
    /// The flow.
    pub flow: Flow,
    /// The product's own framer.
    pub framer: Framer,
}

/// The product.
pub struct Product {
    switch: Switch,
    plane: Plane,
    saboteur: Option<Box<dyn Saboteur>>,
    sockets: BTreeMap<u16, LegId>,
    local: BTreeMap<usize, SocketAddr>,
    streams: u64,
    callers_lost: u64,
    quarantined: u64,
    recorder: Recorder,
    exposition: Exposition,
    said: Vec<Raw>,
    /// What became of commands, in order.
    pub replies: Vec<(CommandId, Reply)>,
    /// What has been told of gateways, and when.
    pub gateways: Vec<(Instant, GatewayChange)>,
}

impl Product {
    /// The product in the standard town.
    pub fn new(mut entropy: Entropy) -> Self {
        let plane = media::plane::Settings {
            own_ports: town::MEDIA_FIRST..=town::MEDIA_LAST,
            wall_at_start: Duration::from_secs(town::WALL_AT_START_S),
        };
        let plane = Plane::new(plane, Arc::new(Library::empty()), entropy.fork());
        let (recorder, exposition) = metrics::create();
        let mut switch = Switch::new(town::settings(), entropy).expect("the town's port range holds pairs");
        switch.handle(Instant::START, Input::Wall(town::wall_at_start()));
        Self {
            switch,
            plane,
            saboteur: None,
            sockets: BTreeMap::new(),
            local: BTreeMap::new(),
            streams: 0,
            callers_lost: 0,
            quarantined: 0,
            recorder,
            exposition,
            said: Vec::new(),
            replies: Vec::new(),
            gateways: Vec::new(),
        }
    }

    /// Plants a fault between the product and the world.
    pub fn plant(&mut self, saboteur: Box<dyn Saboteur>) {
        self.saboteur = Some(saboteur);
    }

    /// Arms a fault inside the product.
    pub fn arm(&mut self, fault: Fault) {
        self.switch.arm_fault(fault);
    }

    /// The value of one series of the metrics, written as an operator reads it.
    pub fn metric(&self, now: Instant, series: &str) -> Option<f64> {
        self.recorder.picture(&self.switch.view(), now, town::WALL_AT_START_S + now.since(Instant::START).as_secs());
        self.exposition.text().lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
    }

    /// Takes one SIP message.
    pub fn sip(&mut self, now: Instant, flow: Flow, bytes: Vec<u8>) -> Vec<Raw> {
        self.hand_in(now, Input::Received { flow, message: Bytes::from(bytes) })
    }

    /// A stream cannot be framed.
    pub fn unframed(&mut self, now: Instant, flow: Flow, broken: Broken) -> Vec<Raw> {
        self.hand_in(now, Input::Unframed { flow, broken })
    }

    /// A flow carries nothing any more.
    pub fn flow_failed(&mut self, now: Instant, flow: Flow, failure: FlowFailure) -> Vec<Raw> {
        self.hand_in(now, Input::FlowFailed { flow, failure })
    }

    /// A fact of the media plane arrives at the switch.
    pub fn media_fact(&mut self, now: Instant, call: CallId, leg: LegId, fact: media::fact::Fact) -> Vec<Raw> {
        self.hand_in(now, Input::Media { call, leg, fact })
    }

    /// The store says what became of an entry.
    pub fn written(&mut self, now: Instant, entry: EntryId, word: Word) -> Vec<Raw> {
        self.hand_in(
            now,
            match word {
                Word::Written => Input::Recorded(entry),
                Word::Failed => Input::RecordFailed(entry),
            },
        )
    }

    /// A command.
    pub fn command(&mut self, now: Instant, command: Command) -> Vec<Raw> {
        self.hand_in(now, Input::Command(command))
    }

    /// Another configuration.
    pub fn reload(&mut self, now: Instant, settings: Settings) -> Vec<Raw> {
        self.hand_in(now, Input::Reconfigure(Box::new(settings)))
    }

    /// What the clock on the wall shows.
    pub fn wall(&mut self, wall: WallClock) -> Vec<Raw> {
        self.hand_in(wall.at, Input::Wall(wall))
    }

    /// Takes one packet at one of its media ports.
    pub fn rtp(&mut self, now: Instant, from: SocketAddr, to: SocketAddr, packet: &mut [u8]) -> Vec<Raw> {
        let channel = if to.port().is_multiple_of(2) { Channel::Rtp } else { Channel::Rtcp };
        let leg = self.sockets.get(&(to.port() & !1));
        let Some(slot) = leg.and_then(|leg| self.plane.slot(*leg)) else { return Vec::new() };
        let arrival = Arrival { port: Port { slot, channel }, from, at: now };
        let (local, said) = (&self.local, &mut self.said);
        self.plane.receive(now, arrival, packet, &mut |departure, bytes| said.extend(sent(local, departure, bytes)));
        self.drain(now)
    }

    /// Does what is due.
    pub fn deadline(&mut self, now: Instant) -> Vec<Raw> {
        if self.plane.next_timeout().is_some_and(|at| at <= now) {
            let (local, said) = (&self.local, &mut self.said);
            self.plane.handle_timeout(now, &mut |departure, bytes| said.extend(sent(local, departure, bytes)));
        }
        if self.switch.next_timeout().is_some_and(|at| at <= now) {
            self.switch.handle_timeout(now);
        }
        self.drain(now)
    }

    /// The next deadline of the switch or of the plane.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.switch.next_timeout().into_iter().chain(self.plane.next_timeout()).min()
    }

    /// The calls there are.
    pub fn calls(&self) -> Vec<CallId> {
        self.switch.view().calls.iter().map(|call| call.call).collect()
    }

    /// The state of the call that arrived last.
    pub fn newest_state(&self) -> Option<&'static str> {
        self.switch.view().calls.iter().max_by_key(|call| call.arrived).map(|call| call.state)
    }

    /// Serialises one call, drops it and restores it: what it was before it must be after (I32), and once more changes
    /// nothing (I33).
    pub fn drop_and_restore(&mut self, now: Instant, call: CallId) -> Result<(), String> {
        let before = self.switch.checkpoint(call);
        for time in ["restored", "restored twice"] {
            self.switch.drop_and_restore(now, call).map_err(|error| error.to_string())?;
            let after = self.switch.checkpoint(call);
            if after != before {
                let text = |bytes: &Option<Vec<u8>>| {
                    String::from_utf8_lossy(bytes.as_deref().unwrap_or_default()).into_owned()
                };
                return Err(format!("{time}, {call} is\n{}\nand was\n{}", text(&after), text(&before)));
            }
        }
        Ok(())
    }

    /// What is left when nothing should be.
    pub fn left_over(&self) -> Option<String> {
        let mut census = self.switch.census();
        // Registrations stay, and the memories of ended dialogs (T35) and of INVITEs that were given up are bounded and lapse
        // by themselves.
        census.sip.contacts = 0;
        census.sip.ended_dialogs = 0;
        census.sip.given_up = 0;
        let empty = census == Census::default() && self.plane.is_empty();
        (!empty).then(|| format!("{census:?}, {} legs in the media plane", self.plane.len()))
    }

    /// The deadline that lies farthest ahead.
    pub fn latest_timer(&self) -> Option<Instant> {
        self.switch.census().sip.latest_timer
    }

    /// SIP transactions there are.
    pub fn transactions(&self) -> usize {
        self.switch.view().transactions
    }

    /// `CallerLost` notices so far.
    pub const fn callers_lost(&self) -> u64 {
        self.callers_lost
    }

    /// `Quarantined` notices so far.
    pub const fn quarantined(&self) -> u64 {
        self.quarantined
    }

    /// What an operator would read now.
    pub const fn exposition(&self) -> &Exposition {
        &self.exposition
    }

    /// A new stream from or to a party.
    pub fn open_stream(&mut self, party: usize, remote: SocketAddr) -> Stream {
        self.streams += 1;
        let connection = Some(ConnectionId(self.streams));
        let flow = Flow { transport: Transport::Tcp, local: town::server(remote), remote, connection };
        Stream { id: self.streams, party, flow, framer: Framer::new(Limits::default()) }
    }

    fn hand_in(&mut self, now: Instant, input: Input) -> Vec<Raw> {
        self.switch.handle(now, input);
        self.drain(now)
    }

    /// Drains everything, through the saboteur if there is one; media orders reach the plane as they leave him.
    fn drain(&mut self, now: Instant) -> Vec<Raw> {
        while let Some(output) = self.switch.poll() {
            self.said.push(match output {
                Output::Send { flow, message } => Raw::Sip { flow, bytes: message.to_vec() },
                Output::Disconnect { flow } => Raw::Disconnect(flow),
                Output::Media { call, order } => Raw::Media(call, order),
                Output::Record(entry) => Raw::Record(entry),
                Output::Publish(notice) => Raw::Published(notice),
                Output::Observed(observation) => Raw::Observed(observation),
                Output::Reply { id, reply } => {
                    self.replies.push((id, reply));
                    continue;
                }
                Output::Gateway(change) => {
                    self.gateways.push((now, change));
                    continue;
                }
            });
        }
        let mut out = Vec::new();
        for raw in std::mem::take(&mut self.said) {
            match &mut self.saboteur {
                Some(saboteur) => out.extend(saboteur.says(now, raw)),
                None => out.push(raw),
            }
        }
        for raw in &out {
            match raw {
                Raw::Media(_, order) => self.order(now, order.clone()),
                Raw::Published(notice) => self.count(notice),
                Raw::Observed(observation) => self.recorder.observe(observation),
                Raw::Sip { .. } | Raw::Disconnect(_) | Raw::Rtp { .. } | Raw::Fact(..) | Raw::Record(_) => {}
            }
        }
        while let Some((call, leg, fact)) = self.plane.poll_fact() {
            out.push(Raw::Fact(call, leg, fact));
        }
        out
    }

    fn order(&mut self, now: Instant, order: Order) {
        match &order {
            Order::Open { leg, local, .. } => {
                self.sockets.insert(local.port(), *leg);
                let (leg, local) = (*leg, *local);
                self.plane.handle(now, order);
                if let Some(slot) = self.plane.slot(leg) {
                    self.local.insert(slot, local);
                }
            }
            Order::Close { leg } => {
                self.sockets.retain(|_, owner| owner != leg);
                self.plane.handle(now, order);
            }
            Order::Agree { .. } | Order::Hear { .. } | Order::Key { .. } | Order::Keys { .. } | Order::Await { .. } => {
                self.plane.handle(now, order)
            }
        }
    }

    fn count(&mut self, notice: &Notice) {
        self.recorder.notice(notice);
        match &notice.what {
            What::CallerLost(_) => self.callers_lost += 1,
            What::Quarantined { .. } => self.quarantined += 1,
            _ => {}
        }
    }
}

fn sent(local: &BTreeMap<usize, SocketAddr>, departure: Departure, packet: &[u8]) -> Option<Raw> {
    let mut from = *local.get(&departure.port.slot)?;
    if departure.port.channel == Channel::Rtcp {
        from.set_port(from.port() + 1);
    }
    Some(Raw::Rtp { from, to: departure.to, packet: packet.to_vec() })
}
