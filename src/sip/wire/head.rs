//! Start line and headers.

#![warn(clippy::indexing_slicing)]

use bytes::Bytes;

use super::limits::{Broken, Defect, Limits};
use crate::sip::message::{Headers, Method, Name, Response, Uri, decimal, is_token};

/// A start line.
pub(super) enum Start {
    Request {
        method: Method,
        uri: Uri,
    },
    Response {
        code: u16,
        reason: Bytes,
    },
    /// A request whose URI or version is not ours; it can be answered if it has a Via.
    Unreadable {
        method: Option<Method>,
    },
}

/// What stands before the body.
pub(super) struct Head {
    pub(super) start: Start,
    pub(super) headers: Headers,
    /// Content-Length, if there is one.
    pub(super) length: Option<u64>,
    /// The first thing that is wrong and cannot be overlooked.
    pub(super) defect: Option<Defect>,
}

impl Head {
    /// Reads `text`, which ends before the empty line. Reads on behind a defect, so that an answer can be built.
    pub(super) fn read(text: &Bytes, limits: &Limits) -> Self {
        let (line, rest) = first_line(text);
        let (start, start_defect) = match read_start(text, line) {
            Ok(start) => (start, None),
            Err((method, defect)) => (Start::Unreadable { method }, Some(defect)),
        };
        let mut head = Self { start, headers: Headers::with_capacity(24), length: None, defect: start_defect };
        let mut counts = Counts::default();
        for line in Lines::new(rest) {
            if head.headers.len() == limits.header_count {
                head.note(Defect::TooManyHeaders);
                break;
            }
            head.read_line(text, &line, limits, &mut counts);
        }
        head
    }

    /// Refuses the message, with an answer where one is due.
    pub(super) fn refuse(self, reason: Defect, close: bool) -> Broken {
        let method = match &self.start {
            Start::Request { method, .. } | Start::Unreadable { method: Some(method) } => Some(method),
            Start::Response { .. } | Start::Unreadable { method: None } => None,
        };
        // RFC 3261 17.1.1.3: an ACK is never answered. Without a Via nobody waits for an answer.
        let due = method.is_some_and(|method| *method != Method::Ack) && self.headers.top_via().is_ok();
        let answer = due.then(|| {
            let mut response = Response::to_headers(reason.code(), &self.headers);
            response.reason = [&response.reason, &b": "[..], reason.as_str().as_bytes()].concat().into();
            Box::new(response)
        });
        Broken { reason, answer, close }
    }

    fn note(&mut self, defect: Defect) {
        self.defect.get_or_insert(defect);
    }

    fn read_line(&mut self, text: &Bytes, line: &Line<'_>, limits: &Limits, counts: &mut Counts) {
        if line.text.len() > limits.header_value {
            return self.note(Defect::HeaderTooLong);
        }
        let Some((name, value)) = line.cut().filter(|(name, _)| is_token(name)) else {
            return self.headers.discard();
        };
        if has_control_characters(value) {
            return self.headers.discard();
        }
        let name = Name::of(text, name);
        let value = if line.folded { unfold(value) } else { text.slice_ref(value) };
        if name == Name::ContentLength {
            // RFC 4475 3.3.9: two lengths, even equal ones, are two opinions on where the message ends.
            let Some(length) = decimal(&value).filter(|_| self.length.is_none()) else {
                return self.note(Defect::ContentLength);
            };
            self.length = Some(length);
        } else if name == Name::Via && counts.via(&value) > limits.via_count {
            return self.note(Defect::TooManyVias);
        } else if matches!(name, Name::Route | Name::RecordRoute | Name::Contact)
            && counts.route(&value) > limits.route_count
        {
            return self.note(Defect::TooManyRoutes);
        }
        self.headers.push(name, value);
    }
}

/// How many values of the headers that grow by a hop each have been seen.
#[derive(Default)]
struct Counts {
    vias: usize,
    routes: usize,
}

impl Counts {
    fn via(&mut self, value: &[u8]) -> usize {
        self.vias = self.vias.saturating_add(members(value));
        self.vias
    }

    fn route(&mut self, value: &[u8]) -> usize {
        self.routes = self.routes.saturating_add(members(value));
        self.routes
    }
}

/// At most as many members as the value can have: commas in quotes are counted too.
fn members(value: &[u8]) -> usize {
    memchr::memchr_iter(b',', value).count().saturating_add(1)
}

/// Content-Length of a head, without reading anything else.
pub(super) fn content_length(text: &[u8]) -> Result<Option<u64>, Defect> {
    let mut found = None;
    for line in Lines::new(first_line(text).1) {
        let Some((name, value)) = line.cut() else { continue };
        if name.eq_ignore_ascii_case(b"Content-Length") || name.eq_ignore_ascii_case(b"l") {
            let length = decimal(value).filter(|_| found.is_none()).ok_or(Defect::ContentLength)?;
            found = Some(length);
        }
    }
    Ok(found)
}

/// One header line with what was folded under it.
struct Line<'a> {
    text: &'a [u8],
    folded: bool,
}

impl<'a> Line<'a> {
    /// Name and value, both trimmed (RFC 3261 7.3.1 allows white space before the colon).
    fn cut(&self) -> Option<(&'a [u8], &'a [u8])> {
        let (name, value) = self.text.split_at_checked(memchr::memchr(b':', self.text)?)?;
        Some((name.trim_ascii_end(), value.get(1..)?.trim_ascii()))
    }
}

/// The header lines of a head.
struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Lines<'a> {
    fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let whole = self.rest;
        let mut folded = false;
        let mut end = 0_usize;
        loop {
            let tail = whole.get(end..).unwrap_or_default();
            let Some(at) = memchr::memchr(b'\n', tail) else {
                end = whole.len();
                break;
            };
            end = end.saturating_add(at).saturating_add(1);
            if !matches!(whole.get(end), Some(b' ' | b'\t')) {
                break;
            }
            folded = true;
        }
        let (line, rest) = whole.split_at_checked(end)?;
        self.rest = rest;
        Some(Line { text: strip_line_end(line), folded })
    }
}

fn first_line(text: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr::memchr(b'\n', text).map_or(text.len(), |at| at.saturating_add(1));
    let (line, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
    (strip_line_end(line), rest)
}

fn strip_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn read_start(text: &Bytes, line: &[u8]) -> Result<Start, (Option<Method>, Defect)> {
    if line.get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"SIP/")) {
        return read_status(text, line).ok_or((None, Defect::StatusLine));
    }
    let line = line.trim_ascii_end();
    let space = memchr::memchr(b' ', line).ok_or((None, Defect::NotSip))?;
    let (method, rest) = line.split_at_checked(space).ok_or((None, Defect::NotSip))?;
    if !is_token(method) {
        return Err((None, Defect::NotSip));
    }
    let method = Method::of(text, method);
    let fail = |defect| (Some(method.clone()), defect);
    let rest = rest.trim_ascii_start();
    let (uri, version) = memchr::memrchr(b' ', rest)
        .and_then(|at| rest.split_at_checked(at))
        .map(|(uri, version)| (uri.trim_ascii_end(), version.trim_ascii_start()))
        .ok_or_else(|| fail(Defect::RequestLine))?;
    if !version.eq_ignore_ascii_case(b"SIP/2.0") {
        let other = version.get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"SIP/"));
        return Err(fail(if other { Defect::Version } else { Defect::RequestLine }));
    }
    let uri = Uri::of(text, uri).ok().filter(|uri| uri.headers().is_empty()).ok_or_else(|| fail(Defect::RequestUri))?;
    Ok(Start::Request { method, uri })
}

fn read_status(text: &Bytes, line: &[u8]) -> Option<Start> {
    let rest = line.get(7..).filter(|_| line.get(..7).is_some_and(|word| word.eq_ignore_ascii_case(b"SIP/2.0")))?;
    let rest = rest.strip_prefix(b" ")?.trim_ascii_start();
    let end = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, reason) = rest.split_at_checked(end)?;
    let code = decimal(digits).filter(|_| digits.len() == 3).and_then(|code| u16::try_from(code).ok())?;
    let separated = matches!(reason.first(), None | Some(b' '));
    let reason = text.slice_ref(reason.trim_ascii());
    ((100..700).contains(&code) && separated).then_some(Start::Response { code, reason })
}

/// Control characters other than tab and line ends of folding, unless a backslash stands before them: RFC 3261 25.1
/// allows those in a quoted string, RFC 4475 3.1.1.2 sends them.
fn has_control_characters(value: &[u8]) -> bool {
    let suspicious = value.iter().fold(false, |found, byte| found | (*byte < b' '));
    if !suspicious {
        return false;
    }
    let mut previous = 0;
    for (index, byte) in value.iter().enumerate() {
        let innocent = match byte {
            b'\t' | b'\n' => true,
            b'\r' => value.get(index.saturating_add(1)) == Some(&b'\n'),
            0..0x20 => previous == b'\\',
            _ => true,
        };
        if !innocent {
            return true;
        }
        previous = *byte;
    }
    false
}

/// RFC 3261 7.3.1: a line end and the white space after it mean one space.
fn unfold(value: &[u8]) -> Bytes {
    let mut flat = Vec::with_capacity(value.len());
    for (index, line) in value.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if index == 0 {
            flat.extend_from_slice(line.trim_ascii_end());
        } else {
            flat.push(b' ');
            flat.extend_from_slice(line.trim_ascii());
        }
    }
    flat.into()
}
