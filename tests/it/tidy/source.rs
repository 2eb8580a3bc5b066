//! The source as tidy sees it: files with comments and literals blanked out, line for line.

use std::fs;
use std::path::{Path, PathBuf};

/// One source file.
pub(super) struct Source {
    /// Relative to the package, with forward slashes: `src/sip/wire/mod.rs`.
    pub(super) path: String,
    /// As written.
    pub(super) text: String,
    /// The same length in lines, with comments, strings and characters replaced by blanks.
    pub(super) code: String,
}

impl Source {
    /// A source of this text, for the tests of tidy itself.
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), code: blank_out(text) }
    }

    /// The module path inside its crate: `src/sip/wire/mod.rs` is `["sip", "wire"]`, a crate root is empty.
    pub(super) fn module(&self) -> Vec<&str> {
        let inner =
            self.path.strip_prefix("src/").or_else(|| self.path.strip_prefix("tests/it/")).unwrap_or(&self.path);
        let inner = inner.strip_suffix(".rs").unwrap_or(inner);
        let mut module: Vec<&str> = inner.split('/').collect();
        if matches!(module.last(), Some(&"mod")) || matches!(module.as_slice(), ["lib" | "main"]) {
            module.pop();
        }
        module
    }

    /// The top folder of `src` (or the name of a file that lies there): the unit of the import table.
    pub(super) fn folder(&self) -> &str {
        let inner = self.path.strip_prefix("src/").unwrap_or(&self.path);
        inner.split('/').next().map_or(inner, |first| first.strip_suffix(".rs").unwrap_or(first))
    }

    /// Whether a byte of `code` belongs to unit tests: a file of them, or the module at the end of a file.
    pub(super) fn is_test(&self, offset: usize) -> bool {
        let module = self.code.find("#[cfg(test)]\nmod tests {");
        self.module().contains(&"tests") || module.is_some_and(|module| offset > module)
    }

    /// The line number at a byte of `code`, from 1.
    pub(super) fn line_at(&self, offset: usize) -> usize {
        self.code[..offset].bytes().filter(|byte| *byte == b'\n').count() + 1
    }

    /// `path:line` of a byte of `code`.
    pub(super) fn place(&self, offset: usize) -> String {
        format!("{}:{}", self.path, self.line_at(offset))
    }

    /// Byte offsets of `word` in `code` where it stands alone: not part of a longer identifier.
    pub(super) fn find_word<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        self.code.match_indices(word).map(|(offset, _)| offset).filter(move |&offset| {
            let starts_clean = !word.starts_with(is_word) || !self.code[..offset].ends_with(is_word);
            let ends_clean = !word.ends_with(is_word) || !self.code[offset + word.len()..].starts_with(is_word);
            starts_clean && ends_clean
        })
    }
}

/// Whether a character continues an identifier.
pub(super) fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The package's folder.
pub(super) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file of the product.
pub(super) fn product() -> Vec<Source> {
    rust_files("src")
}

/// Every Rust file of the integration tests.
pub(super) fn tests() -> Vec<Source> {
    rust_files("tests/it")
}

/// Every file below the package that belongs to the project, by relative path; build output and history left out.
pub(super) fn all_files() -> Vec<String> {
    let mut found = Vec::new();
    walk(&root(), &mut found);
    found.iter().filter_map(|path| relative(path)).collect()
}

fn rust_files(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    let sources: Vec<Source> = found
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| {
            let text = fs::read_to_string(path).expect("a source file is readable UTF-8");
            Source::new(&relative(path).expect("it lies below the package"), &text)
        })
        .collect();
    assert!(!sources.is_empty(), "{folder} holds no source: the rules would pass without looking");
    sources
}

fn relative(path: &Path) -> Option<String> {
    path.strip_prefix(root()).ok().map(|inner| inner.to_string_lossy().replace('\\', "/"))
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).expect("a source folder is readable").map(|entry| entry.expect("entry").path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() {
            if !matches!(name.as_str(), "target" | ".git" | "data" | "node_modules" | "corpus" | "__pycache__") {
                walk(&path, found);
            }
        } else {
            found.push(path);
        }
    }
}

/// Replaces comments and literals by blanks of the same length; line breaks stay.
fn blank_out(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let Some(end) = literal_end(bytes, at) else {
            at += 1;
            continue;
        };
        for byte in &mut out[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    String::from_utf8(out).expect("whole literals were replaced, so no character was cut")
}

/// Where the comment, string or character that starts at `at` ends; `None` if none starts there.
fn literal_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    let after_word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    match rest {
        [b'/', b'/', ..] => Some(at + rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())),
        [b'/', b'*', ..] => Some(block_comment_end(bytes, at)),
        [b'r', b'"' | b'#', ..] if !after_word => raw_string_end(bytes, at + 1),
        [b'b', b'r', b'"' | b'#', ..] if !after_word => raw_string_end(bytes, at + 2),
        [b'"', ..] => Some(quoted_end(bytes, at + 1, b'"')),
        [b'\'', b'\\', ..] => Some(quoted_end(bytes, at + 1, b'\'')),
        [b'\'', ..] => {
            let width = match rest.get(1)? {
                0..=0x7f => 1,
                0x80..=0xdf => 2,
                0xe0..=0xef => 3,
                0xf0.. => 4,
            };
            // Otherwise it is a lifetime.
            (rest.get(1 + width) == Some(&b'\'')).then_some(at + 2 + width)
        }
        _ => None,
    }
}

fn quoted_end(bytes: &[u8], mut at: usize, quote: u8) -> usize {
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn raw_string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let hashes = bytes[at..].iter().take_while(|byte| **byte == b'#').count();
    if bytes.get(at + hashes) != Some(&b'"') {
        return None; // `r#type`, a raw identifier
    }
    let close: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    let body = at + hashes + 1;
    let length = bytes[body..].windows(close.len()).position(|window| window == close);
    Some(length.map_or(bytes.len(), |length| body + length + close.len()))
}

fn block_comment_end(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0;
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'*', ..] => {
                depth += 1;
                at += 2;
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

#[test]
fn comments_and_literals_are_blanked_and_code_is_not() {
    let text = "let a = \"tokio \\\" x\"; // tokio\n/* tokio /* x */ tokio */ fn f<'a>(c: &'a str) { '\"'; r#\"tokio\"#; '人'; }";
    let source = Source::new("src/base/x.rs", text);
    assert_eq!(source.find_word("tokio").count(), 0, "{}", source.code);
    assert_eq!(source.find_word("fn").map(|at| source.line_at(at)).collect::<Vec<_>>(), [2]);
    assert!(source.code.contains("<'a>(c: &'a str)"), "{}", source.code);
    assert_eq!(source.code.lines().count(), text.lines().count());
}

#[test]
fn a_path_tells_its_module_and_folder() {
    let source = Source::new("src/sip/wire/mod.rs", "");
    assert_eq!((source.module(), source.folder()), (vec!["sip", "wire"], "sip"));
    let source = Source::new("src/main.rs", "");
    assert_eq!((source.module(), source.folder()), (vec![], "main"));
    let source = Source::new("src/sip/auth.rs", "");
    assert_eq!((source.module(), source.folder()), (vec!["sip", "auth"], "sip"));
}
