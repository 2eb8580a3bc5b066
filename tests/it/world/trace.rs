//! The trace as a person reads it.

use lianxian::base::time::Instant;
use lianxian::media;
use lianxian::sip::fact::Observation;

use super::sip_writer::SipText;
use super::step::{Cause, Effect, Step};

/// A step as a person reads it.
pub fn step_lines(step: &Step) -> String {
    let effects: String = step.effects.iter().map(effect_line).collect();
    format!("{:9.3}  {}{effects}", seconds(step.at), cause_line(&step.cause))
}

/// The seconds since the world began.
pub fn seconds(at: Instant) -> f64 {
    at.as_nanos() as f64 / 1e9
}

fn cause_line(cause: &Cause) -> String {
    match cause {
        Cause::Sip { party, message, .. } => format!("<- {} {}", name(*party), short(message)),
        Cause::Rtp { party, .. } => format!("<- {} rtp", name(*party)),
        Cause::Media(leg, fact) => format!("media {leg}: {fact:?}"),
        Cause::Disk(entry, word) => format!("disk: entry {} {word:?}", entry.seq),
        Cause::Other(what) => (*what).to_owned(),
        Cause::Deadline => "deadline".to_owned(),
    }
}

fn effect_line(effect: &Effect) -> String {
    match effect {
        Effect::Sip { party, message, .. } => format!("\n             -> {} {}", name(*party), short(message)),
        Effect::Rtp { .. } => String::new(),
        Effect::Media(order) => format!("\n             media {}", order_line(order)),
        Effect::Published(notice) => format!("\n             notice {}", cut(&format!("{notice:?}"))),
        Effect::Recorded(entry) => {
            format!("\n             entry {} {}", entry.id.seq, cut(&format!("{:?}", entry.facts)))
        }
        Effect::Observed(observation) => match observation {
            Observation::ParseError { .. } | Observation::Refused { .. } | Observation::Ignored { .. } => {
                format!("\n             observed {}", cut(&format!("{observation:?}")))
            }
            Observation::Request { .. } | Observation::Response { .. } | Observation::Retransmission => String::new(),
        },
    }
}

fn order_line(order: &media::order::Order) -> String {
    cut(&format!("{order:?}"))
}

fn cut(text: &str) -> String {
    text.chars().take(160).collect()
}

fn name(party: Option<usize>) -> String {
    party.map_or_else(|| "stranger".to_owned(), |id| format!("party {id}"))
}

fn short(message: &SipText) -> String {
    let (cseq, method) = message.cseq();
    let call = message.call_id();
    format!("{} [{cseq} {method}] {}", message.start.trim_start_matches("SIP/2.0 "), &call[..call.len().min(22)])
}
