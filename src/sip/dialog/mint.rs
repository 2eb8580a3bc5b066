//! Fresh names: tags, branches and Call-IDs that nobody can guess, and that we know again (security rows V23, V51).

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::base::entropy::Entropy;
use crate::sip::transaction::key::MAGIC_COOKIE;

/// The shard that a tag or Call-ID of ours names. One process is one shard; the number is reserved for a second site.
const SHARD: &str = "00";

/// Hexadecimal digits of the random part of a branch or tag: 64 bits (RFC 3261 19.3 asks for 32).
const SHORT: usize = 16;
/// Hexadecimal digits of the random part of a Call-ID.
const LONG: usize = 32;
/// Hexadecimal digits of the mark that follows the random part of a branch or Call-ID.
const MARK: usize = 16;

/// Makes names and recognises its own.
///
/// A Call-ID or branch is a random part followed by a keyed mark of it. A request that brings one of them back as a new
/// one has gone in a circle, whatever happened to its Max-Forwards (RFC 5393, V51).
#[derive(Clone, Debug)]
pub struct Mint {
    entropy: Entropy,
    key: Hmac<Sha256>,
}

impl Mint {
    /// A mint that draws from `entropy`, its secret first.
    pub fn new(mut entropy: Entropy) -> Self {
        let mut secret = [0; 32];
        for (half, number) in secret.chunks_mut(16).zip([entropy.next_u128(), entropy.next_u128()]) {
            half.copy_from_slice(&number.to_be_bytes());
        }
        let key = Hmac::new_from_slice(&secret).expect("HMAC takes keys of any length");
        Self { entropy, key }
    }

    /// A tag: the shard and 64 random bits.
    pub fn tag(&mut self) -> Bytes {
        Bytes::from(format!("{SHARD}{:016x}", self.entropy.next_u64()))
    }

    /// A branch: magic cookie, 64 random bits, mark.
    pub fn branch(&mut self) -> Bytes {
        let random = format!("{:016x}", self.entropy.next_u64());
        let mark = self.mark(random.as_bytes());
        Bytes::from(format!("z9hG4bK{random}{mark}"))
    }

    /// A Call-ID: the shard, 128 random bits, mark. No host: it would tell the other side who is behind us (V42).
    pub fn call_id(&mut self) -> Bytes {
        let random = format!("{:032x}", self.entropy.next_u128());
        let mark = self.mark(random.as_bytes());
        Bytes::from(format!("{SHARD}{random}{mark}"))
    }

    /// Whether a Call-ID is one of ours.
    pub fn knows_call_id(&self, call_id: &[u8]) -> bool {
        let Some((shard, rest)) = call_id.split_at_checked(SHARD.len()) else { return false };
        shard == SHARD.as_bytes() && self.knows(rest, LONG)
    }

    /// Whether a branch is one of ours.
    pub fn knows_branch(&self, branch: &[u8]) -> bool {
        branch.strip_prefix(MAGIC_COOKIE).is_some_and(|rest| self.knows(rest, SHORT))
    }

    /// The tag of a response without state: the same for the same request (RFC 3261 8.2.7).
    pub fn stateless_tag(&self, of: &[u8]) -> Bytes {
        Bytes::from(format!("{SHARD}{}", self.mark(of)))
    }

    /// Chance for back-off times.
    pub fn entropy(&mut self) -> &mut Entropy {
        &mut self.entropy
    }

    fn knows(&self, name: &[u8], random: usize) -> bool {
        let Some((random, mark)) = name.split_at_checked(random) else { return false };
        mark.len() == MARK && self.mark(random).as_bytes() == mark
    }

    fn mark(&self, of: &[u8]) -> String {
        let digest = self.key.clone().chain_update(of).finalize().into_bytes();
        let mut word = [0; 8];
        for (to, from) in word.iter_mut().zip(digest) {
            *to = from;
        }
        format!("{:016x}", u64::from_be_bytes(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mint_knows_its_own_names_and_no_others() {
        let mut ours = Mint::new(Entropy::from_number(1));
        let mut theirs = Mint::new(Entropy::from_number(2));
        let (call_id, branch) = (ours.call_id(), ours.branch());
        assert!(ours.knows_call_id(&call_id) && ours.knows_branch(&branch));
        assert!(!theirs.knows_call_id(&call_id) && !theirs.knows_branch(&branch));
        assert!(!ours.knows_call_id(&theirs.call_id()) && !ours.knows_branch(&theirs.branch()));
        assert!(!ours.knows_call_id(b"") && !ours.knows_branch(b"z9hG4bK"));
    }

    #[test]
    fn names_differ_and_have_64_random_bits() {
        let mut mint = Mint::new(Entropy::from_number(1));
        let tags: std::collections::HashSet<_> = (0..1000).map(|_| mint.tag()).collect();
        assert_eq!(tags.len(), 1000);
        assert!(tags.iter().all(|tag| tag.len() == SHARD.len() + SHORT));
    }
}
