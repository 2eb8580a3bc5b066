//! What a `[[territory]]` is to routing.

use crate::base::ids::{GroupId, HotlineId, RegionCode, TrunkId};
use crate::config::schema::{RegionEntry, TargetEntry, TerritoryEntry};
use crate::routing::config::Step;
use crate::routing::regions::{Kind, Region, Regions};
use crate::routing::territory::{Target, Territory, To, Via};

/// A region of `territories.toml`.
pub(in crate::config) fn region(entry: &RegionEntry) -> Region {
    Region {
        code: RegionCode::from(entry.code.get_ref().as_str()),
        name: entry.name.get_ref().clone(),
        short: String::new(),
        level: entry.level,
        parent: Some(RegionCode::from(entry.parent.get_ref().as_str())),
        kind: Kind::Local,
        aliases: entry.aliases.clone(),
    }
}

/// The code of today of what is written: six digits where twelve stand.
pub(in crate::config) fn code(written: &str, regions: &Regions) -> RegionCode {
    regions.get(written).map_or_else(|| RegionCode::from(written), |region| region.code.clone())
}

/// A row of `territories.toml`.
pub(in crate::config) fn territory(entry: &TerritoryEntry, regions: &Regions) -> Territory {
    let targets = entry.targets.get_ref().iter().filter_map(|entry| target(entry.get_ref(), regions));
    Territory {
        region: code(entry.region.get_ref(), regions),
        service: HotlineId::from(entry.service.get_ref().as_str()),
        targets: targets.collect(),
    }
}

/// `check` has seen that a target is one thing; what were none is left out.
fn target(entry: &TargetEntry, regions: &Regions) -> Option<Target> {
    let class = entry.class.unwrap_or_default();
    let to = match (&entry.group, &entry.trunk, &entry.number, &entry.via) {
        (_, _, _, Some(via)) => To::Via(Via {
            region: code(via.get_ref().region.get_ref(), regions),
            service: HotlineId::from(via.get_ref().service.get_ref().as_str()),
        }),
        (Some(group), _, _, None) => To::Step(Step::Group { group: GroupId::from(group.get_ref().as_str()), class }),
        (None, Some(trunk), Some(number), None) => To::Step(Step::Trunk {
            trunk: TrunkId::from(trunk.get_ref().as_str()),
            number: number.get_ref().clone(),
            class,
        }),
        (None, Some(_), None, None) | (None, None, _, None) => return None,
    };
    Some(Target { to, hours: entry.hours.as_ref().map(|hours| hours.get_ref().clone()) })
}
