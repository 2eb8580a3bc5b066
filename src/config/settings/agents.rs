//! What a `[[group]]` and an `[[agent]]` are to routing.

use crate::base::ids::{AgentId, GroupId};
use crate::config::schema::{AgentEntry, GroupEntry};
use crate::routing::config::{Agent, Group};

pub(super) fn group(entry: &GroupEntry) -> Group {
    Group { id: GroupId::from(entry.id.get_ref().as_str()), name: entry.name.clone() }
}

pub(super) fn agent(entry: &AgentEntry) -> Agent {
    Agent {
        id: AgentId::from(entry.number.get_ref().as_str()),
        name: entry.name.clone(),
        groups: entry.groups.iter().map(|group| GroupId::from(group.get_ref().as_str())).collect(),
    }
}
