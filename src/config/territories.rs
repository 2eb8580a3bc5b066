//! Reading what says where calls are: the regions, the codes that they had, `territories.toml`, the number-home file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::placed::Placed;
use super::schema::{MainFile, TerritoriesFile};
use super::settings::territories::{code, region};
use super::source::{Parsed, Reader};
use super::{homes, regions};
use crate::base::ids::RegionCode;
use crate::routing::home::Homes;
use crate::routing::regions::Regions;

/// What was read.
pub(super) struct Places {
    /// `territories.toml`, if there is one.
    pub(super) file: Option<Parsed<TerritoriesFile>>,
    /// Every region, those of `territories.toml` included.
    pub(super) regions: Regions,
    /// Where numbers are at home.
    pub(super) homes: Homes,
}

/// Reads them all. A file that the main file does not name may be missing.
pub(super) fn read(reader: &mut Reader<'_>, folder: &Path, main: &Parsed<MainFile>) -> Places {
    let files = &main.value.files;
    let table = path(reader, folder, files.regions.as_ref(), "regions.csv");
    let mut rows = table.map(|path| regions::read(reader, &path)).unwrap_or_default();
    let former = path(reader, folder, files.former_regions.as_ref(), "regions-old.csv");
    let former = former.map(|path| regions::read_former(reader, &path)).unwrap_or_default();
    let file = path(reader, folder, files.territories.as_ref(), "territories.toml");
    let file = file.and_then(|path| reader.read::<TerritoriesFile>(&path));
    rows.extend(file.iter().flat_map(|file| file.value.region.iter().map(region)));
    let regions = Regions::new(rows, &former);
    let homes = file.as_ref().map(|file| read_homes(reader, file, &regions)).unwrap_or_default();
    Places { file, regions, homes }
}

/// The named file, or the usual one if it is there.
fn path(reader: &Reader<'_>, folder: &Path, named: Option<&Placed<String>>, usual: &str) -> Option<PathBuf> {
    match named {
        Some(named) => Some(folder.join(named.get_ref())),
        None => Some(folder.join(usual)).filter(|path| reader.exists(path)),
    }
}

fn read_homes(reader: &mut Reader<'_>, file: &Parsed<TerritoriesFile>, regions: &Regions) -> Homes {
    let mut homes = homes::HomeFile::default();
    if let Some(named) = &file.value.number_homes {
        let path = file.path.parent().unwrap_or_else(|| Path::new("")).join(named.get_ref());
        let read = match reader.bytes(&path) {
            Ok(bytes) => homes::read(&bytes, regions).map_err(|error| error.to_string()),
            Err(error) => Err(format!("cannot be read: {error}")),
        };
        match read {
            Ok(read) => homes = read,
            Err(error) => {
                let wrong = format!("{}: {error}", path.display());
                let right = "a file in the phone.dat format, or no such key";
                reader.problems.push(file.problem(named, "number_homes", wrong, right));
            }
        }
    }
    let areas: BTreeMap<String, RegionCode> =
        file.value.area_codes.iter().map(|(area, region)| (area.clone(), code(region.get_ref(), regions))).collect();
    Homes::new(regions, &homes.homes, homes.segments, &areas)
}
