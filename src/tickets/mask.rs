//! A ticket for readers who may not see whom it is about.

use crate::base::pii::Pii;
use crate::tickets::ticket::Ticket;

impl Ticket {
    /// The same ticket with every personal datum of the citizen masked: numbers as everywhere (`139****1111`), of a
    /// name the first character, of free text only that there is some. Its hash is that of the whole one.
    pub fn masked(&self) -> Self {
        let mut ticket = self.clone();
        let caller = &mut ticket.caller;
        let numbers = [&mut caller.number_raw, &mut caller.number_e164, &mut caller.presented_number];
        for number in numbers.into_iter().chain([&mut caller.contact, &mut caller.id_no]) {
            *number = Pii::new(number.to_string());
        }
        caller.name = name(&caller.name);
        for words in [&mut ticket.appeal.title, &mut ticket.appeal.content, &mut ticket.incident.address] {
            *words = text(words);
        }
        ticket.incident.lon = None;
        ticket.incident.lat = None;
        ticket
    }
}

/// A Chinese name is too short for the rule of numbers, which shows five characters.
fn name(name: &Pii) -> Pii {
    Pii::new(name.reveal().chars().take(1).map(|first| format!("{first}**")).collect::<String>())
}

/// The first and the last words of a text may be the very ones that matter.
fn text(text: &Pii) -> Pii {
    Pii::new(if text.reveal().is_empty() { "" } else { "****" })
}
