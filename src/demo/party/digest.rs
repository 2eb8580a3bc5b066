//! The agent's proof of its password (RFC 7616), for whichever of two algorithms is offered.

use md5::Md5;
use sha2::{Digest, Sha256};

/// The value of Authorization that answers one challenge; `None` if it cannot be read.
pub(super) fn answer(challenge: &str, user: &str, password: &str, method: &str, uri: &str) -> Option<String> {
    let part = |name: &str| {
        challenge.trim_start_matches("Digest").split(',').find_map(|part| {
            let (own, value) = part.trim().split_once('=')?;
            own.eq_ignore_ascii_case(name).then(|| value.trim_matches('"').to_owned())
        })
    };
    let (realm, nonce) = (part("realm")?, part("nonce")?);
    let algorithm = part("algorithm").unwrap_or_else(|| "MD5".to_owned());
    let hash = |text: String| match algorithm.as_str() {
        "SHA-256" => Some(hexadecimal(&Sha256::digest(text.as_bytes()))),
        "MD5" => Some(hexadecimal(&Md5::digest(text.as_bytes()))),
        _ => None,
    };
    let (count, client) = ("00000001", "c0ffee00c0ffee00");
    let secret = hash(format!("{user}:{realm}:{password}"))?;
    let request = hash(format!("{method}:{uri}"))?;
    let response = hash(format!("{secret}:{nonce}:{count}:{client}:auth:{request}"))?;
    let opaque = part("opaque").map(|opaque| format!(", opaque=\"{opaque}\"")).unwrap_or_default();
    Some(format!(
        "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", \
         algorithm={algorithm}, qop=auth, nc={count}, cnonce=\"{client}\"{opaque}"
    ))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_of_either_algorithm_is_answered_and_others_are_not() {
        let challenge = |algorithm| format!("Digest realm=\"r\", nonce=\"n\", algorithm={algorithm}, qop=\"auth\"");
        let response = |algorithm| {
            let value = answer(&challenge(algorithm), "1001", "p", "REGISTER", "sip:r")?;
            let (_, rest) = value.split_once("response=\"")?;
            Some(rest.split('"').next()?.len())
        };
        assert_eq!((response("MD5"), response("SHA-256"), response("SHA-512-256")), (Some(32), Some(64), None));
    }
}
