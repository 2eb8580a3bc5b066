//! What `territories.toml` may say, and of whom.

use std::collections::BTreeSet;

use super::{Files, Staff, call_target, identifier};
use crate::base::ids::RegionCode;
use crate::config::schema::{TargetEntry, TerritoriesFile, TerritoryEntry, ViaEntry};
use crate::config::settings::territories::{code, territory};
use crate::config::source::Parsed;
use crate::config::{Placed, Problem};
use crate::routing;
use crate::routing::config::Priority;
use crate::routing::territory::Via;

pub(super) fn territories(files: &Files<'_>, staff: &Staff<'_>, problems: &mut Vec<Problem>) {
    let Some(file) = files.territories else { return };
    regions(files, file, problems);
    if let Some(default) = &file.value.default_region {
        region(files, file, default, "default_region", problems);
    }
    for (area, code) in &file.value.area_codes {
        if !is_area_code(area) {
            let wrong = format!("`{}` is no area code", area.escape_debug());
            problems.push(file.problem(code, "area_codes", wrong, AREA_CODE));
        }
        region(files, file, code, "area_codes", problems);
    }
    let mut seen = BTreeSet::new();
    for row in &file.value.territory {
        region(files, file, &row.region, "territory.region", problems);
        service(files, file, &row.service, "territory.service", problems);
        if !seen.insert((code(row.region.get_ref(), files.regions), row.service.get_ref())) {
            let wrong = format!("{} has two rows for {}", row.region.get_ref(), row.service.get_ref());
            problems.push(file.problem(&row.region, "territory.region", wrong, "all targets in one row"));
        }
        if row.targets.get_ref().is_empty() {
            let wrong = "no target: nobody would be called";
            problems.push(file.problem(&row.targets, "territory.targets", wrong, TARGET));
        }
        for entry in row.targets.get_ref() {
            target(files, file, staff, entry, problems);
        }
    }
    chains(files, file, problems);
}

/// What an area code looks like.
const AREA_CODE: &str = "two or three digits, with or without a 0 before them, such as 0908";

const TARGET: &str = "targets { group = \"..\" }, { trunk = \"..\", number = \"..\" } or { via = { .. } }";

/// Regions of our own: new codes, known parents.
fn regions(files: &Files<'_>, file: &Parsed<TerritoriesFile>, problems: &mut Vec<Problem>) {
    super::unique(file, file.value.region.iter().map(|row| &row.code), "region.code", problems);
    for row in &file.value.region {
        identifier(file, &row.code, "region.code", problems);
        region(files, file, &row.parent, "region.parent", problems);
        let known = files.regions.get(row.code.get_ref());
        if let Some(other) = known.filter(|other| other.name != *row.name.get_ref()) {
            let wrong = format!("{} is {}", row.code.get_ref(), other.name);
            problems.push(file.problem(&row.code, "region.code", wrong, "a code that nobody else has"));
        }
        let up: Vec<&str> = files.regions.chain(row.code.get_ref()).map(|region| region.code.as_str()).collect();
        if up.iter().collect::<BTreeSet<_>>().len() < up.len() {
            let wrong = format!("{} lies in itself", row.code.get_ref());
            problems.push(file.problem(&row.parent, "region.parent", wrong, "the region above it"));
        }
    }
}

/// Whether a text is an area code, with or without its 0.
fn is_area_code(area: &str) -> bool {
    let digits = area.strip_prefix('0').unwrap_or(area);
    (2..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// A code must be one of today: what is routed by a code that was given up would be routed by nobody's table.
pub(super) fn region<T>(
    files: &Files<'_>,
    file: &Parsed<T>,
    code: &Placed<String>,
    key: &str,
    problems: &mut Vec<Problem>,
) {
    let text = code.get_ref();
    let twelve = |region: &RegionCode| format!("{region}000000") == *text;
    match files.regions.get(text) {
        Some(region) if region.code.as_str() == text || twelve(&region.code) => {}
        Some(region) => {
            let wrong = format!("`{text}` is a former code");
            problems.push(file.problem(code, key, wrong, format!("{}: {} today", region.code, region.name)));
        }
        None => {
            let wrong = format!("there is no region `{}`", text.escape_debug());
            problems.push(file.problem(code, key, wrong, "a code of regions.csv, or of a [[region]]"));
        }
    }
}

/// A hotline that must be there.
pub(super) fn service<T>(
    files: &Files<'_>,
    file: &Parsed<T>,
    number: &Placed<String>,
    key: &str,
    problems: &mut Vec<Problem>,
) {
    if !files.hotlines.value.hotline.iter().any(|hotline| hotline.number.get_ref() == number.get_ref()) {
        let wrong = format!("there is no hotline `{}`", number.get_ref().escape_debug());
        problems.push(file.problem(number, key, wrong, "a number of hotlines.toml"));
    }
}

fn target(
    files: &Files<'_>,
    file: &Parsed<TerritoriesFile>,
    staff: &Staff<'_>,
    entry: &Placed<TargetEntry>,
    problems: &mut Vec<Problem>,
) {
    let TargetEntry { group, trunk, number, class, hours: _, via } = entry.get_ref();
    match via {
        None => call_target(file, staff, "territory.targets", entry, [group, trunk, number], problems),
        Some(_) if group.is_some() || trunk.is_some() || number.is_some() => {
            let wrong = "a target is one of group, trunk and via";
            problems.push(file.problem(entry, "territory.targets", wrong, TARGET));
        }
        Some(via) => {
            let ViaEntry { region: code, service: number } = via.get_ref();
            region(files, file, code, "territory.targets.via.region", problems);
            service(files, file, number, "territory.targets.via.service", problems);
            if class.is_some() {
                let wrong = "the targets of another row have their own classes";
                problems.push(file.problem(entry, "territory.targets.class", wrong, "no class beside via"));
            }
        }
    }
}

/// What can be seen only over several rows: circles, and emergencies that have nobody to turn to at last.
fn chains(files: &Files<'_>, file: &Parsed<TerritoriesFile>, problems: &mut Vec<Problem>) {
    let rows = &file.value.territory;
    let routing = routing::Config {
        regions: files.regions.clone(),
        hotlines: files.hotlines.value.hotline.iter().map(crate::config::settings::hotlines::hotline).collect(),
        territories: rows.iter().map(|row| territory(row, files.regions)).collect(),
        ..routing::Config::default()
    };
    for (entry, row) in rows.iter().zip(&routing.territories) {
        if let Some(way) = routing.circle(row) {
            let place = first_via(entry).unwrap_or(&entry.region);
            let way: Vec<String> = way.iter().map(|Via { region, service }| format!("{region} {service}")).collect();
            let wrong = format!("the chain leads in a circle: {}", way.join(" → "));
            problems.push(file.problem(place, "territory.targets.via", wrong, "a chain that ends"));
            continue;
        }
        let is_emergency =
            routing.hotline(row.service.as_str()).is_some_and(|hotline| hotline.priority == Priority::Emergency);
        if is_emergency && !routing.has_duty_desk(row) {
            let wrong = format!("{} may end without anybody to turn to", row.service);
            let right = "a last target with class = \"duty_desk\" and no hours, here or in the plan of the hotline";
            problems.push(file.problem(&entry.targets, "territory.targets", wrong, right));
        }
    }
}

fn first_via(entry: &TerritoryEntry) -> Option<&Placed<String>> {
    entry.targets.get_ref().iter().find_map(|target| target.get_ref().via.as_ref()).map(|via| &via.get_ref().region)
}
