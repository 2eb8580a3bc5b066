//! Where softphones can be reached: bindings of agents to contacts (RFC 3261 10.3), each with the flow it came over.
//!
//! Decides: which contacts an agent has, how long, in which order, and what the 200 to a REGISTER lists.
//! Invariants: an agent binds only itself; a REGISTER is carried out whole or not at all; calls to a contact go back
//! over the flow of its REGISTER (RFC 5626), never to an address that it merely wrote; headers inside a contact URI are
//! kept and listed but never acted on (RFC 4475 3.3.14); nothing lives longer than its expiry or its flow.
//! Does not do: authentication (that is `auth`), routing of calls, or keeping bindings over a restart.

mod binding;
mod request;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bytes::Bytes;

use self::binding::Binding;
use self::request::{Change, Refusal};
use super::fact::{ContactRoute, Event};
use super::flow::Flow;
use super::message::{Name, Request};
use crate::base::ids::AgentId;
use crate::base::time::Instant;
use crate::base::timer::DeadlineQueue;

/// What the registrar must know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The shortest expiry that is accepted; shorter ones get 423.
    pub expires_min: Duration,
    /// The expiry of contacts that name none.
    pub expires_default: Duration,
    /// The longest expiry that is granted; longer ones are cut.
    pub expires_max: Duration,
    /// The most contacts of one agent. A further one takes the place of the one not refreshed for longest.
    pub contacts_max: usize,
}

/// The bindings of all agents.
#[derive(Debug)]
pub struct Registrar {
    settings: Settings,
    bindings: BTreeMap<AgentId, Vec<Binding>>,
    /// Which agents have bindings over a flow; a proxy may carry many.
    flows: HashMap<Flow, Vec<AgentId>>,
    deadlines: DeadlineQueue<AgentId>,
}

/// What is answered to a REGISTER, and what has changed by it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The status code.
    pub code: u16,
    /// Headers of the response: Contact for each binding, or Min-Expires.
    pub headers: Vec<(Name, Bytes)>,
    /// [`Event::Registered`] or [`Event::Unregistered`], if the contacts are not what they were.
    pub event: Option<Event>,
}

// === impl Settings ===

impl Default for Settings {
    fn default() -> Self {
        Self {
            expires_min: Duration::from_secs(60),
            expires_default: Duration::from_secs(300),
            expires_max: Duration::from_secs(3600),
            contacts_max: 5,
        }
    }
}

// === impl Registrar ===

impl Registrar {
    /// A registrar without bindings.
    pub fn new(settings: Settings) -> Self {
        Self { settings, bindings: BTreeMap::new(), flows: HashMap::new(), deadlines: DeadlineQueue::default() }
    }

    /// Carries out a REGISTER that `agent` has proved to have sent.
    pub fn register(&mut self, now: Instant, agent: &AgentId, request: &Request, flow: Flow) -> Outcome {
        let expired = self.expire(now, agent);
        let mut bindings = self.bindings.get(agent).cloned().unwrap_or_default();
        let before = routes(&bindings);
        let read = request::read(request, agent, &self.settings);
        match read.and_then(|change| apply(&mut bindings, now, change, flow, &self.settings)) {
            Ok(()) => {}
            Err(refusal) => return refusal.outcome(&self.settings, expired),
        }
        let headers = bindings.iter().map(|binding| (Name::Contact, binding.listed(now))).collect();
        let after = routes(&bindings);
        self.put(agent, bindings);
        let changed = expired.is_some() || before != after;
        Outcome { code: 200, headers, event: changed.then(|| event(agent, after)) }
    }

    /// Where an agent can be reached, the best contact first; nothing if it is not registered.
    pub fn contacts(&self, agent: &AgentId) -> Vec<ContactRoute> {
        self.bindings.get(agent).map(|bindings| routes(bindings)).unwrap_or_default()
    }

    /// The agent registered over a flow. `None` if there is none, or if a proxy carries several over it. On a stream it
    /// is proof of who sends; on UDP an address can be forged, and only digest proves anything.
    pub fn flow_owner(&self, flow: &Flow) -> Option<&AgentId> {
        match self.flows.get(flow).map(Vec::as_slice) {
            Some([owner]) => Some(owner),
            Some(_) | None => None,
        }
    }

    /// Whether `agent` has a contact over this flow.
    pub fn is_registered_over(&self, flow: &Flow, agent: &AgentId) -> bool {
        self.flows.get(flow).is_some_and(|agents| agents.contains(agent))
    }

    /// Removes the contacts whose flow carries nothing any more.
    pub fn flow_failed(&mut self, flow: &Flow) -> Vec<Event> {
        let agents = self.flows.get(flow).cloned().unwrap_or_default();
        agents.iter().filter_map(|agent| self.retain(agent, |binding| binding.flow != *flow)).collect()
    }

    /// Removes what has expired.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(agent) = self.deadlines.expire(now) {
            events.extend(self.expire(now, &agent));
        }
        events
    }

    /// Takes other limits (reload), and removes the contacts of agents that are not welcome over their flow any more.
    pub fn reconfigure(&mut self, settings: Settings, welcome: impl Fn(&AgentId, &Flow) -> bool) -> Vec<Event> {
        self.settings = settings;
        let agents: Vec<AgentId> = self.bindings.keys().cloned().collect();
        agents.iter().filter_map(|agent| self.retain(agent, |binding| welcome(agent, &binding.flow))).collect()
    }

    /// When the next contact expires.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.deadlines.next_timeout()
    }

    /// The number of contacts of all agents.
    pub fn len(&self) -> usize {
        self.bindings.values().map(Vec::len).sum()
    }

    /// Whether nobody is registered.
    pub fn is_empty(&self) -> bool {
        self.bindings.is_empty()
    }

    fn expire(&mut self, now: Instant, agent: &AgentId) -> Option<Event> {
        self.retain(agent, |binding| binding.expires_at > now)
    }

    fn retain(&mut self, agent: &AgentId, keep: impl Fn(&Binding) -> bool) -> Option<Event> {
        let old = self.bindings.get(agent)?;
        let kept: Vec<Binding> = old.iter().filter(|binding| keep(binding)).cloned().collect();
        if kept.len() == old.len() {
            self.put(agent, kept);
            return None;
        }
        let routes = routes(&kept);
        self.put(agent, kept);
        Some(event(agent, routes))
    }

    /// Makes `bindings` the agent's, and the indexes agree with them.
    fn put(&mut self, agent: &AgentId, bindings: Vec<Binding>) {
        for old in self.bindings.remove(agent).unwrap_or_default() {
            if let Some(agents) = self.flows.get_mut(&old.flow) {
                agents.retain(|other| other != agent);
                if agents.is_empty() {
                    self.flows.remove(&old.flow);
                }
            }
        }
        for new in &bindings {
            let agents = self.flows.entry(new.flow).or_default();
            if !agents.contains(agent) {
                agents.push(agent.clone());
            }
        }
        self.deadlines.set(agent, bindings.iter().map(|binding| binding.expires_at).min());
        if !bindings.is_empty() {
            self.bindings.insert(agent.clone(), bindings);
        }
    }
}

/// Carries out a change, whole or not at all: the caller throws `bindings` away on a refusal (RFC 3261 10.3, step 7).
fn apply(
    bindings: &mut Vec<Binding>,
    now: Instant,
    change: Change,
    flow: Flow,
    settings: &Settings,
) -> Result<(), Refusal> {
    match change {
        Change::Nothing => {}
        Change::RemoveAll { order } => {
            if bindings.iter().any(|binding| binding.order.forbids(&order)) {
                return Err(Refusal::OutOfOrder);
            }
            bindings.clear();
        }
        Change::Bind { order, contacts } => {
            // Each goes to the front: backwards, so that the request's own order stays.
            for contact in contacts.into_iter().rev() {
                let same = bindings.iter().position(|binding| binding.is_same(&contact));
                if let Some(index) = same {
                    if bindings.get(index).is_some_and(|binding| binding.order.forbids(&order)) {
                        return Err(Refusal::OutOfOrder);
                    }
                    bindings.remove(index);
                }
                if !contact.lifetime.is_zero() {
                    bindings.insert(0, Binding::new(contact, order.clone(), now, flow));
                }
            }
            // The newest stand in front.
            bindings.truncate(settings.contacts_max);
        }
    }
    Ok(())
}

/// The ways to an agent: the highest q first, among equals the one registered last.
fn routes(bindings: &[Binding]) -> Vec<ContactRoute> {
    let mut ordered: Vec<&Binding> = bindings.iter().collect();
    ordered.sort_by_key(|binding| std::cmp::Reverse(binding.preference));
    ordered.into_iter().map(Binding::route).collect()
}

fn event(agent: &AgentId, contacts: Vec<ContactRoute>) -> Event {
    match contacts.is_empty() {
        true => Event::Unregistered { agent: agent.clone() },
        false => Event::Registered { agent: agent.clone(), contacts },
    }
}

#[cfg(test)]
mod tests;
