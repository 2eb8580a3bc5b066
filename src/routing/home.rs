//! Where a number is at home (归属地): a hint about the territory, and never more than one.
//!
//! A number's home says where it was sold. People move, numbers are ported, and in Hainan every number of the province
//! has the same area code and is sold in its capital: there the home says the province and nothing below it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::regions::Regions;
use crate::base::ids::RegionCode;
use crate::base::number::{Form, Number};

/// What a number-home file and the configured area codes say. A copy costs nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, RegionCode>", into = "BTreeMap<String, RegionCode>")]
pub struct Homes(Arc<Table>);

#[derive(Debug, Default, PartialEq)]
struct Table {
    /// By the first seven digits of a mobile number, ascending.
    segments: Vec<(u32, u16)>,
    regions: Vec<RegionCode>,
    /// By area code without its 0.
    areas: HashMap<String, RegionCode>,
}

/// One home of a number-home file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// Its region.
    pub region: RegionCode,
    /// Its area code (区号), with or without the 0.
    pub area: String,
}

impl Homes {
    /// The homes of mobile numbers - the first seven digits and the place in `homes` - and the area codes that an
    /// administrator has written down, which count more than the file's.
    pub fn new(
        regions: &Regions,
        homes: &[Home],
        mut segments: Vec<(u32, u16)>,
        areas: &BTreeMap<String, RegionCode>,
    ) -> Self {
        let province = |code: &RegionCode| regions.chain(code.as_str()).last().map(|region| region.code.clone());
        let mut by_area: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut areas_of: BTreeMap<Option<RegionCode>, Vec<&str>> = BTreeMap::new();
        for home in homes {
            by_area.entry(bare(&home.area)).or_default().push(home.region.as_str());
            let known = areas_of.entry(province(&home.region)).or_default();
            if !known.contains(&bare(&home.area)) {
                known.push(bare(&home.area));
            }
        }
        let told = |home: &Home| {
            let top = province(&home.region);
            let only = areas_of.get(&top).is_some_and(|known| known.len() == 1);
            top.filter(|_| only).unwrap_or_else(|| home.region.clone())
        };
        let mut table = Table { regions: homes.iter().map(told).collect(), ..Table::default() };
        segments.sort_unstable();
        table.segments = segments;
        for (area, codes) in by_area {
            if let Some(region) = regions.common(codes.into_iter()) {
                table.areas.insert(area.to_owned(), region.code.clone());
            }
        }
        table.areas.extend(areas.iter().map(|(area, region)| (bare(area).to_owned(), region.clone())));
        Self(Arc::new(table))
    }

    /// The region that a number is at home in.
    pub fn of(&self, number: &Number) -> Option<&RegionCode> {
        let digits = number.national();
        let digits = bare(digits.reveal());
        match number.form() {
            Form::Mobile => {
                let segment: u32 = digits.get(..7)?.parse().ok()?;
                let at = self.0.segments.binary_search_by_key(&segment, |(segment, _)| *segment).ok()?;
                self.0.segments.get(at).and_then(|(_, home)| self.0.regions.get(usize::from(*home)))
            }
            Form::Fixed => [2, 3].into_iter().find_map(|length| self.0.areas.get(digits.get(..length)?)),
            Form::Local
            | Form::Service
            | Form::Short
            | Form::Intermediate
            | Form::International
            | Form::Withheld
            | Form::Odd => None,
        }
    }
}

fn bare(area: &str) -> &str {
    area.strip_prefix('0').unwrap_or(area)
}

impl From<BTreeMap<String, RegionCode>> for Homes {
    fn from(areas: BTreeMap<String, RegionCode>) -> Self {
        Self::new(&Regions::default(), &[], Vec::new(), &areas)
    }
}

impl From<Homes> for BTreeMap<String, RegionCode> {
    fn from(homes: Homes) -> Self {
        homes.0.areas.iter().map(|(area, region)| (area.clone(), region.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::regions::{Kind, Level, Region};
    use super::*;

    fn regions() -> Regions {
        let region = |code: &str, parent: Option<&str>, level| Region {
            code: RegionCode::from(code),
            name: code.to_owned(),
            short: String::new(),
            level,
            parent: parent.map(RegionCode::from),
            kind: Kind::Gb,
            aliases: Vec::new(),
        };
        Regions::from(vec![
            region("460000", None, Level::Province),
            region("460100", Some("460000"), Level::City),
            region("460200", Some("460000"), Level::City),
            region("610000", None, Level::Province),
            region("610100", Some("610000"), Level::City),
            region("610400", Some("610000"), Level::City),
            region("610600", Some("610000"), Level::City),
        ])
    }

    fn homes() -> Homes {
        let home = |region: &str, area: &str| Home { region: RegionCode::from(region), area: area.into() };
        let homes = [
            home("460100", "0898"),
            home("460200", "0898"),
            home("610100", "029"),
            home("610400", "029"),
            home("610600", "0911"),
        ];
        let segments = vec![(1_380_000, 2), (1_370_000, 0), (1_390_000, 4)];
        Homes::new(&regions(), &homes, segments, &BTreeMap::new())
    }

    #[test]
    fn a_number_is_at_home_where_the_file_says_and_in_hainan_in_the_province() {
        let homes = homes();
        for (number, region) in [
            ("13800001111", Some("610100")),
            ("+8613900001111", Some("610600")),
            ("013700001111", Some("460000")),
            ("13600001111", None),
            // An area code of several cities says what they have in common.
            ("02981234567", Some("610000")),
            ("09116123456", Some("610600")),
            ("089861234567", Some("460000")),
            ("07551234567", None),
            ("110", None),
            ("anonymous", None),
            ("0044201234567", None),
        ] {
            let found = homes.of(&Number::parse(number, None)).map(RegionCode::as_str);
            assert_eq!(found, region, "{number}");
        }
    }
}
