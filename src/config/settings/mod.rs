//! From the files to the settings of the folders: one file here for each of theirs.
//!
//! Decides: which key becomes which setting, and what is not configurable.
//! Invariants: a checked configuration always translates; nothing is refused here.
//! Does not do: checks.

mod agents;
pub(super) mod hotlines;
mod profile;
pub(super) mod territories;
mod trunks;

use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use super::Configuration;
use super::schema::TransportKey;
use super::secret::{Credential, Ha1};
use crate::base::ids::{AgentId, ProfileId, TrunkId};
use crate::call::site::MediaAddress;
use crate::routing::config::{Priority, Trust};
use crate::routing::profile::Profile;
use crate::sip::auth::{self, Account};
use crate::sip::endpoint;
use crate::sip::flow;
use crate::sip::message::Host;
use crate::sip::transaction::timers::Timing;
use crate::sip::{registrar, wire};
use crate::store::outbox;
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
            host: self.host(),
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
        let mut profile = profile::profile(name, file);
        let softphones = &self.main.softphones;
        let networks = softphones.networks.get_ref();
        // Softphones that can only be on this machine have their sound on it; otherwise loopback is refused (V25).
        let local = !networks.is_empty() && networks.iter().all(|network| network.network().is_loopback());
        if name == softphones.profile.get_ref() && profile.media_networks.is_empty() && local {
            profile.media_networks.clone_from(networks);
        }
        profile
    }

    fn host(&self) -> Host {
        let sip = &self.main.sip;
        let text = sip.host.as_ref().unwrap_or(&sip.realm).get_ref();
        text.parse().map_or_else(|_| Host::Name(text.clone().into_bytes().into()), Host::Ip)
    }

    /// How long calls may go on after the first signal to end.
    pub fn drain(&self) -> Duration {
        Duration::from_secs(u64::from(*self.main.limits.shutdown_s.get_ref()))
    }

    fn media_addresses(&self) -> Vec<MediaAddress> {
        let media = &self.main.media;
        let bind = *media.address.get_ref();
        let first =
            MediaAddress { bind, advertised: media.advertise.as_ref().map_or(bind, |address| *address.get_ref()) };
        let ipv6 = media.ipv6_address.as_ref().map(|address| *address.get_ref());
        std::iter::once(first).chain(ipv6.map(|bind| MediaAddress { bind, advertised: bind })).collect()
    }

    /// The outbox, in the folder that the daemon has taken.
    pub fn outbox(&self, folder: &Path) -> outbox::Settings {
        let store = &self.main.store;
        outbox::Settings {
            folder: folder.to_owned(),
            ballast_bytes: u64::from(*store.ballast_mb.get_ref()) << 20,
            waiting_entries: usize::try_from(*store.waiting_entries.get_ref()).unwrap_or(usize::MAX),
            keep: Duration::from_secs(u64::from(*store.keep_days.get_ref()) * 86_400),
            sinks: self.sinks(),
        }
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
            trunks: self.trunks.trunk.iter().map(trunks::access).collect(),
            urgent: self.urgent(),
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

    /// What makes an INVITE urgent before its route is known.
    fn urgent(&self) -> endpoint::Urgent {
        let rows = self.hotlines.hotline.iter().map(hotlines::hotline);
        let emergencies: Vec<String> =
            rows.filter(|row| row.priority == Priority::Emergency).map(|row| row.number.as_str().to_owned()).collect();
        // The short number itself, and with a country code that does not belong there.
        let mut numbers: Vec<String> =
            emergencies.iter().flat_map(|short| ["", "+86", "0086"].map(|prefix| format!("{prefix}{short}"))).collect();
        for trunk in &self.trunks.trunk {
            let mapped = trunk.called.iter().filter(|row| emergencies.contains(row.hotline.get_ref()));
            numbers.extend(mapped.flat_map(|row| spellings(row.number.get_ref())));
            let area = trunk.area_code.iter().map(|code| code.get_ref());
            numbers.extend(area.flat_map(|area| emergencies.iter().flat_map(move |short| with_area(area, short))));
        }
        let trusted = self.trunks.trunk.iter().filter(|row| row.trust == Trust::Trusted);
        let priority = |row: &super::TrunkEntry| {
            let value = row.resource_priority.as_ref()?.get_ref().clone();
            Some((TrunkId::from(row.id.get_ref().as_str()), value))
        };
        endpoint::Urgent { numbers, resource_priority: trusted.filter_map(priority).collect() }
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
            trunks: self.trunks.trunk.iter().map(|trunk| trunks::trunk(trunk, &self.regions)).collect(),
            hotlines: self.hotlines.hotline.iter().map(hotlines::hotline).collect(),
            groups: self.agents.group.iter().map(|group| agents::group(group, &self.regions)).collect(),
            agents: self.agents.agent.iter().map(agents::agent).collect(),
            profiles: self.profiles.iter().map(|(name, file)| self.profile(name, file)).collect(),
            softphone_profile: ProfileId::from(self.main.softphones.profile.get_ref().as_str()),
            territories: self
                .territories
                .territory
                .iter()
                .map(|row| territories::territory(row, &self.regions))
                .collect(),
            regions: self.regions.clone(),
            homes: self.homes.clone(),
            feature_codes: self.hotlines.feature_code.iter().map(hotlines::feature_code).collect(),
            default_region: self
                .territories
                .default_region
                .as_ref()
                .map(|code| territories::code(code.get_ref(), &self.regions)),
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

/// The spellings of a number within the country that routing takes for one: with country code or without, in whatever
/// form, and with the 0 of an area code or without.
fn spellings(number: &str) -> impl Iterator<Item = String> + use<'_> {
    let rest = PREFIXES.iter().find_map(|prefix| number.strip_prefix(prefix)).unwrap_or(number);
    let rest = rest.strip_prefix('0').unwrap_or(rest);
    let prefixed = PREFIXES
        .iter()
        .chain([&""])
        .flat_map(move |prefix| ["", "0"].into_iter().map(move |zero| format!("{prefix}{zero}{rest}")));
    std::iter::once(number.to_owned()).chain(prefixed)
}

/// What stands before a number within the country.
const PREFIXES: [&str; 3] = ["+86", "0086", "86"];

/// A short number of a trunk's own area, as networks write it. Without the 0 and with a bare 86 it is another number.
fn with_area<'a>(area: &'a str, short: &'a str) -> impl Iterator<Item = String> + use<'a> {
    let area = area.trim_start_matches('0');
    ["0", "+86", "+860", "0086", "00860"].into_iter().map(move |prefix| format!("{prefix}{area}{short}"))
}
