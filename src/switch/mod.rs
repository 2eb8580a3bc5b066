//! The switch: the whole daemon's decisions as one plain value.
//!
//! Decides: which call a fact belongs to, whether a new call is admitted, which agent is free.
//! Invariants: one input, then the outputs are drained; a panic in one call stays in that call, which goes on from its
//! last good state (F5); what a call uses - legs, ports, agents, trunk capacity - is read off its state after every
//! event, so that nothing can be left over (I9); time never goes back (I37).
//! Does not do: input or output. Time is an argument, chance is a seeded stream.
//!
//! The state of a call is replaced only after its handler has returned: the handler works on a copy, and the copy's
//! orders are carried out only then. The table therefore always holds the last good state, and that is the checkpoint.

#![warn(clippy::wildcard_enum_match_arm)]

mod agents;
mod census;
mod claims;
mod command;
mod contain;
mod correlate;
mod door;
mod gateways;
pub mod input;
mod join;
pub mod output;
mod probe;
mod reconfigure;
mod restore;
mod settings;
mod stock;
#[cfg(test)]
mod tests;
mod trunks;
mod usage;
pub mod view;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use crate::base::entropy::Entropy;
use crate::base::ids::{AgentId, CallId, LegId};
use crate::base::time::Instant;
use crate::base::timer::DeadlineQueue;
use crate::call::action::{Action, Actions};
use crate::call::consulted::Report;
use crate::call::event::Event;
use crate::call::notice::{Notice, RefusedFor, Unproven, What};
use crate::call::proof::Proven;
use crate::call::record::Who;
use crate::call::site::Site;
use crate::call::timer::Timer;
use crate::call::{Arrival, Call};
use crate::media::ports::{PortRange, RangeError};
use crate::routing::config::Priority;
use crate::sip;
use crate::sip::endpoint::Endpoint;
use crate::sip::fact::{Cause, ContactRoute, IncomingInvite, LegFact, Observation, Peer};
use crate::sip::order::LegOrder;
use crate::tickets::entry::EntryId;
use agents::{Agents, SeatChange};
pub use census::Census;
use correlate::Correlated;
use door::{Door, Threshold};
use gateways::Gateways;
pub use gateways::{GatewayChange, sign_of_probe};
pub use input::{Command, Input};
pub use output::Output;
pub use restore::RestoreError;
pub use settings::{Limits, Settings};
use stock::Taken;
use trunks::Trunks;
use usage::Usage;
pub use view::View;
use view::{CallView, LegView};

/// Everything that decides.
pub struct Switch {
    now: Instant,
    site: Site,
    limits: Limits,
    entropy: Entropy,
    endpoint: Endpoint,
    calls: BTreeMap<CallId, Entry>,
    legs: HashMap<LegId, CallId>,
    deadlines: DeadlineQueue<CallId>,
    /// Calls that wait for a seat: emergencies first, then whoever came first.
    waiting: BTreeSet<(Priority, Instant, CallId)>,
    agents: Agents,
    trunks: Trunks,
    gateways: Gateways,
    ports: PortRange,
    door: Door,
    /// Whether a seat has become free since those who wait were last asked.
    seats: SeatChange,
    outputs: VecDeque<Output>,
    #[cfg(feature = "faults")]
    faults: Vec<crate::call::fault::Fault>,
}

/// A call and what it uses.
struct Entry {
    call: Call,
    usage: Usage,
}

impl Switch {
    /// A switch with nothing in it. Fails when the media port range holds no pair.
    pub fn new(settings: Settings, mut entropy: Entropy) -> Result<Self, RangeError> {
        let (first, last) = settings.media_ports;
        let site = settings.site();
        Ok(Self {
            now: Instant::START,
            agents: Agents::new(&site.routing),
            gateways: Gateways::new(Instant::START, &site.routing, entropy.fork()),
            site,
            limits: settings.limits,
            endpoint: Endpoint::new(settings.sip, entropy.fork()),
            entropy,
            calls: BTreeMap::new(),
            legs: HashMap::new(),
            deadlines: DeadlineQueue::default(),
            waiting: BTreeSet::new(),
            trunks: Trunks::default(),
            ports: PortRange::new(first, last, settings.port_quarantine)?,
            door: Door::Open,
            seats: SeatChange::None,
            outputs: VecDeque::new(),
            #[cfg(feature = "faults")]
            faults: Vec::new(),
        })
    }

    /// Takes one input. Drain [`Switch::poll`] afterwards.
    pub fn handle(&mut self, now: Instant, input: Input) {
        let now = self.at(now);
        match input {
            Input::Received { flow, message } => self.endpoint.receive(now, flow, message),
            Input::Unframed { flow, broken } => self.endpoint.receive_broken(now, flow, broken),
            Input::FlowFailed { flow, failure } => self.endpoint.flow_failed(now, flow, failure),
            Input::Media { call, leg, fact } => self.run(now, call, Step::Event(Event::Media { leg, fact })),
            Input::Recorded(entry) => self.run(now, entry.call, Step::Recorded(entry, Proven::Yes)),
            Input::RecordFailed(entry) => {
                self.run(now, entry.call, Step::Recorded(entry, Proven::No(Unproven::Failed)));
            }
            Input::Wall(wall) => self.site.wall = wall,
            Input::Reconfigure(settings) => self.reconfigure(now, *settings),
            Input::Command(Command::Drain) => self.door = Door::Draining,
            Input::Command(Command::ShutDown) => self.shut_down(now),
            Input::Command(Command::Call { id, call, command }) => self.command(now, id, &call, command),
        }
        self.settle(now);
    }

    /// Everybody who is left gets a goodbye: nothing is left for the peers' timers to find out.
    fn shut_down(&mut self, now: Instant) {
        self.door = Door::Draining;
        let calls: Vec<CallId> = self.calls.keys().copied().collect();
        for call in calls {
            self.run(now, call, Step::ShutDown);
        }
    }

    /// Does what is due. Drain [`Switch::poll`] afterwards.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.at(now);
        self.endpoint.handle_timeout(now);
        self.settle(now);
        self.look_after_gateways(now);
        while let Some(call) = self.deadlines.expire(now) {
            self.let_emergencies_pass(now, call);
            self.run(now, call, Step::Timeout);
            self.settle(now);
        }
    }

    /// When [`Switch::handle_timeout`] is next wanted.
    pub fn next_timeout(&self) -> Option<Instant> {
        [self.endpoint.next_timeout(), self.deadlines.next_timeout(), self.gateways.next_timeout()]
            .into_iter()
            .flatten()
            .min()
    }

    /// The next output, in the order in which they are to be carried out.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Time never goes back (I37), whatever the caller's clock does.
    fn at(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }

    // --- from the endpoint to the calls ---

    /// Hands the endpoint's facts to the calls until nothing is left to say.
    fn settle(&mut self, now: Instant) {
        loop {
            self.transmit();
            if let Some(event) = self.endpoint.poll_event() {
                self.on_event(now, event);
            } else if self.seats == SeatChange::Free {
                self.seats = SeatChange::None;
                self.offer_seats(now);
            } else {
                return;
            }
        }
    }

    fn transmit(&mut self) {
        while let Some(transmit) = self.endpoint.poll_transmit() {
            let flow = transmit.flow;
            self.outputs.push_back(Output::Send { flow, message: transmit.message });
            match transmit.then {
                sip::endpoint::Then::Keep => {}
                sip::endpoint::Then::Close => self.outputs.push_back(Output::Disconnect { flow }),
            }
        }
        while let Some(flow) = self.endpoint.poll_disconnect() {
            self.outputs.push_back(Output::Disconnect { flow });
        }
        while let Some(change) = self.gateways.poll_change() {
            self.outputs.push_back(Output::Gateway(change));
        }
    }

    fn on_event(&mut self, now: Instant, event: sip::fact::Event) {
        match event {
            sip::fact::Event::Incoming(invite) => self.on_invite(now, *invite),
            sip::fact::Event::Leg { leg, fact: LegFact::Referred(refer) } if self.join(now, leg, &refer) => {}
            sip::fact::Event::Leg { leg, fact } => {
                self.note_gateway(now, leg, &fact);
                match self.legs.get(&leg) {
                    Some(call) => self.run(now, *call, Step::Event(Event::Leg { leg, fact })),
                    // A call that was refused at the door, or the last word of one that is over.
                    None => self.observe(Observation::Ignored { why: "a fact of a leg without a call" }),
                }
            }
            sip::fact::Event::Registered { agent, contacts } => self.on_contacts(now, &agent, contacts),
            sip::fact::Event::Unregistered { agent } => self.on_contacts(now, &agent, Vec::new()),
            sip::fact::Event::Probed { id, result } => self.on_probed(now, id, result),
            sip::fact::Event::Observed(observation) => self.observe(observation),
        }
    }

    fn observe(&mut self, observation: Observation) {
        self.outputs.push_back(Output::Observed(observation));
    }

    fn on_contacts(&mut self, now: Instant, agent: &AgentId, contacts: Vec<ContactRoute>) {
        let absent = contacts.is_empty();
        let change = self.agents.registered(now, agent, contacts);
        self.note(change);
        if absent {
            self.ask_after(now, agent);
        }
    }

    /// An agent's registration has ended while the agent is in a call: the telephone may be dead, and its caller talk to
    /// nobody. The leg is asked; nothing is hung up.
    fn ask_after(&mut self, now: Instant, agent: &AgentId) {
        let of_agent = |entry: &Entry| {
            let leg = entry.call.legs().find(|leg| leg.agent() == Some(agent) && leg.is_answered())?;
            Some((entry.call.id(), leg.id()))
        };
        let talks: Vec<(CallId, LegId)> = self.calls.values().filter_map(of_agent).collect();
        for (call, leg) in talks {
            self.run(now, call, Step::Event(Event::Timer(Timer::Probe(leg))));
        }
    }

    const fn note(&mut self, change: SeatChange) {
        match change {
            SeatChange::Free => self.seats = SeatChange::Free,
            SeatChange::None => {}
        }
    }

    /// Asks those who wait, emergencies first and then in the order of their arrival, as long as anybody in their plans is
    /// free.
    fn offer_seats(&mut self, now: Instant) {
        let waiting = self.waiting.iter().map(|(_, _, call)| *call).collect();
        self.offer_seats_to(now, waiting);
    }

    /// Before an ordinary call that waits goes through its plan again, emergencies that wait are asked: whoever has
    /// become free meanwhile is theirs first, whichever pause happens to end first.
    fn let_emergencies_pass(&mut self, now: Instant, call: CallId) {
        let ordinary = self.waiting.iter().any(|(priority, _, id)| *id == call && *priority == Priority::Normal);
        if ordinary {
            let urgent = self.waiting.iter().take_while(|(priority, _, _)| *priority == Priority::Emergency);
            let urgent = urgent.map(|(_, _, call)| *call).collect();
            self.offer_seats_to(now, urgent);
            self.settle(now);
        }
    }

    fn offer_seats_to(&mut self, now: Instant, waiting: Vec<CallId>) {
        for call in waiting {
            let wanted = self.calls.get(&call).and_then(|entry| entry.call.waits_for());
            if wanted.is_some_and(|decision| self.agents.any_free(&decision.plan)) {
                self.run(now, call, Step::Event(Event::SeatFree));
            }
        }
    }

    // --- the door ---

    fn on_invite(&mut self, now: Instant, invite: IncomingInvite) {
        let id = CallId(self.entropy.next_u128());
        if let Peer::Trunk(trunk) = &invite.peer {
            self.trunks.heard(now, trunk);
            self.gateways.heard(now, trunk, invite.flow.remote);
        }
        if let Some(replaced) = invite.replaces {
            return self.on_replacing(now, replaced, invite);
        }
        let threshold = Threshold {
            door: self.door,
            calls: self.calls.len(),
            limits: self.limits,
            routing: &self.site.routing,
            local_time: self.site.wall.local_time(),
            trunks: &self.trunks,
        };
        match threshold.admit(&invite) {
            Ok(decision) => {
                let correlated = self.correlate(&invite, decision);
                self.admit(now, id, invite, correlated);
            }
            Err(why) => self.refuse(now, id, invite.leg, why),
        }
    }

    fn admit(&mut self, now: Instant, id: CallId, invite: IncomingInvite, correlated: Correlated) {
        let Correlated { decision, told, root } = correlated;
        self.publish(
            now,
            id,
            What::Arrived {
                hotline: decision.hotline.clone(),
                priority: decision.priority,
                caller: decision.caller_id.number.clone(),
                leg: invite.leg,
                who: Who::Caller(invite.peer.clone()),
            },
        );
        let arrival = arrival(invite);
        told.into_iter().for_each(|what| self.publish(now, id, what));
        let call = Call::new(now, id, arrival, decision);
        let call = match root {
            Some(root) => call.made_for(root),
            None => call,
        };
        let news = call.report();
        self.calls.insert(id, Entry { call, usage: Usage::default() });
        self.account(now, id, &Taken::default());
        if let (Some(root), Some(report)) = (root, news) {
            self.run(now, root, Step::Learn(Box::new(report)));
        }
        self.run(now, id, Step::Event(Event::Begin));
    }

    fn refuse(&mut self, now: Instant, id: CallId, leg: LegId, why: RefusedFor) {
        let code = door::code(why);
        self.publish(now, id, What::Refused { code, why });
        let retry_after_s = if code == 503 { Some(self.limits.retry_after_s) } else { None };
        let cause = Cause { sip: Some(code), q850: None };
        self.endpoint.order(now, leg, LegOrder::Reject { code, cause, retry_after_s });
    }

    fn publish(&mut self, now: Instant, call: CallId, what: What) {
        self.outputs.push_back(Output::Publish(Notice { call, at: now, what }));
    }

    // --- one call ---

    /// Carries out a call's orders, in order.
    fn carry_out(&mut self, now: Instant, call: CallId, actions: Actions) {
        for action in actions {
            match action {
                Action::Invite(invite) => {
                    if let Peer::Trunk(trunk) = &invite.peer {
                        self.gateways.called(invite.leg, trunk, invite.flow.remote);
                    }
                    self.endpoint.invite(now, *invite);
                }
                Action::Leg { leg, order } => self.endpoint.order(now, leg, order),
                Action::Media(order) => self.outputs.push_back(Output::Media { call, order }),
                Action::Record(entry) => self.outputs.push_back(Output::Record(entry)),
                Action::Publish(notice) => self.outputs.push_back(Output::Publish(notice)),
                Action::Reply { id, reply } => self.reply(id, reply),
            }
            self.transmit();
        }
    }

    /// Reads off what the call uses now, and gives back what it used or took and uses no more.
    fn account(&mut self, now: Instant, id: CallId, taken: &Taken) {
        let Some(entry) = self.calls.get_mut(&id) else { return };
        let after = Usage::of(&entry.call);
        let before = std::mem::replace(&mut entry.usage, after.clone());
        let over = entry.call.is_over();
        let wait_key = (entry.call.decision().priority, entry.call.arrived(), id);
        let waits = entry.call.waits_for().is_some();
        let deadline = entry.call.next_timeout();
        for port in before.ports.iter().chain(&taken.ports).filter(|port| !after.ports.contains(port)) {
            self.ports.release(now, *port);
        }
        for (agent, talks) in &after.agents {
            self.agents.engage(id, agent, *talks);
        }
        let held = before.agents.iter().map(|(agent, _)| agent).chain(&taken.agents);
        for agent in held.filter(|agent| !after.engages(agent)) {
            let change = self.agents.release(now, id, agent);
            self.note(change);
        }
        after.trunks.iter().for_each(|trunk| self.trunks.add(trunk));
        before.trunks.iter().for_each(|trunk| self.trunks.remove(trunk));
        for leg in before.legs.iter().filter(|leg| !after.legs.contains(leg)) {
            // A leg may have come over to another call, which has been accounted for before.
            if self.legs.get(leg) == Some(&id) {
                self.legs.remove(leg);
                self.gateways.forget(*leg);
            }
        }
        self.legs.extend(after.legs.iter().map(|leg| (*leg, id)));
        if waits {
            self.waiting.insert(wait_key);
        } else {
            self.waiting.remove(&wait_key);
        }
        self.deadlines.set(&id, deadline.filter(|_| !over));
        if over {
            self.calls.remove(&id);
        }
    }

    // --- pictures ---

    /// A read-only picture.
    pub fn view(&self) -> View {
        let census = self.endpoint.census();
        View {
            calls: self.calls.values().map(|entry| picture(&entry.call)).collect(),
            agents: self.agents.view(),
            trunks: self.trunk_views(),
            ports_in_use: self.ports.in_use(),
            ports: self.ports.capacity(),
            transactions: census.transactions,
            dialogs: census.legs,
        }
    }

    /// A read-only picture of one call.
    pub fn call_view(&self, call: CallId) -> Option<CallView> {
        self.calls.get(&call).map(|entry| picture(&entry.call))
    }

    /// How much there is of everything (I9).
    pub fn census(&self) -> Census {
        Census {
            calls: self.calls.len(),
            legs: self.legs.len(),
            deadlines: self.deadlines.len(),
            waiting: self.waiting.len(),
            engaged_agents: self.agents.engaged(),
            trunk_legs: self.trunks.legs(),
            gateway_legs: self.gateways.legs(),
            ports: self.ports.in_use(),
            sip: self.endpoint.census(),
        }
    }

    /// Whether every call is over: a draining daemon may go.
    pub fn is_idle(&self) -> bool {
        self.calls.is_empty()
    }

    /// Plants a fault that strikes once.
    #[cfg(feature = "faults")]
    pub fn arm_fault(&mut self, fault: crate::call::fault::Fault) {
        self.faults.push(fault);
    }
}

/// One step of a call.
#[derive(Clone, Debug)]
enum Step {
    /// A fact.
    Event(Event),
    /// Its deadline has come.
    Timeout,
    /// Somebody wants to take the place of one of its legs.
    Replace(LegId, Arrival),
    /// An entry of its journal is on disk, or could not be written.
    Recorded(EntryId, Proven),
    /// A consultation that a PBX has made for it has begun, or has gone a step further.
    Learn(Box<Report>),
    /// The daemon ends.
    ShutDown,
}

fn arrival(invite: IncomingInvite) -> Arrival {
    let dialled = invite.request.uri.user().unwrap_or_default();
    Arrival {
        leg: invite.leg,
        peer: invite.peer,
        signalling: invite.flow.remote,
        dialled: String::from_utf8_lossy(&dialled).into_owned(),
        offer: invite.offer,
        max_forwards: invite.max_forwards,
    }
}

fn picture(call: &Call) -> CallView {
    let leg = |leg: &crate::call::leg::Leg| LegView {
        leg: leg.id(),
        who: leg.who().clone(),
        phase: leg.phase_name(),
        port: leg.port(),
    };
    CallView {
        call: call.id(),
        hotline: call.decision().hotline.clone(),
        priority: call.decision().priority,
        state: call.state_name(),
        caller: call.decision().caller_id.number.clone(),
        arrived: call.arrived(),
        legs: call.legs().map(leg).collect(),
        transfers: call.transfers().to_vec(),
    }
}
