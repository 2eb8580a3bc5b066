//! `territories.toml`: who serves which region.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::Placed;
use crate::routing::config::Class;
use crate::routing::hours::Hours;
use crate::routing::regions::Level;

/// `territories.toml`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TerritoriesFile {
    /// Where a call is taken to be from when nothing says it: the code of a region.
    pub default_region: Option<Placed<String>>,
    /// A file in the phone.dat format that says where mobile numbers are at home, relative to this file. A home is a
    /// hint and is shown as one.
    pub number_homes: Option<Placed<String>>,
    /// Area codes (区号) and the code of the region that each of them is a hint for.
    #[serde(default)]
    pub area_codes: BTreeMap<String, Placed<String>>,
    /// Regions that `regions.csv` does not have.
    #[serde(default)]
    pub region: Vec<RegionEntry>,
    /// Who serves which region.
    #[serde(default)]
    pub territory: Vec<TerritoryEntry>,
}

/// `[[region]]`: a region of our own, such as a development zone.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegionEntry {
    /// Its code: anything that is no code of `regions.csv`.
    pub code: Placed<String>,
    /// Its name.
    pub name: Placed<String>,
    /// How high it stands.
    #[schemars(schema_with = "super::words::level")]
    pub level: Level,
    /// The code of the region that it lies in.
    pub parent: Placed<String>,
    /// What people also call it.
    #[serde(default)]
    pub aliases: Vec<String>,
}

/// `[[territory]]`: who takes the calls of one service from one region. Regions inside it use it too, unless they have
/// a row of their own.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TerritoryEntry {
    /// The code of the region: six digits, the same as twelve, or a local code.
    pub region: Placed<String>,
    /// The number of the hotline.
    pub service: Placed<String>,
    /// Who takes the call, in this order.
    pub targets: Placed<Vec<Placed<TargetEntry>>>,
}

/// A target: a group, a number on a trunk, or whoever serves another row.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetEntry {
    /// A group of agents: the longest idle first.
    pub group: Option<Placed<String>>,
    /// A trunk.
    pub trunk: Option<Placed<String>>,
    /// The number called on the trunk.
    pub number: Option<Placed<String>>,
    /// What kind of target it is; normal, if not given.
    #[schemars(schema_with = "super::words::class")]
    pub class: Option<Class>,
    /// When it may be called, as the clock on the wall shows it (Beijing time): "Mon-Fri 09:30-19:30", or a list of
    /// these. Always, if not given.
    #[schemars(schema_with = "super::words::hours")]
    pub hours: Option<Placed<Hours>>,
    /// The targets of another row.
    pub via: Option<Placed<ViaEntry>>,
}

/// Another row.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ViaEntry {
    /// The code of its region.
    pub region: Placed<String>,
    /// The number of its hotline.
    pub service: Placed<String>,
}
