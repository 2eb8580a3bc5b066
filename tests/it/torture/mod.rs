//! Torture messages: RFC 4475, RFC 5118 and our own cases, with the verdict of each.
//!
//! Every message here is written by us after the description of its section, with the same defect or oddity; the RFCs'
//! own bytes are not part of this tree. Where a folder of them exists, `LIANXIAN_CORPORA` names it and the same table
//! of verdicts is run over its files, byte for byte.

mod corpora;
mod endpoint;
mod far_leg;
mod letter;
mod own_cases;
mod rfc4475;
mod rfc5118;
mod verdict;

/// Every message of the two RFCs by name, for a replay against the running daemon.
pub(crate) fn letters() -> Vec<(&'static str, Vec<u8>)> {
    let old = rfc4475::VERDICTS.iter().map(|(_, name, _)| (*name, rfc4475::letter(name)));
    let six = rfc5118::VERDICTS.iter().map(|(_, name, _)| (*name, rfc5118::letter(name)));
    old.chain(six).collect()
}
