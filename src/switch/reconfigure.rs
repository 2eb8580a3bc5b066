//! Another configuration at run time (F28).

use super::{SeatChange, Settings, Switch};
use crate::base::time::Instant;

impl Switch {
    /// Takes another configuration. Calls that are up go on untouched, also when their trunk, hotline, group or agent is
    /// gone; whatever begins from now on follows the new one. Those who wait are asked again, because somebody new may
    /// be there for them. What only a restart can change - listeners, media addresses and ports - stays what it was.
    pub(super) fn reconfigure(&mut self, now: Instant, settings: Settings) {
        let site = settings.site();
        self.site.routing = site.routing;
        self.site.host = site.host;
        self.limits = settings.limits;
        self.agents.reconfigure(now, &self.site.routing);
        self.gateways.reconfigure(now, &self.site.routing);
        self.endpoint.reconfigure(now, settings.sip);
        self.seats = SeatChange::Free;
    }
}
