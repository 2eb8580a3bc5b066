//! What a `[[group]]` and an `[[agent]]` are to routing.

use super::territories::code;
use crate::base::ids::{AgentId, GroupId};
use crate::config::schema::{AgentEntry, GroupEntry};
use crate::routing::config::{Agent, Group};
use crate::routing::regions::Regions;

pub(super) fn group(entry: &GroupEntry, regions: &Regions) -> Group {
    let region = entry.region.as_ref().map(|region| code(region.get_ref(), regions));
    Group { id: GroupId::from(entry.id.get_ref().as_str()), name: entry.name.clone(), region }
}

pub(super) fn agent(entry: &AgentEntry) -> Agent {
    Agent {
        id: AgentId::from(entry.number.get_ref().as_str()),
        name: entry.name.clone(),
        groups: entry.groups.iter().map(|group| GroupId::from(group.get_ref().as_str())).collect(),
    }
}
