//! From the files to the settings of the folders.

use super::Configuration;
use super::schema::{TransportKey, TrunkEntry};
use crate::base::ids::{AgentId, GroupId, HotlineId, ProfileId, TrunkId};
use crate::routing;
use crate::routing::config::{Agent, Group, Hotline, Step, Transport, Trunk, TrunkLimits};
use crate::routing::profile::Profile;

impl Configuration {
    /// What routing knows.
    pub fn routing(&self) -> routing::Config {
        routing::Config {
            trunks: self.trunks.trunk.iter().map(trunk).collect(),
            hotlines: self.hotlines.hotline.iter().map(hotline).collect(),
            groups: self.agents.group.iter().map(group).collect(),
            agents: self.agents.agent.iter().map(agent).collect(),
            profiles: self.profiles.iter().map(|(name, file)| profile(name, file)).collect(),
            softphone_profile: ProfileId::from(self.main.softphones.profile.get_ref().as_str()),
        }
    }
}

fn trunk(entry: &TrunkEntry) -> Trunk {
    Trunk {
        id: TrunkId::from(entry.id.get_ref().as_str()),
        networks: entry.networks.get_ref().clone(),
        next_hops: entry.next_hops.iter().map(|hop| *hop.get_ref()).collect(),
        transport: match entry.transport {
            TransportKey::Udp => Transport::Udp,
            TransportKey::Tcp => Transport::Tcp,
        },
        profile: ProfileId::from(entry.profile.get_ref().as_str()),
        trust: entry.trust,
        class: entry.class,
        limits: TrunkLimits { calls: *entry.calls.get_ref(), invites_per_s: *entry.invites_per_s.get_ref() },
    }
}

fn hotline(entry: &super::HotlineEntry) -> Hotline {
    // `check` has seen that a step is one or the other; what were neither is left out.
    let step = |step: &super::StepEntry| match (&step.group, &step.trunk, &step.number) {
        (Some(group), _, _) => Some(Step::Group(GroupId::from(group.get_ref().as_str()))),
        (None, Some(trunk), Some(number)) => {
            Some(Step::Trunk { trunk: TrunkId::from(trunk.get_ref().as_str()), number: number.get_ref().clone() })
        }
        (None, Some(_), None) | (None, None, _) => None,
    };
    Hotline {
        number: HotlineId::from(entry.number.get_ref().as_str()),
        name: entry.name.clone(),
        priority: entry.priority,
        answer_on_queue: entry.answer_on_queue,
        ring_timeout_s: *entry.ring_timeout_s.get_ref(),
        plan: entry.plan.get_ref().iter().filter_map(|entry| step(entry.get_ref())).collect(),
    }
}

fn group(entry: &super::GroupEntry) -> Group {
    Group { id: GroupId::from(entry.id.get_ref().as_str()), name: entry.name.clone() }
}

fn agent(entry: &super::AgentEntry) -> Agent {
    Agent {
        id: AgentId::from(entry.number.get_ref().as_str()),
        name: entry.name.clone(),
        groups: entry.groups.iter().map(|group| GroupId::from(group.get_ref().as_str())).collect(),
    }
}

fn profile(name: &str, file: &super::ProfileFile) -> Profile {
    let standard = Profile::named(name);
    Profile {
        rtp_source: file.rtp_source,
        media_networks: file.media_networks.as_ref().map_or(standard.media_networks, |list| list.get_ref().clone()),
        learn_window_ms: file.learn_window_ms.as_ref().map_or(standard.learn_window_ms, |window| *window.get_ref()),
        ..standard
    }
}
