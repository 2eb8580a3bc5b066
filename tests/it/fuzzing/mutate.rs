//! A small seeded mutator: the damage that SIP parsers have died of.

use lianxian::base::entropy::Entropy;

/// Pieces that mean something to one of our readers.
const PIECES: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n ",
    b"\r\n\r\n",
    b"\"",
    b"\\",
    b"\\\"",
    b"<",
    b">",
    b";",
    b",",
    b":",
    b"=",
    b"@",
    b"%00",
    b"%",
    b"[",
    b"]",
    b"::",
    b"\0",
    b"\xD5\x5C",
    b"\x81",
    b"\xFF",
    b"\xE8\xAA\xA0",
    b"SIP/2.0",
    b"sip:",
    b"tel:",
    b"Via: ",
    b"l: 5\r\n",
    b"Content-Length: 4294967328\r\n",
    b";tag=",
    b";branch=",
    b"-1",
    b"4294967296",
    b"2147483648",
    b"99999999999999999999",
    b"m=audio 1 RTP/AVP 0\r\n",
    b"a=rtpmap:0 ",
    b"c=IN IP4 ",
    b"((((",
    b",,,,",
    b"\"\"\"\"",
];

/// Damages `seed` one to eight times; now and then grafts a part of `other` into it.
pub(super) fn mutate(seed: &[u8], other: &[u8], entropy: &mut Entropy) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=entropy.below(8) {
        let at = entropy.below(bytes.len() as u64 + 1) as usize;
        let length = entropy.below(24) as usize;
        let end = (at + length).min(bytes.len());
        match entropy.below(8) {
            0 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << entropy.below(8);
                }
            }
            1 => drop(bytes.drain(at..end)),
            2 => {
                let piece = PIECES[entropy.below(PIECES.len() as u64) as usize];
                drop(bytes.splice(at..at, piece.iter().copied()));
            }
            3 => {
                let piece = PIECES[entropy.below(PIECES.len() as u64) as usize];
                drop(bytes.splice(at..end, piece.iter().copied()));
            }
            4 => {
                let copy = bytes[at..end].repeat(1 + entropy.below(20) as usize);
                drop(bytes.splice(at..at, copy));
            }
            5 => bytes.truncate(at),
            6 => {
                let from = entropy.below(other.len() as u64 + 1) as usize;
                let graft = &other[from..(from + length * 4).min(other.len())];
                drop(bytes.splice(at..end, graft.iter().copied()));
            }
            _ => bytes.insert(at, entropy.next_u64() as u8),
        }
    }
    bytes.truncate(64 * 1024);
    bytes
}
