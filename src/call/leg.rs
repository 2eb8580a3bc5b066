//! One side of a call, and the list of all of them.

use serde::{Deserialize, Serialize};

use crate::base::ids::{AgentId, LegId, TrunkId};
use crate::base::time::Instant;
use crate::call::record::Who;
use crate::call::sound::Sound;
use crate::sip::fact::Peer;

/// One party's side.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Leg {
    /// Its number.
    pub(super) id: LegId,
    /// Who is on it.
    pub(super) who: Who,
    /// How far it is.
    pub(super) phase: Phase,
    /// What it has heard of the end of the transfer that it asked for.
    #[serde(default)]
    pub(super) word: Word,
}

/// Whether a party that asked for a transfer by REFER has heard that nothing came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Word {
    /// Nothing is left to be said.
    #[default]
    Heard,
    /// Its telephone has not answered our last report yet. If it hangs up now, it believes that a target is being rung.
    OnItsWay,
    /// Nobody can tell its telephone, which wanted to hear of success at once (trap T43) or nothing at all. If it hangs up
    /// before this instant, it believes the caller in good hands. After that the two have talked on for so long that
    /// whoever holds it must know: its BYE is a goodbye again.
    NeverTold {
        /// Until when.
        until: Instant,
    },
}

/// How far a leg is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Phase {
    /// It has called us; nothing is prepared for it yet.
    Arrived,
    /// It called us and has had no final response.
    Calling(Sound),
    /// We called it and have had no final response.
    Called(Sound),
    /// Answered with a 2xx.
    Connected(Sound),
    /// Connected, but we are saying goodbye: its place in the call is another's.
    Parting(Sound),
    /// We have let it go and wait for the confirmation. It has no sound any more.
    Leaving,
}

impl Leg {
    /// A leg that has just begun.
    pub(super) const fn new(id: LegId, who: Who, phase: Phase) -> Self {
        Self { id, who, phase, word: Word::Heard }
    }

    /// Its sound, unless it is leaving.
    pub(super) const fn sound(&self) -> Option<&Sound> {
        match &self.phase {
            Phase::Calling(sound) | Phase::Called(sound) | Phase::Connected(sound) | Phase::Parting(sound) => {
                Some(sound)
            }
            Phase::Arrived | Phase::Leaving => None,
        }
    }

    /// Its sound, to be changed.
    pub(super) const fn sound_mut(&mut self) -> Option<&mut Sound> {
        match &mut self.phase {
            Phase::Calling(sound) | Phase::Called(sound) | Phase::Connected(sound) | Phase::Parting(sound) => {
                Some(sound)
            }
            Phase::Arrived | Phase::Leaving => None,
        }
    }

    /// The phase in a word.
    pub(crate) const fn phase_name(&self) -> &'static str {
        match self.phase {
            Phase::Arrived => "arrived",
            Phase::Calling(_) => "calling",
            Phase::Called(_) => "called",
            Phase::Connected(_) => "connected",
            Phase::Parting(_) => "parting",
            Phase::Leaving => "leaving",
        }
    }

    /// Whether it has been answered.
    pub(crate) const fn is_answered(&self) -> bool {
        matches!(self.phase, Phase::Connected(_) | Phase::Parting(_))
    }

    /// Whether we have let it go.
    pub(crate) const fn is_leaving(&self) -> bool {
        matches!(self.phase, Phase::Leaving)
    }

    /// Its number.
    pub(crate) const fn id(&self) -> LegId {
        self.id
    }

    /// Who is on it.
    pub(crate) const fn who(&self) -> &Who {
        &self.who
    }

    /// Our RTP port, unless it is leaving.
    pub(crate) fn port(&self) -> Option<u16> {
        self.sound().map(|sound| sound.local.port())
    }

    /// The agent whom the leg engages: until it is confirmed that the softphone is free again.
    pub(crate) const fn agent(&self) -> Option<&AgentId> {
        match &self.who {
            Who::Agent(agent) | Who::Caller(Peer::Softphone(agent)) => Some(agent),
            Who::Caller(Peer::Trunk(_)) | Who::Trunk { .. } => None,
        }
    }

    /// The trunk whose capacity the leg uses.
    pub(crate) const fn trunk(&self) -> Option<&TrunkId> {
        match &self.who {
            Who::Trunk { trunk, .. } | Who::Caller(Peer::Trunk(trunk)) => Some(trunk),
            Who::Agent(_) | Who::Caller(Peer::Softphone(_)) => None,
        }
    }
}

/// Every leg of a call, those that are leaving included.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Legs(Vec<Leg>);

impl Legs {
    /// Adds a leg.
    pub(super) fn add(&mut self, leg: Leg) {
        assert!(self.get(leg.id).is_none(), "a leg's number is never used twice");
        self.0.push(leg);
    }

    /// The leg of that number.
    pub(super) fn get(&self, id: LegId) -> Option<&Leg> {
        self.0.iter().find(|leg| leg.id == id)
    }

    /// The leg of that number, to be changed.
    pub(super) fn get_mut(&mut self, id: LegId) -> Option<&mut Leg> {
        self.0.iter_mut().find(|leg| leg.id == id)
    }

    /// Forgets a leg.
    pub(super) fn remove(&mut self, id: LegId) -> Option<Leg> {
        let index = self.0.iter().position(|leg| leg.id == id)?;
        Some(self.0.remove(index))
    }

    /// The sound of a leg.
    pub(super) fn sound(&self, id: LegId) -> Option<&Sound> {
        self.get(id).and_then(Leg::sound)
    }

    /// The sound of a leg, to be changed.
    pub(super) fn sound_mut(&mut self, id: LegId) -> Option<&mut Sound> {
        self.get_mut(id).and_then(Leg::sound_mut)
    }

    /// Whether we have let the leg go.
    pub(super) fn is_leaving(&self, id: LegId) -> bool {
        self.get(id).is_some_and(|leg| matches!(leg.phase, Phase::Leaving))
    }

    /// Whether we are taking leave of the leg.
    pub(super) fn is_parting(&self, id: LegId) -> bool {
        self.get(id).is_some_and(|leg| matches!(leg.phase, Phase::Parting(_)))
    }

    /// Whether the leg has been answered and is one of those in talk.
    pub(super) fn is_connected(&self, id: LegId) -> bool {
        self.get(id).is_some_and(|leg| matches!(leg.phase, Phase::Connected(_)))
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Leg> {
        self.0.iter()
    }

    /// Whether there is none left.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
