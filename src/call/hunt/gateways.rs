//! Calls a number over a trunk: gateway after gateway, and what becomes of one that says nothing (F7).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{Attempt, Heard, Hunt, Turn, Way, profile};
use crate::base::ids::{LegId, TrunkId};
use crate::call::context::{Callee, Context};
use crate::call::notice::What;
use crate::call::record::{self, Who};
use crate::call::sound::Rules;
use crate::call::supplies::Wanted;
use crate::call::timer::Wait;
use crate::routing::config;
use crate::routing::recipe::Showing;
use crate::sip::fact::{Failure, Peer};
use crate::sip::flow::{Flow, Transport};

/// How long a gateway may say nothing at all to an INVITE: three sendings on UDP, at 0, 0.5 and 1.5 s (RFC 3261 17.1.1.2).
pub(super) const GATEWAY_PATIENCE: Duration = Duration::from_secs(2);

/// How long those who have said nothing are waited for when nobody else can be rung for a hunt of one round.
pub(super) const LAST_PATIENCE: Duration = Duration::from_secs(8);

/// The most gateways that may still owe their first word. Beyond it the oldest one is let go.
const MAX_SILENT: usize = 4;

impl Hunt {
    /// Calls `number` over the next gateway of a trunk. False if there is none left that may be tried now.
    pub(super) fn ring_trunk(&mut self, cx: &mut Context<'_>, id: &TrunkId, number: &str) -> bool {
        if self.refused.iter().any(|refused| refused == number) {
            return false;
        }
        let priority = self.decision.priority;
        loop {
            let asked: Vec<SocketAddr> = self
                .asked
                .iter()
                .filter(|way| way.trunk == *id && way.number == number)
                .map(|way| way.gateway)
                .collect();
            let wanted = Wanted { trunk: id, tried: &asked, priority, choice: self.choice };
            let Some(gateway) = cx.supplies.gateway(&wanted) else { return false };
            assert!(!asked.contains(&gateway), "a gateway is tried once for each number in a round");
            let way = Way { step: self.step, trunk: id.clone(), gateway, number: number.to_owned() };
            self.asked.push(way.clone());
            if self.ring_gateway(cx, way, Showing::Citizen) {
                return true;
            }
        }
    }

    fn ring_gateway(&mut self, cx: &mut Context<'_>, way: Way, showing: Showing) -> bool {
        let site = cx.site;
        let Some(trunk) = site.routing.trunk(&way.trunk) else { return false };
        let transport = match trunk.transport {
            config::Transport::Udp => Transport::Udp,
            config::Transport::Tcp => Transport::Tcp,
        };
        let remote = way.gateway;
        let Some(listener) = site.listener_for(transport, remote.ip()) else { return false };
        let callee = Callee {
            who: Who::Trunk { trunk: way.trunk.clone(), number: way.number.clone() },
            peer: Peer::Trunk(way.trunk.clone()),
            flow: Flow { transport, local: listener.address, remote, connection: None },
            contact: None,
            showing,
            rules: Rules::new(&profile(cx, &trunk.profile), &trunk.networks),
            decision: Arc::clone(&self.decision),
        };
        let Some(leg) = cx.dial(callee) else { return false };
        self.ringing.push(Attempt::over(leg, way, showing));
        cx.start(self.timer(Wait::FirstWord(leg)), GATEWAY_PATIENCE);
        true
    }

    /// The trunk does not let the citizen's number pass: the same gateway is called once more with the trunk's own number
    /// (携号, trap T53). False if that is not what the failure says, or has been tried.
    pub(super) fn ring_with_own_number(&mut self, cx: &mut Context<'_>, refused: &Attempt, failure: &Failure) -> bool {
        let (Some(way), Showing::Citizen) = (&refused.way, refused.showing) else { return false };
        let Some(trunk) = cx.site.routing.trunk(&way.trunk) else { return false };
        let refuses = profile(cx, &trunk.profile).outbound.refuses_number(failure.code, failure.cause.q850);
        refuses && trunk.subscription.number.is_some() && self.ring_gateway(cx, way.clone(), Showing::OwnNumber)
    }

    /// A gateway has said nothing for [`GATEWAY_PATIENCE`]: the next one is called beside it. Whoever answers first has
    /// the call; if the silent one speaks while another rings, it is cancelled at that very word (RFC 3261 9.1 forbids
    /// it sooner).
    pub(super) fn on_silence(mut self, cx: &mut Context<'_>, leg: LegId) -> Turn {
        let silent = |attempt: &Attempt| attempt.leg == leg && attempt.heard == Heard::Nothing;
        let Some(index) = self.ringing.iter().position(silent) else {
            cx.ignore("the gateway has spoken");
            return Turn::Searching(self);
        };
        let attempt = self.ringing.remove(index);
        if let Some(way) = &attempt.way {
            cx.supplies.gateway_silent(&way.trunk, way.gateway);
        }
        cx.publish(What::GatewaySilent { leg });
        self.silent.push(attempt);
        if self.silent.len() > MAX_SILENT {
            let oldest = self.silent.remove(0);
            cx.release(oldest.leg, record::TOO_SLOW);
        }
        if self.rings() { Turn::Searching(self) } else { self.advance(cx) }
    }

    /// A gateway that had been given up speaks. Who is being rung instead keeps the call; if nobody is, it is welcome.
    pub(super) fn on_late_word(&mut self, cx: &mut Context<'_>, leg: LegId) {
        let Some(index) = self.silent.iter().position(|attempt| attempt.leg == leg) else { return };
        let attempt = self.silent.remove(index);
        if self.rings() {
            cx.publish(What::NotTaken { leg, code: None });
            cx.release(leg, record::TOO_SLOW);
            return;
        }
        self.stop_waiting(cx);
        self.ringing.push(attempt);
        cx.start(self.timer(Wait::RingTimeout), self.decision.ring_timeout);
    }
}
