//! The regions (属地) there are: codes, names as people say them, and who belongs to whom.
//!
//! A region is known by its six digits (GB/T 2260), by the twelve digits of the same code, by a code that it had
//! before, by its name, its short name and its aliases. Codes change (区划调整), so what is stored for long is looked up
//! again, and an old code leads to the region of today.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::ids::RegionCode;

/// How deep a chain of parents is followed: province, city, county, and one for a local division. Deeper is a loop.
const MAX_DEPTH: usize = 8;

/// One region: a row of `regions.csv`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Six digits, or a local code.
    pub code: RegionCode,
    /// Its name: `克孜勒苏柯尔克孜自治州`.
    pub name: String,
    /// Its name without what kind of region it is: `克孜勒苏`.
    #[serde(default)]
    pub short: String,
    /// How high it stands.
    pub level: Level,
    /// The region that it lies in; provinces have none.
    #[serde(default)]
    pub parent: Option<RegionCode>,
    /// Who gave it its code.
    #[serde(default)]
    pub kind: Kind,
    /// What people also call it: `克州`.
    #[serde(default)]
    pub aliases: Vec<String>,
}

/// How high a region stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// 省级
    Province,
    /// 地级
    City,
    /// 县级
    County,
}

impl Level {
    /// As it stands in the table, and in a record.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Province => "province",
            Self::City => "city",
            Self::County => "county",
        }
    }
}

/// Who gave a region its code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// GB/T 2260.
    Gb,
    /// The statistics bureau only (620171 兰州新区).
    Stat,
    /// Nobody but us.
    #[default]
    Local,
}

/// A code that is no longer used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FormerCode {
    /// The code of then.
    pub old: String,
    /// The code of today.
    pub new: RegionCode,
}

/// All regions. A copy costs nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Vec<Region>", into = "Vec<Region>")]
pub struct Regions(Arc<Table>);

#[derive(Debug, Default, PartialEq)]
struct Table {
    rows: Vec<Region>,
    codes: HashMap<String, usize>,
    names: HashMap<String, Vec<usize>>,
}

/// What a text means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// One region.
    One(&'a Region),
    /// Several regions are called so.
    Several(Vec<&'a Region>),
    /// None.
    Nothing,
}

impl Regions {
    /// The table of these regions and former codes. Of two rows with one code the first counts.
    pub fn new(rows: Vec<Region>, former: &[FormerCode]) -> Self {
        let mut table = Table { rows, ..Table::default() };
        for (index, row) in table.rows.iter().enumerate() {
            table.codes.entry(row.code.as_str().to_owned()).or_insert(index);
        }
        for FormerCode { old, new } in former {
            if let Some(index) = table.codes.get(new.as_str()).copied() {
                // A code that was given to somebody else meanwhile means whom it means today.
                table.codes.entry(old.clone()).or_insert(index);
            }
        }
        for (index, row) in table.rows.iter().enumerate() {
            for name in row.names() {
                let called = table.names.entry(name.to_owned()).or_default();
                if !called.contains(&index) {
                    called.push(index);
                }
            }
        }
        Self(Arc::new(table))
    }

    /// Every region, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Region> {
        self.0.rows.iter()
    }

    /// The region of a code: six digits, the same as twelve, a local code, or a former code.
    pub fn get(&self, code: &str) -> Option<&Region> {
        let six = code.strip_suffix("000000").filter(|six| six.len() == 6).unwrap_or(code);
        self.0.codes.get(six).and_then(|index| self.0.rows.get(*index))
    }

    /// What a text means: a code, a name, a short name, an alias. A name beats a short name and an alias.
    pub fn find(&self, text: &str) -> Found<'_> {
        let text = text.trim();
        if let Some(region) = self.get(text) {
            return Found::One(region);
        }
        let called: Vec<&Region> = self.called(text).collect();
        let whole: Vec<&Region> = called.iter().filter(|region| region.name == text).copied().collect();
        match (called.as_slice(), whole.as_slice()) {
            ([], _) => Found::Nothing,
            ([one], _) | (_, [one]) => Found::One(one),
            (_, _) => Found::Several(called),
        }
    }

    /// The region of an address as people write it, the smallest that it names: `新疆克州阿图什市光明路1号`. The address
    /// begins with a region whose name is no other's; `None` if it does not.
    pub fn of_address(&self, address: &str) -> Option<&Region> {
        let mut rest: String = address.chars().filter(|c| !c.is_whitespace() && *c != ',' && *c != '，').collect();
        if let Some(region) = self.get(&rest) {
            return Some(region);
        }
        let (mut region, length) = self.first_of(&rest)?;
        rest = rest.split_off(length);
        while let Some((next, length)) = self.within(region, &rest) {
            region = next;
            rest = rest.split_off(length);
        }
        Some(region)
    }

    /// The region and those that it lies in, up to the province.
    pub fn chain<'a>(&'a self, code: &str) -> impl Iterator<Item = &'a Region> {
        let up = |region: &&'a Region| region.parent.as_ref().and_then(|parent| self.get(parent.as_str()));
        std::iter::successors(self.get(code), up).take(MAX_DEPTH)
    }

    /// The name with those of its parents: `新疆维吾尔自治区克孜勒苏柯尔克孜自治州阿图什市`.
    pub fn full_name(&self, code: &str) -> String {
        let mut names: Vec<&str> = self.chain(code).map(|region| region.name.as_str()).collect();
        names.reverse();
        names.concat()
    }

    /// The smallest region that all of these lie in.
    pub fn common<'a>(&self, mut codes: impl Iterator<Item = &'a str>) -> Option<&Region> {
        let first = codes.next()?;
        let mut shared: Vec<&Region> = self.chain(first).collect();
        for code in codes {
            let other: Vec<&Region> = self.chain(code).collect();
            shared.retain(|region| other.iter().any(|parent| parent.code == region.code));
        }
        shared.first().copied()
    }

    fn called(&self, text: &str) -> impl Iterator<Item = &Region> {
        self.0.names.get(text).into_iter().flatten().filter_map(|index| self.0.rows.get(*index))
    }

    /// The longest beginning that means one region, and its length. A name of several counts for the highest of them
    /// if that is one: 海南 at the beginning of an address is the province.
    fn first_of(&self, text: &str) -> Option<(&Region, usize)> {
        ends(text).find_map(|(begin, length)| {
            let called: Vec<&Region> = self.called(begin).collect();
            let top = called.iter().map(|region| region.level).min()?;
            let mut highest = called.into_iter().filter(|region| region.level == top);
            let one = highest.next()?;
            highest.next().is_none().then_some((one, length))
        })
    }

    /// The longest beginning that names something within `region`, at whatever depth, and its length.
    fn within(&self, region: &Region, text: &str) -> Option<(&Region, usize)> {
        ends(text).find_map(|(begin, length)| {
            let inside = |found: &&Region| {
                found.code != region.code && self.chain(found.code.as_str()).any(|parent| parent.code == region.code)
            };
            let mut inner = self.called(begin).filter(inside);
            let one = inner.next()?;
            inner.next().is_none().then_some((one, length))
        })
    }
}

/// The beginnings of a text that may be a name, the longest first, and their lengths in bytes. No name has more than
/// sixteen characters.
fn ends(text: &str) -> impl Iterator<Item = (&str, usize)> {
    let mut ends: Vec<usize> = text.char_indices().map(|(at, c)| at + c.len_utf8()).take(16).collect();
    ends.reverse();
    ends.into_iter().filter_map(|end| text.get(..end).map(|begin| (begin, end)))
}

impl Region {
    /// What it is called.
    fn names(&self) -> impl Iterator<Item = &str> {
        let all = [self.name.as_str(), self.short.as_str()].into_iter().chain(self.aliases.iter().map(String::as_str));
        all.filter(|name| !name.is_empty())
    }
}

impl From<Vec<Region>> for Regions {
    fn from(rows: Vec<Region>) -> Self {
        Self::new(rows, &[])
    }
}

impl From<Regions> for Vec<Region> {
    fn from(regions: Regions) -> Self {
        regions.0.rows.clone()
    }
}
