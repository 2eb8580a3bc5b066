//! Which agents are there, which are free, and since when.

use std::collections::BTreeMap;

use crate::base::ids::{AgentId, CallId, GroupId};
use crate::base::time::Instant;
use crate::call::supplies::Seat;
use crate::routing;
use crate::routing::config::Step;
use crate::sip::fact::ContactRoute;
use crate::switch::view::{AgentState, AgentView};

/// Every agent of the configuration.
#[derive(Debug)]
pub(super) struct Agents {
    rows: BTreeMap<AgentId, Row>,
    members: BTreeMap<GroupId, Vec<AgentId>>,
}

#[derive(Debug, Default)]
struct Row {
    /// Whether the configuration has the agent.
    standing: Standing,
    /// Where the softphones are, newest first; empty: absent.
    contacts: Vec<ContactRoute>,
    /// Since when the agent has had nothing to do.
    idle_since: Instant,
    /// The calls that ring or talk there. Only one is ever offered; an agent may dial a second one.
    engaged: Vec<CallId>,
    /// What the present engagement has been.
    engagement: Engagement,
}

/// Whether the configuration has an agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Standing {
    /// It has.
    #[default]
    Configured,
    /// Not since the last reload; there is a call to be finished.
    Leaving,
}

/// What an engagement has been so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Engagement {
    /// The agent has been rung.
    #[default]
    Rung,
    /// The agent has talked: free again, the agent is welcome to callers who wait. One who has only let it ring, or
    /// refused, is asked again in the next round and not at once.
    Talked,
}

/// Whether somebody who waits should be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SeatChange {
    /// A seat has become free.
    Free,
    /// Nothing that matters to those who wait.
    None,
}

impl Agents {
    pub(super) fn new(config: &routing::Config) -> Self {
        let rows = config.agents.iter().map(|agent| (agent.id.clone(), Row::default())).collect();
        Self { rows, members: members(config) }
    }

    /// Takes another configuration. An agent who is gone finishes the calls at hand and gets no other.
    pub(super) fn reconfigure(&mut self, now: Instant, config: &routing::Config) {
        self.members = members(config);
        self.rows.values_mut().for_each(|row| row.standing = Standing::Leaving);
        for agent in &config.agents {
            let row = self.rows.entry(agent.id.clone()).or_insert_with(|| Row { idle_since: now, ..Row::default() });
            row.standing = Standing::Configured;
        }
        self.rows.retain(|_, row| row.standing == Standing::Configured || !row.engaged.is_empty());
    }

    /// The agent's softphones are at these contacts now; none: the agent is absent.
    pub(super) fn registered(&mut self, now: Instant, agent: &AgentId, contacts: Vec<ContactRoute>) -> SeatChange {
        let Some(row) = self.rows.get_mut(agent) else { return SeatChange::None };
        let appears = row.contacts.is_empty() && !contacts.is_empty();
        row.contacts = contacts;
        if appears && row.engaged.is_empty() {
            row.idle_since = now;
            return SeatChange::Free;
        }
        SeatChange::None
    }

    /// The longest idle of a group; equals in the order of the configuration.
    pub(super) fn longest_idle(&mut self, call: CallId, group: &GroupId, tried: &[AgentId]) -> Option<Seat> {
        let free = self.members.get(group)?.iter().filter(|agent| !tried.contains(agent) && self.is_free(agent));
        let agent = free.min_by_key(|agent| self.rows.get(*agent).map(|row| row.idle_since))?.clone();
        self.take(call, &agent)
    }

    /// This agent, if free or engaged by this very call only: the one whose leg was lost is rung first.
    pub(super) fn agent(&mut self, call: CallId, agent: &AgentId) -> Option<Seat> {
        let row = self.rows.get(agent)?;
        let ours = row.standing == Standing::Configured && row.engaged.iter().all(|engaged| *engaged == call);
        if ours && !row.contacts.is_empty() { self.take(call, agent) } else { None }
    }

    fn take(&mut self, call: CallId, agent: &AgentId) -> Option<Seat> {
        let row = self.rows.get_mut(agent)?;
        if !row.engaged.contains(&call) {
            row.engaged.push(call);
        }
        Some(Seat { agent: agent.clone(), contacts: row.contacts.clone() })
    }

    /// A call engages an agent.
    pub(super) fn engage(&mut self, call: CallId, agent: &AgentId, talks: bool) {
        let Some(row) = self.rows.get_mut(agent) else { return };
        if !row.engaged.contains(&call) {
            row.engaged.push(call);
        }
        if talks {
            row.engagement = Engagement::Talked;
        }
    }

    /// A call does not engage an agent any more.
    pub(super) fn release(&mut self, now: Instant, call: CallId, agent: &AgentId) -> SeatChange {
        let Some(row) = self.rows.get_mut(agent) else { return SeatChange::None };
        row.engaged.retain(|engaged| *engaged != call);
        if !row.engaged.is_empty() {
            return SeatChange::None;
        }
        if row.standing == Standing::Leaving {
            self.rows.remove(agent);
            return SeatChange::None;
        }
        row.idle_since = now;
        match std::mem::take(&mut row.engagement) {
            Engagement::Talked if !row.contacts.is_empty() => SeatChange::Free,
            Engagement::Talked | Engagement::Rung => SeatChange::None,
        }
    }

    /// Whether somebody in the plan's groups is free.
    pub(super) fn any_free(&self, plan: &[Step]) -> bool {
        plan.iter().any(|step| match step {
            Step::Group { group, .. } => {
                self.members.get(group).is_some_and(|all| all.iter().any(|one| self.is_free(one)))
            }
            Step::Trunk { .. } => false,
        })
    }

    fn is_free(&self, agent: &AgentId) -> bool {
        self.rows.get(agent).is_some_and(|row| row.engaged.is_empty() && !row.contacts.is_empty())
    }

    /// How many are engaged, for the census.
    pub(super) fn engaged(&self) -> usize {
        self.rows.values().filter(|row| !row.engaged.is_empty()).count()
    }

    pub(super) fn view(&self) -> Vec<AgentView> {
        let state = |row: &Row| match row.engaged.first() {
            Some(call) => AgentState::Engaged(*call),
            None if row.contacts.is_empty() => AgentState::Absent,
            None => AgentState::Idle(row.idle_since),
        };
        self.rows.iter().map(|(agent, row)| AgentView { agent: agent.clone(), state: state(row) }).collect()
    }
}

fn members(config: &routing::Config) -> BTreeMap<GroupId, Vec<AgentId>> {
    let members = |group| config.members(group).map(|agent| agent.id.clone()).collect();
    config.groups.iter().map(|group| (group.id.clone(), members(&group.id))).collect()
}
