//! `regions.csv` and `regions-old.csv`: the regions there are, and the codes that they had.
//!
//! Both are built by `scripts/regions`. A line that begins with `#` says something to people. A row with `valid_to` is
//! history and is not read into the table.

use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};

use super::problem::Problem;
use super::source::Reader;
use crate::base::ids::RegionCode;
use crate::routing::regions::{FormerCode, Kind, Level, Region};

/// The columns of `regions.csv`.
const REGIONS: [&str; 9] = ["code", "name", "short", "level", "parent", "kind", "aliases", "valid_from", "valid_to"];
/// The columns of `regions-old.csv`.
const FORMER: [&str; 4] = ["old", "new", "name", "valid_to"];
/// More regions than any country has.
const LARGEST: usize = 100_000;

/// Reads `regions.csv`.
pub(super) fn read(reader: &mut Reader<'_>, path: &Path) -> Vec<Region> {
    let Some(text) = reader.text(path) else { return Vec::new() };
    let mut rows = Vec::new();
    for record in table(path, &text, &REGIONS, &mut reader.problems) {
        match region(&record) {
            Ok(row) => rows.extend(row),
            Err(wrong) => reader.problems.push(problem(path, &record, &REGIONS, &wrong)),
        }
    }
    parents(path, &rows, &mut reader.problems);
    rows
}

/// Reads `regions-old.csv`.
pub(super) fn read_former(reader: &mut Reader<'_>, path: &Path) -> Vec<FormerCode> {
    let Some(text) = reader.text(path) else { return Vec::new() };
    let mut codes = Vec::new();
    for record in table(path, &text, &FORMER, &mut reader.problems) {
        let (old, new) = (record.get(0).unwrap_or_default(), record.get(1).unwrap_or_default());
        match [(0, old), (1, new)].into_iter().find(|(_, code)| !is_code(code)) {
            None => codes.push(FormerCode { old: old.to_owned(), new: RegionCode::from(new) }),
            Some((column, code)) => {
                let wrong = Wrong { column, wrong: format!("`{}` is no code", code.escape_debug()), right: CODE };
                reader.problems.push(problem(path, &record, &FORMER, &wrong));
            }
        }
    }
    codes
}

const CODE: &str = "six digits, or a local code of letters, digits and hyphens";

/// What is wrong with a field.
struct Wrong {
    column: usize,
    wrong: String,
    right: &'static str,
}

/// The records of a file with these columns. A file that has others is refused as a whole.
fn table(path: &Path, text: &str, columns: &[&str], problems: &mut Vec<Problem>) -> Vec<StringRecord> {
    let mut reader =
        ReaderBuilder::new().comment(Some(b'#')).trim(Trim::All).flexible(false).from_reader(text.as_bytes());
    let at = |line: u64, wrong: String, right: String| Problem {
        file: path.to_owned(),
        line: usize::try_from(line).unwrap_or(usize::MAX),
        column: 1,
        key: String::new(),
        wrong,
        right,
    };
    match reader.headers() {
        Ok(header) if header.iter().eq(columns.iter().copied()) => {}
        Ok(header) => {
            let comments = text.lines().take_while(|line| line.starts_with('#')).count();
            let line = u64::try_from(comments).map_or(1, |comments| comments + 1);
            let wrong = format!("the columns are {}", header.iter().collect::<Vec<_>>().join(","));
            problems.push(at(line, wrong, columns.join(",")));
            return Vec::new();
        }
        Err(error) => {
            problems.push(at(1, format!("no table: {error}"), "a file as scripts/regions makes it".to_owned()));
            return Vec::new();
        }
    }
    let mut records = Vec::new();
    for record in reader.into_records().take(LARGEST) {
        match record {
            Ok(record) => records.push(record),
            Err(error) => {
                let line = error.position().map_or(1, csv::Position::line);
                let right = format!("{} fields between commas", columns.len());
                problems.push(at(line, "another number of fields than columns".to_owned(), right));
            }
        }
    }
    records
}

fn region(record: &StringRecord) -> Result<Option<Region>, Wrong> {
    let field = |index: usize| record.get(index).unwrap_or_default();
    let wrong = |column: usize, right| Wrong {
        column,
        wrong: format!("`{}`", record.get(column).unwrap_or_default().escape_debug()),
        right,
    };
    if !is_code(field(0)) {
        return Err(wrong(0, CODE));
    }
    if field(1).is_empty() {
        return Err(wrong(1, "the name of the region"));
    }
    let level = match field(3) {
        "province" => Level::Province,
        "city" => Level::City,
        "county" => Level::County,
        _ => return Err(wrong(3, "province, city or county")),
    };
    if !field(4).is_empty() && !is_code(field(4)) {
        return Err(wrong(4, CODE));
    }
    let kind = match field(5) {
        "gb" => Kind::Gb,
        "stat" => Kind::Stat,
        "local" => Kind::Local,
        _ => return Err(wrong(5, "gb, stat or local")),
    };
    let year = |text: &str| text.is_empty() || (text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit()));
    if let Some(column) = [7, 8].into_iter().find(|column| !year(field(*column))) {
        return Err(wrong(column, "a year, or nothing"));
    }
    let is_history = !field(8).is_empty();
    Ok((!is_history).then(|| Region {
        code: RegionCode::from(field(0)),
        name: field(1).to_owned(),
        short: field(2).to_owned(),
        level,
        parent: Some(field(4)).filter(|code| !code.is_empty()).map(RegionCode::from),
        kind,
        aliases: field(6).split('|').filter(|alias| !alias.is_empty()).map(str::to_owned).collect(),
    }))
}

/// Whether a text can be a code.
fn is_code(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

/// Every parent must be there, and no code twice.
fn parents(path: &Path, rows: &[Region], problems: &mut Vec<Problem>) {
    let mut codes = std::collections::HashSet::new();
    let whole = |wrong: String, right: &str| Problem {
        file: path.to_owned(),
        line: 1,
        column: 1,
        key: "code".to_owned(),
        wrong,
        right: right.to_owned(),
    };
    for row in rows {
        if !codes.insert(&row.code) {
            problems.push(whole(format!("{} stands twice", row.code), "each code once"));
        }
    }
    for row in rows {
        if let Some(parent) = row.parent.as_ref().filter(|parent| !codes.contains(parent)) {
            let wrong = format!("{} lies in {parent}, which is not there", row.code);
            problems.push(whole(wrong, "a row for every parent"));
        }
    }
}

/// The place of a field: its line, and the characters before it.
fn problem(path: &Path, record: &StringRecord, columns: &[&str], wrong: &Wrong) -> Problem {
    let before: usize = record.iter().take(wrong.column).map(|field| field.chars().count() + 1).sum();
    Problem {
        file: path.to_owned(),
        line: record.position().map_or(1, |at| usize::try_from(at.line()).unwrap_or(usize::MAX)),
        column: before + 1,
        key: columns.get(wrong.column).copied().unwrap_or_default().to_owned(),
        wrong: wrong.wrong.clone(),
        right: wrong.right.to_owned(),
    }
}
