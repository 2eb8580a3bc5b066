//! The number-home file (归属地): where mobile numbers were sold, in the phone.dat format.
//!
//! Four bytes of version, a little-endian offset of the index, records `省|市|邮编|区号` that end in a zero byte, and an
//! index of nine bytes a row: the first seven digits, the record's offset, the carrier.

use std::collections::HashMap;

use crate::base::ids::RegionCode;
use crate::routing::home::Home;
use crate::routing::regions::Regions;

/// What a file says: the homes, and for the first seven digits the place of their home.
#[derive(Debug, Default, PartialEq)]
pub(super) struct HomeFile {
    pub(super) homes: Vec<Home>,
    pub(super) segments: Vec<(u32, u16)>,
}

/// A file that is no number-home file, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadFile {
    #[error("it ends before its index")]
    Short,
    #[error("its index is no whole number of rows of nine bytes")]
    Rows,
    #[error("its row {0} points to no record")]
    Record(usize),
    #[error("none of its places is a region of regions.csv")]
    Nowhere,
}

/// Reads a file. Places that `regions.csv` does not know are left out: their numbers give no hint.
pub(super) fn read(bytes: &[u8], regions: &Regions) -> Result<HomeFile, BadFile> {
    let offset = bytes.get(4..8).and_then(|four| four.try_into().ok()).map(u32::from_le_bytes).ok_or(BadFile::Short)?;
    let offset = usize::try_from(offset).map_err(|_| BadFile::Short)?;
    let index = bytes.get(offset..).filter(|index| offset >= 8 && !index.is_empty()).ok_or(BadFile::Short)?;
    let (rows, rest) = index.as_chunks::<9>();
    if !rest.is_empty() {
        return Err(BadFile::Rows);
    }
    let mut file = HomeFile::default();
    let mut places: HashMap<u32, Option<u16>> = HashMap::new();
    for (number, [a, b, c, d, e, f, g, h, _]) in rows.iter().enumerate() {
        let (segment, record) = (u32::from_le_bytes([*a, *b, *c, *d]), u32::from_le_bytes([*e, *f, *g, *h]));
        let place = match places.get(&record) {
            Some(place) => *place,
            None => {
                let text = text(bytes, record, offset).ok_or(BadFile::Record(number + 1))?;
                let place = home(text, regions).and_then(|home| {
                    let place = u16::try_from(file.homes.len()).ok()?;
                    file.homes.push(home);
                    Some(place)
                });
                places.insert(record, place);
                place
            }
        };
        file.segments.extend(place.map(|place| (segment, place)));
    }
    if file.homes.is_empty() { Err(BadFile::Nowhere) } else { Ok(file) }
}

/// The record that begins there, up to its zero byte.
fn text(bytes: &[u8], record: u32, index: usize) -> Option<&str> {
    let record = bytes.get(usize::try_from(record).ok()?..index)?;
    std::str::from_utf8(record.split(|byte| *byte == 0).next()?).ok()
}

fn home(record: &str, regions: &Regions) -> Option<Home> {
    let mut fields = record.split('|');
    let (province, city) = (fields.next()?, fields.next()?);
    let area = fields.nth(1)?;
    // The city's name within its province: 海南 is a province and a prefecture of another.
    let whole = if province == city { province.to_owned() } else { format!("{province}{city}") };
    let region: RegionCode = regions.of_address(&whole)?.code.clone();
    Some(Home { region, area: area.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::regions::{Kind, Level, Region};

    fn regions() -> Regions {
        let region = |code: &str, name: &str, parent: Option<&str>, aliases: &[&str]| Region {
            code: RegionCode::from(code),
            name: name.to_owned(),
            short: String::new(),
            level: if parent.is_none() { Level::Province } else { Level::City },
            parent: parent.map(RegionCode::from),
            kind: Kind::Gb,
            aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        };
        Regions::from(vec![
            region("110000", "北京市", None, &["北京"]),
            region("650000", "新疆维吾尔自治区", None, &["新疆"]),
            region("653000", "克孜勒苏柯尔克孜自治州", Some("650000"), &["克州"]),
        ])
    }

    fn file(records: &[&str], rows: &[(u32, usize)]) -> Vec<u8> {
        let mut bytes = b"2312\0\0\0\0".to_vec();
        let mut offsets = Vec::new();
        for record in records {
            offsets.push(u32::try_from(bytes.len()).unwrap());
            bytes.extend(record.as_bytes());
            bytes.push(0);
        }
        let index = u32::try_from(bytes.len()).unwrap();
        bytes[4..8].copy_from_slice(&index.to_le_bytes());
        for (segment, record) in rows {
            bytes.extend(segment.to_le_bytes());
            bytes.extend(offsets[*record].to_le_bytes());
            bytes.push(1);
        }
        bytes
    }

    #[test]
    fn a_file_says_where_numbers_were_sold() {
        let records = ["新疆|克州|845350|0908", "北京|北京|100000|010", "火星|某地|0|0999"];
        let bytes = file(&records, &[(1_380_013, 1), (1_739_908, 0), (1_300_000, 2)]);
        let read = read(&bytes, &regions()).unwrap();
        let homes: Vec<(&str, &str)> =
            read.homes.iter().map(|home| (home.region.as_str(), home.area.as_str())).collect();
        assert_eq!(homes, [("110000", "010"), ("653000", "0908")]);
        assert_eq!(read.segments, [(1_380_013, 0), (1_739_908, 1)]);
    }

    #[test]
    fn a_broken_file_is_refused_and_never_panics() {
        let good = file(&["新疆|克州|845350|0908"], &[(1_380_013, 0)]);
        assert_eq!(read(&[], &regions()), Err(BadFile::Short));
        assert_eq!(read(&good[..good.len() - 1], &regions()), Err(BadFile::Rows));
        assert_eq!(read(&file(&["火星|某地|0|0"], &[(1, 0)]), &regions()), Err(BadFile::Nowhere));
        for length in 0..good.len() {
            assert!(read(&good[..length], &regions()).is_err(), "{length} bytes");
        }
        for at in 0..good.len() {
            let mut bent = good.clone();
            bent[at] ^= 0xff;
            let _either = read(&bent, &regions());
        }
    }
}
