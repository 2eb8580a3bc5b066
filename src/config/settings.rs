//! From the files to the settings of the folders.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::Configuration;
use super::schema::{TransportKey, TrunkEntry};
use super::secret::{Credential, Ha1};
use crate::base::ids::{AgentId, GroupId, HotlineId, ProfileId, TrunkId};
use crate::call::site::MediaAddress;
use crate::routing::config::{Agent, Class, Group, Hotline, Step, Transport, Trunk, TrunkLimits, Trust};
use crate::routing::profile::Profile;
use crate::sip::auth::{self, Account};
use crate::sip::endpoint::{self, Reading, TrunkAccess};
use crate::sip::flow;
use crate::sip::message::Host;
use crate::sip::transaction::timers::Timing;
use crate::sip::{registrar, wire};
use crate::{net, routing, switch};

impl Configuration {
    /// The signalling sockets.
    pub fn net(&self) -> net::Settings {
        let count = |number: &u32| usize::try_from(*number).unwrap_or(usize::MAX);
        let listener = |entry: &super::ListenEntry| net::Listener {
            transport: transport(entry.transport),
            address: *entry.address.get_ref(),
        };
        net::Settings {
            listeners: self.main.sip.listen.get_ref().iter().map(listener).collect(),
            framing: wire::Limits::default(),
            connections: count(self.main.limits.connections.get_ref()),
            connections_per_address: count(self.main.limits.connections_per_address.get_ref()),
            patience: net::Patience::default(),
        }
    }

    /// Everything that decides.
    pub fn switch(&self) -> switch::Settings {
        let count = |number: &u32| usize::try_from(*number).unwrap_or(usize::MAX);
        let limits = &self.main.limits;
        switch::Settings {
            sip: self.endpoint(),
            routing: self.routing(),
            host: Host::Name(self.main.sip.realm.get_ref().clone().into_bytes().into()),
            media: self.media_addresses(),
            media_ports: (*self.main.media.first_port.get_ref(), *self.main.media.last_port.get_ref()),
            port_quarantine: PORT_QUARANTINE,
            limits: switch::Limits {
                calls: count(limits.calls.get_ref()),
                emergency_reserve: count(limits.emergency_reserve.get_ref()),
                ..switch::Limits::default()
            },
        }
    }

    fn profile(&self, name: &str, file: &super::ProfileFile) -> Profile {
        let mut profile = profile(name, file);
        let softphones = &self.main.softphones;
        let networks = softphones.networks.get_ref();
        // Softphones that can only be on this machine have their sound on it; otherwise loopback is refused (V25).
        let local = !networks.is_empty() && networks.iter().all(|network| network.network().is_loopback());
        if name == softphones.profile.get_ref() && profile.media_networks.is_empty() && local {
            profile.media_networks.clone_from(networks);
        }
        profile
    }

    fn media_addresses(&self) -> Vec<MediaAddress> {
        let media = &self.main.media;
        let bind = *media.address.get_ref();
        let first =
            MediaAddress { bind, advertised: media.advertise.as_ref().map_or(bind, |address| *address.get_ref()) };
        let ipv6 = media.ipv6_address.as_ref().map(|address| *address.get_ref());
        std::iter::once(first).chain(ipv6.map(|bind| MediaAddress { bind, advertised: bind })).collect()
    }

    /// Our own media ports.
    pub fn media_ports(&self) -> RangeInclusive<u16> {
        *self.main.media.first_port.get_ref()..=*self.main.media.last_port.get_ref()
    }

    /// Our SIP element.
    pub fn endpoint(&self) -> endpoint::Settings {
        let softphones = &self.main.softphones;
        let seconds = |number: &u32| Duration::from_secs(u64::from(*number));
        let listener = |entry: &super::ListenEntry| endpoint::Listener {
            transport: transport(entry.transport),
            address: *entry.address.get_ref(),
            advertised: entry.advertise.as_ref().map(|address| *address.get_ref()),
        };
        endpoint::Settings {
            product: concat!("lianxian/", env!("CARGO_PKG_VERSION")).to_owned(),
            listeners: self.main.sip.listen.get_ref().iter().map(listener).collect(),
            trunks: self.trunks.trunk.iter().map(access).collect(),
            softphone_networks: softphones.networks.get_ref().clone(),
            auth: self.accounts(),
            registrar: registrar::Settings {
                expires_min: seconds(softphones.min_expires_s.get_ref()),
                expires_default: seconds(softphones.default_expires_s.get_ref()),
                expires_max: seconds(softphones.max_expires_s.get_ref()),
                contacts_max: CONTACTS_MAX,
            },
            timing: Timing::default(),
            limits: endpoint::Limits::default(),
        }
    }

    fn accounts(&self) -> auth::Settings {
        let realm = self.main.sip.realm.get_ref();
        let account = |number: &String, credential: &Credential| match credential {
            Credential::Password(password) => Some(Account::of_password(number, realm, password)),
            Credential::Ha1(Ha1 { md5, sha256 }) => Account::of_hashes(md5.as_deref(), sha256.as_deref()),
        };
        let mut settings = auth::Settings::new(realm);
        settings.algorithms.clone_from(self.main.softphones.digest.get_ref());
        for (number, credential) in &self.credentials {
            if let Some(account) = account(number, credential) {
                settings.accounts.insert(AgentId::from(number.as_str()), account);
            }
        }
        settings
    }

    /// What routing knows.
    pub fn routing(&self) -> routing::Config {
        routing::Config {
            trunks: self.trunks.trunk.iter().map(trunk).collect(),
            hotlines: self.hotlines.hotline.iter().map(hotline).collect(),
            groups: self.agents.group.iter().map(group).collect(),
            agents: self.agents.agent.iter().map(agent).collect(),
            profiles: self.profiles.iter().map(|(name, file)| self.profile(name, file)).collect(),
            softphone_profile: ProfileId::from(self.main.softphones.profile.get_ref().as_str()),
        }
    }
}

/// How long a freed media port rests: longer than a late packet of its last call is under way (V43).
const PORT_QUARANTINE: Duration = Duration::from_secs(5);

/// The most contacts of one agent: a desk telephone, a softphone, and one of each that has not yet expired.
const CONTACTS_MAX: usize = 4;

const fn transport(key: TransportKey) -> flow::Transport {
    match key {
        TransportKey::Udp => flow::Transport::Udp,
        TransportKey::Tcp => flow::Transport::Tcp,
    }
}

fn access(entry: &TrunkEntry) -> TrunkAccess {
    TrunkAccess {
        id: TrunkId::from(entry.id.get_ref().as_str()),
        networks: entry.networks.get_ref().clone(),
        reading: match entry.trust {
            Trust::Trusted => Reading::Tolerant,
            Trust::Untrusted => Reading::Strict,
        },
        invites_per_second: *entry.invites_per_s.get_ref(),
        invite_burst: entry.invites_per_s.get_ref().saturating_mul(2),
    }
}

fn trunk(entry: &TrunkEntry) -> Trunk {
    Trunk {
        id: TrunkId::from(entry.id.get_ref().as_str()),
        networks: entry.networks.get_ref().clone(),
        next_hops: entry.next_hops.iter().map(|hop| *hop.get_ref()).collect(),
        transport: match entry.transport {
            TransportKey::Udp => Transport::Udp,
            TransportKey::Tcp => Transport::Tcp,
        },
        profile: ProfileId::from(entry.profile.get_ref().as_str()),
        trust: entry.trust,
        class: entry.class,
        limits: TrunkLimits { calls: *entry.calls.get_ref(), invites_per_s: *entry.invites_per_s.get_ref() },
    }
}

fn hotline(entry: &super::HotlineEntry) -> Hotline {
    // `check` has seen that a step is one or the other; what were neither is left out.
    let step = |step: &super::StepEntry| match (&step.group, &step.trunk, &step.number) {
        (Some(group), _, _) => {
            Some(Step::Group { group: GroupId::from(group.get_ref().as_str()), class: Class::Normal })
        }
        (None, Some(trunk), Some(number)) => Some(Step::Trunk {
            trunk: TrunkId::from(trunk.get_ref().as_str()),
            number: number.get_ref().clone(),
            class: Class::Normal,
        }),
        (None, Some(_), None) | (None, None, _) => None,
    };
    Hotline {
        number: HotlineId::from(entry.number.get_ref().as_str()),
        name: entry.name.clone(),
        priority: entry.priority,
        answer_on_queue: entry.answer_on_queue,
        ring_timeout_s: *entry.ring_timeout_s.get_ref(),
        plan: entry.plan.get_ref().iter().filter_map(|entry| step(entry.get_ref())).collect(),
    }
}

fn group(entry: &super::GroupEntry) -> Group {
    Group { id: GroupId::from(entry.id.get_ref().as_str()), name: entry.name.clone() }
}

fn agent(entry: &super::AgentEntry) -> Agent {
    Agent {
        id: AgentId::from(entry.number.get_ref().as_str()),
        name: entry.name.clone(),
        groups: entry.groups.iter().map(|group| GroupId::from(group.get_ref().as_str())).collect(),
    }
}

fn profile(name: &str, file: &super::ProfileFile) -> Profile {
    let standard = Profile::named(name);
    Profile {
        rtp_source: file.rtp_source,
        media_networks: file.media_networks.as_ref().map_or(standard.media_networks, |list| list.get_ref().clone()),
        learn_window_ms: file.learn_window_ms.as_ref().map_or(standard.learn_window_ms, |window| *window.get_ref()),
        ..standard
    }
}
