//! Reading one TOML file into its type, with the place of whatever is wrong.

use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::Spanned;

use super::problem::{Problem, position};

/// Where a configuration comes from: the disk and the environment, or a test's table.
pub struct Sources<'a> {
    /// Reads a file as text.
    pub read: &'a dyn Fn(&Path) -> std::io::Result<String>,
    /// Reads a file as bytes.
    pub read_bytes: &'a dyn Fn(&Path) -> std::io::Result<Vec<u8>>,
    /// Whether a folder exists.
    pub is_folder: &'a dyn Fn(&Path) -> bool,
    /// Whether a file exists.
    pub is_file: &'a dyn Fn(&Path) -> bool,
    /// The permission bits of a file, where there are such.
    pub mode: &'a dyn Fn(&Path) -> Option<u32>,
    /// Reads an environment variable.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
}

impl Sources<'static> {
    /// The real disk and environment.
    pub fn system() -> Self {
        Self {
            read: &|path| std::fs::read_to_string(path),
            read_bytes: &|path| std::fs::read(path),
            is_folder: &|path| path.is_dir(),
            is_file: &|path| path.is_file(),
            mode: &|path| std::fs::metadata(path).ok().map(|metadata| metadata.permissions().mode()),
            environment: &|name| std::env::var(name).ok(),
        }
    }
}

/// A file that was read: its value, and its text for the places of later problems.
pub(super) struct Parsed<T> {
    pub(super) path: PathBuf,
    pub(super) text: String,
    pub(super) value: T,
}

impl<T> Parsed<T> {
    /// A problem with the value that stands at `place`.
    pub(super) fn problem<V>(
        &self,
        place: &Spanned<V>,
        key: impl Into<String>,
        wrong: impl Into<String>,
        right: impl Into<String>,
    ) -> Problem {
        problem_at(&self.path, &self.text, place.span(), key.into(), wrong.into(), right.into())
    }
}

/// Reads files and gathers problems.
pub(super) struct Reader<'a> {
    sources: &'a Sources<'a>,
    pub(super) problems: Vec<Problem>,
}

/// The largest file that is read: a configuration is written by hand.
const LARGEST_FILE: usize = 8 * 1024 * 1024;

impl<'a> Reader<'a> {
    pub(super) fn new(sources: &'a Sources<'a>) -> Self {
        Self { sources, problems: Vec::new() }
    }

    /// Reads one file; `None` when a problem was noted.
    pub(super) fn read<T: DeserializeOwned>(&mut self, path: &Path) -> Option<Parsed<T>> {
        let text = self.text(path)?;
        match parse::<T>(&text) {
            Ok(value) => Some(Parsed { path: path.to_owned(), text, value }),
            Err(fault) => {
                let Fault { key, span, wrong, right } = *fault;
                self.problems.push(problem_at(path, &text, span, key, wrong, right));
                None
            }
        }
    }

    /// Reads one file as text; `None` when a problem was noted.
    pub(super) fn text(&mut self, path: &Path) -> Option<String> {
        match (self.sources.read)(path) {
            Ok(text) if text.len() <= LARGEST_FILE => Some(text),
            Ok(_) => {
                self.note_unreadable(path, "the file is larger than 8 MiB".to_owned());
                None
            }
            Err(error) => {
                self.note_unreadable(path, format!("cannot be read: {error}"));
                None
            }
        }
    }

    /// Reads one file as bytes.
    pub(super) fn bytes(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        (self.sources.read_bytes)(path)
    }

    /// Whether a file can be read.
    pub(super) fn exists(&self, path: &Path) -> bool {
        (self.sources.read)(path).is_ok()
    }

    fn note_unreadable(&mut self, path: &Path, wrong: String) {
        let right = "a file in UTF-8 that this process may read".to_owned();
        self.problems.push(Problem { file: path.to_owned(), line: 1, column: 1, key: String::new(), wrong, right });
    }
}

struct Fault {
    key: String,
    span: Range<usize>,
    wrong: String,
    right: String,
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Box<Fault>> {
    let fault = |key: String, error: &toml::de::Error| {
        let (wrong, right) = explain(error.message());
        Box::new(Fault { key, span: error.span().unwrap_or(0..0), wrong, right })
    };
    let document = toml::Deserializer::parse(text).map_err(|error| fault(String::new(), &error))?;
    serde_path_to_error::deserialize(document).map_err(|error| fault(readable(error.path()), error.inner()))
}

/// The path without the segments that exist only because values carry their place.
fn readable(path: &serde_path_to_error::Path) -> String {
    let whole = path.to_string();
    let segments = whole.split('.').filter(|segment| !segment.starts_with("$__") && *segment != "?");
    // The line says which row of a table it is: `trunk[1].id` is `trunk.id`, as in every other problem.
    let names: Vec<&str> = segments.map(|segment| segment.split('[').next().unwrap_or(segment)).collect();
    names.join(".")
}

/// Splits the parser's sentence into what is wrong and what would be right.
fn explain(message: &str) -> (String, String) {
    let message = message.trim().replace('\n', ", ");
    if let Some((wrong, expected)) = message.split_once(", expected ") {
        return (wrong.to_owned(), format!("expected {expected}"));
    }
    if let Some(field) = message.strip_prefix("missing field ") {
        return (format!("the key {field} is missing"), format!("write {field}, see the comments in config/"));
    }
    (message, "see the comments in config/".to_owned())
}

fn problem_at(path: &Path, text: &str, span: Range<usize>, key: String, wrong: String, right: String) -> Problem {
    let (line, column) = position(text, span.start);
    Problem { file: path.to_owned(), line, column, key, wrong, right }
}
