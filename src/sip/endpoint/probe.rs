//! Asking a gateway whether it is alive, by OPTIONS outside of any dialog (RFC 3261 11).

use super::Endpoint;
use crate::base::time::Instant;
use crate::sip::fact::{Event, Loss, Peer, ProbeId, ProbeResult};
use crate::sip::message::{Host, Method, Name, NameAddr, Request, Uri};
use crate::sip::order::Probe;
use crate::sip::transaction::machine::Class;
use crate::sip::transaction::table::{Owner, What};

impl Endpoint {
    /// Asks a trunk's gateway whether it is alive. [`Event::Probed`] follows within 64*T1, whatever happens. Whoever asks
    /// limits how many are under way: each is one transaction.
    pub fn probe(&mut self, now: Instant, probe: Probe) {
        let Probe { id, trunk, flow, uri } = probe;
        if self.is_full() {
            // As good as a gateway that we cannot reach: whoever asks is told, and asks again.
            self.core.events.push_back(Event::Probed { id, result: ProbeResult::Lost(Loss::Transport) });
            return;
        }
        let mut request = Request::new(Method::Options, uri.clone());
        let address = self.core.voice.address(&flow);
        let us = Uri::sip(Some("lianxian"), Host::Ip(address.ip()), Some(address.port()));
        let headers = &mut request.headers;
        headers.push(Name::MaxForwards, "70");
        headers.push(Name::From, NameAddr::new(us).with_tag(self.core.mint.tag()).to_bytes());
        headers.push(Name::To, NameAddr::new(uri).to_bytes());
        headers.push(Name::CallId, self.core.mint.call_id());
        headers.push(Name::CSeq, "1 OPTIONS");
        self.core.voice.introduce(headers, &flow);
        self.core.start(now, request, flow, Peer::Trunk(trunk), Owner::Probe(id));
        self.settle(now);
    }

    pub(super) fn on_probe_news(&mut self, id: ProbeId, what: &What) {
        let result = match what {
            What::Response(response) if Class::of(response.code) == Class::Provisional => return,
            What::Response(response) => {
                ProbeResult::Answered { code: response.code, retry_after: response.headers.retry_after() }
            }
            What::TimedOut => ProbeResult::Lost(Loss::Timeout),
            What::TransportFailed | What::Settled => ProbeResult::Lost(Loss::Transport),
        };
        self.core.events.push_back(Event::Probed { id, result });
    }
}
