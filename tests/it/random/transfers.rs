//! Transfers in a random run: pressed by REFER and by command, twice, on hold, given up, and with every goodbye.

use std::time::Duration;

use lianxian::base::ids::{CommandId, TransferId};
use lianxian::call::command::{Accepted, By, CallSelector, Command, Mode, Particulars};
use lianxian::switch;

use super::plan::Deed;
use crate::world::World;
use crate::world::chance::Chance;
use crate::world::phone::{OnNotify, Phase};

/// Presses of one seed.
const PRESSES: usize = 40;
/// Where a press wants to go: what is configured, and what is not.
const NUMBERS: [&str; 5] = ["110", "110", "12345", "12345", "119"];
/// How long after the 202 the transferor hangs up, if it does; then how it takes the reports.
const BYES_MS: [Option<u64>; 6] = [None, None, Some(0), Some(50), Some(280), Some(1000)];
const ON_NOTIFY: [OnNotify; 4] = [OnNotify::Accept, OnNotify::Accept, OnNotify::Unknown, OnNotify::Ignore];

/// Who transfers what, when and how. Its dice are its own, so that the calls of a seed do not hang on them.
pub(super) struct Transfers {
    chance: Chance,
    /// The latest transfer that a command began.
    latest: Option<TransferId>,
}

impl Transfers {
    /// The transfers of a seed.
    pub(super) const fn new(seed: u64) -> Self {
        Self { chance: Chance::new(seed ^ 0x7A45_FE45), latest: None }
    }

    /// The presses, and what goes with them.
    pub(super) fn deeds(&mut self) -> Vec<(Duration, Deed, usize)> {
        let mut deeds = Vec::new();
        for _ in 0..PRESSES {
            let (at, agent) = (self.chance.millis(1000, 290_000), self.chance.between(0, 5) as usize);
            let press = if self.chance.happens(300) { Deed::CommandsTransfer } else { Deed::RefersCaller };
            deeds.push((at, press, agent));
            match self.chance.between(0, 8) {
                0 => deeds.push((at.saturating_sub(Duration::from_millis(400)), Deed::AgentHolds, agent)),
                1 => deeds.push((at + self.chance.millis(0, 3000), press, agent)),
                2 => deeds.push((at + self.chance.millis(0, 5000), Deed::GivesTransferUp, agent)),
                3 => deeds.push((at + self.chance.millis(0, 3000), Deed::AgentDies, agent)),
                _ => {}
            }
        }
        deeds
    }

    /// The agent's telephone sends REFER, and has made up its mind what it does after that.
    pub(super) fn refers(&mut self, w: &mut World, agent: usize) {
        let manners = &mut w.phones[agent].manners;
        manners.bye_after_refer = self.one_of(BYES_MS).map(Duration::from_millis);
        manners.on_notify = self.one_of(ON_NOTIFY);
        let number = self.one_of(NUMBERS);
        w.transfers(agent, number);
    }

    /// A console names the agent's leg and hands its call on.
    pub(super) fn commands(&mut self, w: &mut World, agent: usize) {
        let command = Command::Transfer {
            to: self.one_of(NUMBERS).to_owned(),
            mode: Mode::OneClick,
            territory: None,
            particulars: Box::new(Particulars::default()),
            by: By::Console,
        };
        if let Some(Accepted::Transfer { transfer, .. }) = ask(w, agent, command) {
            self.latest = Some(transfer);
        }
    }

    /// The console gives up what it began last.
    pub(super) fn gives_up(&mut self, w: &mut World, agent: usize) {
        if let Some(transfer) = self.latest {
            ask(w, agent, Command::CancelTransfer { transfer, by: By::Console });
        }
    }

    fn one_of<T: Copy, const N: usize>(&mut self, from: [T; N]) -> T {
        from[self.chance.between(0, N as u64) as usize]
    }
}

fn ask(w: &mut World, agent: usize, command: Command) -> Option<Accepted> {
    let up = w.phones[agent].live().filter(|dialog| dialog.phase == Phase::Up).last()?;
    let call = CallSelector::SipCallId(up.call_id.clone());
    let id = CommandId(w.product.replies.len() as u64 + 1);
    w.command(switch::Command::Call { id, call, command });
    let (answered, reply) = w.product.replies.last().expect("each command is answered at once");
    assert_eq!(*answered, id, "each command is answered at once");
    reply.ok()
}
