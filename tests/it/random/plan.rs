//! What happens in one random run: who calls when, who behaves how, what the network does.

use std::time::Duration;

use super::transfers::Transfers;
use crate::world::World;
use crate::world::chance::Chance;
use crate::world::net::{Faults, Way};
use crate::world::phone::{Acks, Health, Line, OfferStyle, OnInvite, Phase, codecs};
use crate::world::store::Disk;

/// Calls of one seed.
const CALLS: usize = 20;
/// Length of the fault mode.
const FAULTS_S: u64 = 300;

/// One thing that somebody does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deed {
    Call,
    HangUp,
    Hold,
    Resume,
    KeyByInfo,
    KeyByRtp,
    CallerRestarts,
    AgentHangsUp,
    AgentHolds,
    AgentResumes,
    AgentRestarts,
    AgentDies,
    AgentLives,
    AgentLosesConnection,
    AgentBehaves,
    AgentFallsSilent,
    RefersCaller,
    CommandsTransfer,
    GivesTransferUp,
}

/// A run to be made.
pub(super) struct Plan {
    seed: u64,
    chance: Chance,
    transfers: Transfers,
}

/// What a run came to: equal for equal seeds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    talks: usize,
    restored: u64,
    heard: Vec<String>,
}

impl Plan {
    /// The run of a seed.
    pub(super) const fn new(seed: u64) -> Self {
        Self { seed, chance: Chance::new(seed ^ 0x5EED_0F1A), transfers: Transfers::new(seed) }
    }

    /// Makes the run: fault mode, then liveness.
    pub(super) fn run(mut self) -> Outcome {
        let mut w = World::new(self.seed);
        w.store.disk = Disk::Moody;
        let agents = self.people(&mut w);
        self.network(&mut w);
        w.restore_per_mille = 60;
        self.faults(&mut w, &agents);
        self.liveness(&mut w, &agents);
        Outcome {
            talks: w.phones.iter().flat_map(|phone| &phone.dialogs).filter(|dialog| dialog.up_at.is_some()).count(),
            restored: w.restored,
            heard: w.phones.iter().map(|phone| format!("{:?}", phone.log)).collect(),
        }
    }

    fn people(&mut self, w: &mut World) -> Vec<usize> {
        let mut agents = Vec::new();
        for number in ["8001", "8002", "8003", "9001"] {
            let line = if self.chance.happens(300) { Line::Tcp } else { Line::Udp };
            let agent = w.agent_over(number, line);
            w.phones[agent].manners.voice_every = Duration::from_millis(100);
            agents.push(agent);
        }
        let seat = w.seat();
        w.phones[seat].manners.voice_every = Duration::from_millis(100);
        agents.push(seat);
        for party in &agents {
            w.on_invite(*party, self.manner());
            w.phones[*party].manners.hasty_per_mille = 300;
        }
        agents
    }

    fn manner(&mut self) -> OnInvite {
        let after = self.chance.millis(0, 4000);
        match self.chance.between(0, 12) {
            0 => OnInvite::RingOut,
            1 => OnInvite::Deaf,
            2 => OnInvite::Refuse { code: [486, 480, 603, 500, 404][self.chance.between(0, 5) as usize], after },
            3 => OnInvite::AnswerDespiteCancel { after },
            4 => OnInvite::EarlyThenAnswer { after },
            _ => OnInvite::Answer { after },
        }
    }

    fn network(&mut self, w: &mut World) {
        let worst = [0, 10, 50, 200][self.chance.between(0, 4) as usize];
        for way in [Way::In, Way::Out] {
            let faults = Faults {
                loss: self.chance.between(0, worst + 1),
                double: self.chance.between(0, 60),
                reorder: self.chance.between(0, 60),
                latency_min_ms: 1,
                latency_max_ms: self.chance.between(2, 80),
            };
            w.net.sip.insert(way, faults);
            let sound = Faults { loss: faults.loss / 4, double: 5, reorder: 5, ..faults };
            w.net.rtp.insert(way, sound);
        }
    }

    fn faults(&mut self, w: &mut World, agents: &[usize]) {
        let mut deeds = self.deeds();
        deeds.sort_by_key(|(at, _, _)| *at);
        let mut callers = Vec::new();
        let start = w.now;
        for (at, deed, which) in deeds {
            let due = start + at;
            w.run(due.since(w.now));
            self.act(w, deed, which, &mut callers, agents);
        }
        let end = start + Duration::from_secs(FAULTS_S);
        w.run(end.since(w.now));
    }

    fn deeds(&mut self) -> Vec<(Duration, Deed, usize)> {
        let mut deeds = Vec::new();
        for call in 0..CALLS {
            let at = self.chance.millis(0, 200_000);
            deeds.push((at, Deed::Call, call));
            for _ in 0..self.chance.between(0, 6) {
                let deed = [Deed::Hold, Deed::Resume, Deed::KeyByInfo, Deed::KeyByRtp, Deed::Resume]
                    [self.chance.between(0, 5) as usize];
                deeds.push((at + self.chance.millis(500, 40_000), deed, call));
            }
            if self.chance.happens(50) {
                deeds.push((at + self.chance.millis(100, 20_000), Deed::CallerRestarts, call));
            }
            deeds.push((at + self.chance.millis(0, 60_000), Deed::HangUp, call));
        }
        deeds.extend(self.transfers.deeds());
        for _ in 0..60 {
            let deed = [
                Deed::AgentHangsUp,
                Deed::AgentHangsUp,
                Deed::AgentHolds,
                Deed::AgentResumes,
                Deed::AgentResumes,
                Deed::AgentRestarts,
                Deed::AgentDies,
                Deed::AgentLives,
                Deed::AgentLives,
                Deed::AgentLosesConnection,
                Deed::AgentFallsSilent,
                Deed::AgentBehaves,
                Deed::AgentBehaves,
            ][self.chance.between(0, 13) as usize];
            deeds.push((self.chance.millis(1000, 290_000), deed, self.chance.between(0, 5) as usize));
        }
        deeds
    }

    fn act(&mut self, w: &mut World, deed: Deed, which: usize, callers: &mut Vec<(usize, usize)>, agents: &[usize]) {
        let caller = callers.iter().find(|(call, _)| *call == which).map(|(_, party)| *party);
        let agent = agents[which % agents.len()];
        match (deed, caller) {
            (Deed::Call, _) => {
                let party = self.caller(w, which);
                callers.push((which, party));
            }
            (Deed::HangUp, Some(caller)) => w.hangs_up(caller),
            (Deed::Hold, Some(caller)) => w.holds(caller),
            (Deed::Resume, Some(caller)) => w.resumes(caller),
            // A telephone says its keys in one way: between the two no order can be kept.
            (Deed::KeyByInfo | Deed::KeyByRtp, Some(caller)) => self.press(w, caller, which.is_multiple_of(2)),
            (Deed::CallerRestarts, Some(caller)) => w.phones[caller].forget(),
            (Deed::AgentHangsUp, _) => w.hangs_up(agent),
            (Deed::AgentHolds, _) => w.holds(agent),
            (Deed::AgentResumes, _) => w.resumes(agent),
            (Deed::AgentRestarts, _) => w.phones[agent].forget(),
            (Deed::AgentDies, _) => w.dies(agent),
            (Deed::AgentLives, _) => self.revive(w, agent),
            (Deed::AgentLosesConnection, _) => w.break_connection(agent),
            (Deed::AgentBehaves, _) => {
                w.on_invite(agent, self.manner());
                // Answers, and thinks better of it within a second.
                w.phones[agent].manners.hang_up_after = self.chance.happens(150).then(|| self.chance.millis(0, 1000));
            }
            (Deed::AgentFallsSilent, _) if w.phones[agent].health == Health::Well => {
                w.phones[agent].set_health(Health::Mute);
            }
            (Deed::AgentFallsSilent, _) => {}
            (Deed::RefersCaller, _) => self.transfers.refers(w, agent),
            (Deed::CommandsTransfer, _) => self.transfers.commands(w, agent),
            (Deed::GivesTransferUp, _) => self.transfers.gives_up(w, agent),
            (
                Deed::HangUp | Deed::Hold | Deed::Resume | Deed::KeyByInfo | Deed::KeyByRtp | Deed::CallerRestarts,
                None,
            ) => {}
        }
    }

    fn caller(&mut self, w: &mut World, call: usize) -> usize {
        let party = w.citizen(&format!("139{:04}{call:04}", self.seed % 10_000));
        let manners = &mut w.phones[party].manners;
        manners.voice_every = Duration::from_millis(100);
        manners.max_forwards = self.chance.between(5, 71) as u8;
        if self.chance.happens(200) {
            manners.offer = OfferStyle::Delayed;
        }
        if self.chance.happens(50) {
            manners.acks = Acks::Never;
        }
        if self.chance.happens(200) {
            manners.codecs = codecs(&[(0, "PCMU"), (96, "telephone-event")]);
        }
        let hotline = ["12345", "12345", "12319", "110"][self.chance.between(0, 4) as usize];
        w.calls(party, hotline);
        party
    }

    fn press(&mut self, w: &mut World, party: usize, info: bool) {
        w.with(party, |phone, now| {
            let Some(dialog) = phone.live().last().filter(|dialog| dialog.phase == Phase::Up) else { return };
            let key = char::from(b'0' + (dialog.pressed.len() % 10) as u8);
            let call_id = dialog.call_id.clone();
            if info {
                phone.press_by_info(now, &call_id, key);
            } else {
                phone.press_by_rtp(now, &call_id, key);
            }
        });
    }

    fn revive(&mut self, w: &mut World, agent: usize) {
        if w.phones[agent].health == Health::Well {
            return;
        }
        w.phones[agent].set_health(Health::Well);
        if w.phones[agent].registration.is_some() {
            w.with(agent, |phone, now| phone.register(now));
        }
    }

    /// Faults off: everything must settle.
    fn liveness(&mut self, w: &mut World, agents: &[usize]) {
        w.net.heal();
        w.restore_per_mille = 0;
        for agent in agents {
            w.on_invite(*agent, OnInvite::Answer { after: Duration::from_millis(500) });
            w.phones[*agent].manners.hang_up_after = None;
            self.revive(w, *agent);
        }
        // Callers who vanished while they waited are found out by an answer that nobody acknowledges.
        w.run(Duration::from_secs(90));
        w.settle();
    }
}
