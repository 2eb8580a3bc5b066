//! New settings at run time.

use super::admission::Source;
use super::{Endpoint, Settings};
use crate::base::ids::AgentId;
use crate::base::time::Instant;
use crate::sip::flow::Flow;

impl Endpoint {
    /// Takes new trunks, softphone networks, accounts and registration times (reload). Legs that are up go on, also
    /// those of peers that are gone (F28); a registered softphone proves its new secret with its next REGISTER, and one
    /// whose account or network is gone is registered no more. Listeners, timing and limits stay what they were.
    pub fn reconfigure(&mut self, now: Instant, settings: Settings) {
        let patience = self.core.timing.patience();
        self.core.admission.reconfigure(now, &settings, self.legs.keys().copied(), patience);
        let accounts = &settings.auth.accounts;
        let admission = &self.core.admission;
        let welcome = |agent: &AgentId, flow: &Flow| {
            accounts.contains_key(agent) && admission.source(flow.remote.ip()) == Source::Softphones
        };
        let unregistered = self.registrar.reconfigure(settings.registrar, welcome);
        self.core.events.extend(unregistered);
        self.authenticator.reconfigure(settings.auth);
    }
}
