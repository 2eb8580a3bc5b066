//! Bytes to text and back, for people's eyes only: nothing is decided by decoded text.

use bytes::Bytes;
use encoding_rs::{Encoding, GB18030, GBK, UTF_8};
use serde::{Deserialize, Serialize};

/// The character set in which a peer wants names written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Charset {
    /// RFC 3261.
    #[default]
    Utf8,
    /// Older Chinese PBXs.
    Gbk,
    /// GB 18030: GBK and everything else in four bytes.
    Gb18030,
}

/// Decodes UTF-8, else GB18030, for display. Control characters, and those that turn the direction of writing, are
/// escaped, so that one value stays one line and shows what it is (V30).
pub fn decode(bytes: &[u8]) -> String {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => GB18030.decode_without_bom_handling(bytes).0.into_owned(),
    };
    if text.chars().any(is_dangerous) {
        return text.chars().map(|c| if is_dangerous(c) { c.escape_unicode().to_string() } else { c.into() }).collect();
    }
    text
}

/// Encodes a text as the content of a quoted string: escaped, without control characters, in `charset`. Characters that
/// GBK lacks become `?`.
pub fn quoted(text: &str, charset: Charset) -> Bytes {
    let encoding: &'static Encoding = match charset {
        Charset::Utf8 => UTF_8,
        Charset::Gbk => GBK,
        Charset::Gb18030 => GB18030,
    };
    let mut out = Vec::with_capacity(text.len());
    let mut buffer = [0; 4];
    for c in text.chars() {
        match c {
            '"' => out.extend(b"\\\""),
            '\\' => out.extend(b"\\\\"),
            c if is_dangerous(c) => out.push(b' '),
            c => {
                let (bytes, _, unmappable) = encoding.encode(c.encode_utf8(&mut buffer));
                out.extend_from_slice(if unmappable { b"?" } else { &bytes });
            }
        }
    }
    out.into()
}

fn is_dangerous(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
