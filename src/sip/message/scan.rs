//! Where a quoted string ends, and where a list or a parameter is cut: the only reader of quotes.

#![warn(clippy::indexing_slicing)]

use std::cell::Cell;

use bytes::Bytes;

/// How often, on average, each byte of a value that is not UTF-8 may be read in search of a plain close. Without the
/// limit, crafted strings whose two readings end apart would make reading quadratic (V32); an honest value needs one.
const PLAIN_READINGS: usize = 2;

/// One header value, together with how its quoted strings are to be read.
#[derive(Clone)]
pub(in crate::sip) struct Scanner<'a> {
    value: &'a [u8],
    charset: Charset,
}

/// The reading of a value as a whole.
#[derive(Clone)]
enum Charset {
    /// Every byte belongs to valid UTF-8.
    Utf8,
    /// Some string in it is not UTF-8; each string decides for itself.
    Mixed {
        /// Bytes that may still be read in search of a plain close.
        allowance: Cell<usize>,
    },
}

impl<'a> Scanner<'a> {
    pub(in crate::sip) fn new(value: &'a [u8]) -> Self {
        let charset = match std::str::from_utf8(value) {
            Ok(_) => Charset::Utf8,
            Err(_) => Charset::Mixed { allowance: Cell::new(value.len().saturating_mul(PLAIN_READINGS)) },
        };
        Self { value, charset }
    }

    /// The index of the quote that closes the string opened at `open`.
    ///
    /// In a string that is not valid UTF-8 a byte of 0x81 and above takes its follower with it, because the second
    /// byte of a GBK character may be 0x5C, which would otherwise be read as an escape.
    pub(in crate::sip) fn closing_quote(&self, open: usize) -> Option<usize> {
        let start = open.checked_add(1)?;
        match &self.charset {
            Charset::Utf8 => single_byte_close(self.value, start, self.value.len()),
            Charset::Mixed { allowance } => {
                let limit = self.value.len().min(start.saturating_add(allowance.get()));
                let plain = single_byte_close(self.value, start, limit);
                let read = plain.unwrap_or(limit).saturating_sub(start);
                allowance.set(allowance.get().saturating_sub(read));
                let utf8 =
                    |end: &usize| self.value.get(start..*end).is_some_and(|text| std::str::from_utf8(text).is_ok());
                plain.filter(utf8).or_else(|| double_byte_close(self.value, start))
            }
        }
    }

    /// Cuts the value at `separator` outside quoted strings and angle brackets. Parts are trimmed and may be empty.
    pub(in crate::sip) fn split(self, separator: u8) -> Split<'a> {
        Split { scanner: self, separator, at: Some(0) }
    }

    /// The first `separator` at or behind `from`, outside quoted strings and angle brackets. What is opened and not
    /// closed reaches to the end.
    fn find(&self, separator: u8, from: usize) -> Option<usize> {
        let mut at = from;
        loop {
            let found = at.checked_add(memchr::memchr3(separator, b'"', b'<', self.value.get(at..)?)?)?;
            match self.value.get(found)? {
                b'"' => at = self.closing_quote(found)?.checked_add(1)?,
                b'<' => at = found.checked_add(memchr::memchr(b'>', self.value.get(found..)?)?)?.checked_add(1)?,
                _ => return Some(found),
            }
        }
    }
}

/// The parts of a value between separators.
pub(in crate::sip) struct Split<'a> {
    scanner: Scanner<'a>,
    separator: u8,
    at: Option<usize>,
}

impl<'a> Iterator for Split<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let start = self.at?;
        let end = self.scanner.find(self.separator, start);
        self.at = end.map(|end| end.saturating_add(1));
        self.scanner.value.get(start..end.unwrap_or(self.scanner.value.len())).map(<[u8]>::trim_ascii)
    }
}

/// Cuts a comma-separated list; empty members are left out (RFC 3261 7.3.1 forbids them, peers send them).
pub fn split_list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    Scanner::new(value).split(b',').filter(|member| !member.is_empty())
}

/// Removes the quotes of a quoted string and its escapes; other bytes are returned as they are.
pub(super) fn unquote(value: &Bytes) -> Bytes {
    match value.as_ref() {
        [b'"', content @ .., b'"'] if memchr::memchr(b'\\', content).is_none() => value.slice_ref(content),
        [b'"', content @ .., b'"'] => unescape(content).into(),
        _ => value.clone(),
    }
}

/// Removes the backslashes that escape the byte behind them.
pub(super) fn unescape(content: &[u8]) -> Vec<u8> {
    let double_byte = std::str::from_utf8(content).is_err();
    let mut plain = Vec::with_capacity(content.len());
    let mut bytes = content.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => plain.extend(bytes.next()),
            0x81.. if double_byte => {
                plain.push(byte);
                plain.extend(bytes.next());
            }
            _ => plain.push(byte),
        }
    }
    plain
}

/// Makes any bytes the content of a quoted string: quotes and backslashes that nothing escapes are escaped, line ends
/// and other control characters become spaces.
pub(super) fn quotable(content: &[u8]) -> Vec<u8> {
    let double_byte = std::str::from_utf8(content).is_err();
    let mut safe = Vec::with_capacity(content.len());
    let mut bytes = content.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => match bytes.next() {
                Some(escaped) if !matches!(escaped, b'\r' | b'\n') => safe.extend([byte, escaped]),
                Some(_) | None => safe.extend(b"\\\\"),
            },
            b'"' => safe.extend(b"\\\""),
            0x81.. if double_byte => {
                safe.push(byte);
                // A character torn at the end would swallow the closing quote.
                match bytes.next() {
                    Some(trail) if trail >= 0x30 => safe.push(trail),
                    Some(_) | None => *safe.last_mut().expect("a byte was pushed above") = b'?',
                }
            }
            0..0x20 | 0x7f => safe.push(b' '),
            _ => safe.push(byte),
        }
    }
    safe
}

fn single_byte_close(value: &[u8], start: usize, limit: usize) -> Option<usize> {
    let mut at = start;
    loop {
        let found = at.checked_add(memchr::memchr2(b'"', b'\\', value.get(at..limit)?)?)?;
        if value.get(found) == Some(&b'"') {
            return Some(found);
        }
        at = found.checked_add(2)?;
    }
}

fn double_byte_close(value: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        match value.get(at)? {
            b'"' => return Some(at),
            b'\\' | 0x81.. => at = at.checked_add(2)?,
            _ => at = at.checked_add(1)?,
        }
    }
}
