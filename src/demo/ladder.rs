//! The ladder: who sent what to lianxian and got what from it, by the wall clock that all processes share.

use std::io::{self, Write};

use serde::Serialize;

/// A message between somebody and lianxian.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Message {
    pub(super) at_ms: u64,
    pub(super) who: String,
    pub(super) part: &'static str,
    pub(super) sent: bool,
    pub(super) what: String,
}

/// Writes the messages in their order: citizens on the left, everybody else on the right.
pub(super) fn write(out: &mut dyn Write, messages: &[Message]) -> io::Result<()> {
    let mut messages: Vec<&Message> = messages.iter().collect();
    messages.sort_by_key(|message| message.at_ms);
    let start = messages.first().map_or(0, |message| message.at_ms);
    writeln!(out, "      ms  {:<30}{:^24}{:>30}", "citizen", "lianxian", "service")?;
    for message in messages {
        let arrow = |towards_right: bool| if towards_right { "-->" } else { "<--" };
        write!(out, "  {:>6}  ", message.at_ms.saturating_sub(start))?;
        if message.part == "citizen" {
            writeln!(out, "{:<21} {} {}", message.who, arrow(message.sent), message.what)?;
        } else {
            let what = format!("{} {}", message.what, arrow(!message.sent));
            writeln!(out, "{:>68} {}", what, message.who)?;
        }
    }
    Ok(())
}
