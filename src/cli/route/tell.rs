//! The answer on the screen, for somebody who sees it for the first time; and as JSON.

use std::fmt::Write as _;
use std::io::Write;

use serde::Serialize;

use super::said::{Said, Target};
use super::{Misasked, Question};
use crate::base::time::LocalTime;
use crate::cli::Form;
use crate::routing::Refusal;
use crate::routing::config::{Class, Priority, Transport};

/// The whole answer as JSON: `goes` says whether the call goes anywhere.
#[derive(Serialize)]
struct Answer<'a> {
    goes: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
    #[serde(flatten)]
    said: Option<&'a Said>,
}

/// Tells the answer. Nobody may be reading; the exit code says it anyway.
pub(super) fn tell(question: &Question, at: LocalTime, said: &Result<Said, Refusal>, form: Form) {
    let text = match form {
        Form::Json => {
            let answer = Answer {
                goes: said.is_ok(),
                refusal: said.as_ref().err().map(Refusal::to_string),
                said: said.as_ref().ok(),
            };
            serde_json::to_string(&answer).unwrap_or_default()
        }
        Form::Text => text(question, at, said),
    };
    writeln!(std::io::stdout(), "{}", text.trim_end()).ok();
}

/// Tells what is wrong with the question.
pub(super) fn misasked(misasked: &Misasked) {
    writeln!(std::io::stderr(), "lianxian: {misasked}").ok();
}

fn text(question: &Question, at: LocalTime, said: &Result<Said, Refusal>) -> String {
    let number = question.number();
    let number = number.reveal();
    let mut out = match (&question.to, &question.dnis) {
        (Some(to), _) => format!("{} hands the call of {number} to {to}, {at}\n\n", question.from),
        (None, called) => format!("{number} calls {}, {at}\n\n", called.as_deref().unwrap_or_default()),
    };
    match said {
        Ok(said) => goes(&mut out, said),
        Err(refusal) => {
            // Writing to a string cannot fail.
            writeln!(out, "goes nowhere: {refusal}").ok();
            writeln!(out, "configuration: {}", question.config().display()).ok();
        }
    }
    out
}

fn goes(out: &mut String, said: &Said) {
    let urgent = match said.priority {
        Priority::Emergency => ", emergency: may use the reserve",
        Priority::Normal => "",
    };
    writeln!(out, "goes to    {} {}{urgent}", said.hotline, said.name).ok();
    match &said.territory {
        Some(place) => {
            writeln!(out, "territory  {} {} ({}), {}", place.code, place.name, place.full_name, place.because).ok()
        }
        None => writeln!(out, "territory  not known: nothing says it, and there is no default_region").ok(),
    };
    if said.withheld {
        writeln!(out, "number     withheld: only the trust domain sees it").ok();
    }
    if let Some(tag) = &said.tag {
        writeln!(out, "tag        {tag}").ok();
    }
    let answered = if said.answering == "on_queue" { "answered in the queue" } else { "answered by a person" };
    writeln!(out, "meanwhile  each party rings {} s; the caller is {answered}", said.ring_timeout_s).ok();
    for (index, step) in said.steps.iter().enumerate() {
        target(out, index + 1, step);
    }
    for closed in &said.closed {
        writeln!(out, "\nnot now    {}: open {}", closed.target, closed.hours).ok();
    }
    writeln!(out, "\nwhy").ok();
    for reason in &said.why {
        writeln!(out, "  {reason}").ok();
    }
}

/// One target in words.
pub(super) fn target(out: &mut String, place: usize, target: &Target) {
    match target {
        Target::Group { class, group, agents } => {
            writeln!(out, "\n{place}. group {group} ({}): {}", class_word(*class), agents.join(", ")).ok();
        }
        Target::Trunk { class, trunk, number, gateways, invite, presented } => {
            writeln!(out, "\n{place}. {number} on trunk {trunk} ({})", class_word(*class)).ok();
            for gateway in gateways {
                let transport = match gateway.transport {
                    Transport::Udp => "udp",
                    Transport::Tcp => "tcp",
                };
                writeln!(
                    out,
                    "   gateway {} {transport}, priority {} weight {}",
                    gateway.address, gateway.priority, gateway.weight
                )
                .ok();
            }
            if let Some(presented) = presented {
                let by = presented.carried_by.join(", ");
                let by = if by.is_empty() { "no header".to_owned() } else { by };
                writeln!(out, "   From shows {}; the citizen's number is in {by}", presented.shown).ok();
            }
            if let Some(invite) = invite {
                writeln!(out, "   | INVITE {} SIP/2.0", invite.request_uri).ok();
                for header in &invite.headers {
                    writeln!(out, "   | {}: {}", header.name, header.value).ok();
                }
            }
        }
    }
}

const fn class_word(class: Class) -> &'static str {
    match class {
        Class::Dedicated => "dedicated",
        Class::Normal => "normal",
        Class::Overflow => "overflow",
        Class::DutyDesk => "duty desk",
    }
}
