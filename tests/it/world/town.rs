//! The standard town: who there is and how the product is told of them.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use lianxian::base::ids::{AgentId, TrunkId};
use lianxian::base::time::{Instant, LocalTime, WallClock};
use lianxian::call::site::MediaAddress;
use lianxian::routing;
use lianxian::routing::config::Step;
use lianxian::routing::territory::To;
use lianxian::sip;
use lianxian::sip::endpoint::{Listener, Reading, Transfers, TrunkAccess, Urgent};
use lianxian::sip::flow::Transport;
use lianxian::sip::message::Host;
use lianxian::sip::transaction::timers::Timing;
use lianxian::sip::{auth, registrar};
use lianxian::switch::{Limits, Settings};

/// The product's address.
pub const PRODUCT: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 201));

/// The product's SIP address as seen from `_from`.
pub const fn server(_from: SocketAddr) -> SocketAddr {
    SocketAddr::new(PRODUCT, 5060)
}

/// What the clock on the wall shows at the start, in seconds since 1970.
pub const WALL_AT_START_S: u64 = 1_767_225_600;

/// What the clock on the wall shows at the start.
pub const fn wall_at_start() -> WallClock {
    WallClock { at: Instant::START, unix_ms: WALL_AT_START_S * 1_000 }
}

/// The first moment after the start that is a moment of the week, such as `Mon 03:00`.
pub fn wall_of_week(at: Instant, moment: &str) -> WallClock {
    let moment: LocalTime = moment.parse().expect("a moment of the week");
    let minutes = (0..10_080).map(|minute| WALL_AT_START_S + minute * 60);
    let seconds = minutes.into_iter().find(|seconds| LocalTime::of_unix(*seconds) == moment).expect("a week has each");
    WallClock { at, unix_ms: seconds * 1_000 }
}

/// The first media port.
pub const MEDIA_FIRST: u16 = 20_000;
/// The last media port.
pub const MEDIA_LAST: u16 = 20_399;

/// The realm of the digest.
pub const REALM: &str = "lianxian.test";

/// A citizen's SIP address: behind the trunk `city`.
pub fn citizen(index: usize) -> SocketAddr {
    address([198, 51, 100], 101 + index)
}

/// An agent's SIP address: in the office network.
pub fn agent(index: usize) -> SocketAddr {
    address([10, 1, 0], 101 + index)
}

/// A seat's SIP address behind the trunk `police`.
pub fn target(index: usize) -> SocketAddr {
    address([203, 0, 113], 101 + index)
}

/// A telephone's SIP address behind the trunk `county`, which nobody trusts.
pub fn county(index: usize) -> SocketAddr {
    address([172, 20, 0], 101 + index)
}

/// Whether an address lies behind a trunk of the trust domain, or is an agent's.
pub fn is_trusted(address: SocketAddr) -> bool {
    address.ip().to_string().split('.').next() != Some("172")
}

/// The address of somebody who is nobody.
pub fn stranger(index: usize) -> SocketAddr {
    address([100, 64, 0], 101 + index)
}

fn address(net: [u8; 3], last: usize) -> SocketAddr {
    // Beyond 154 of a kind, the port tells them apart.
    let port = 5060 + (last / 255) as u16;
    let last = (101 + (last - 101) % 154) as u8;
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(net[0], net[1], net[2], last)), port)
}

/// The agents of the town and their passwords.
pub const AGENTS: &[(&str, &str)] = &[
    ("8001", "first-secret"),
    ("8002", "second-secret"),
    ("8003", "third-secret"),
    ("8004", "fourth-secret"),
    ("9001", "duty-secret"),
];

/// What the product is told.
pub fn settings() -> Settings {
    let network = |text: &str| vec![text.parse().expect("a network")];
    let trunk = |id: &str, networks: &str| TrunkAccess {
        id: TrunkId::from(id),
        networks: network(networks),
        reading: Reading::Tolerant,
        invites_per_second: 100,
        invite_burst: 400,
        transfers: Transfers::Refused,
    };
    let listener = |transport| Listener { transport, address: SocketAddr::new(PRODUCT, 5060), advertised: None };
    let account =
        |(agent, password): &(&str, &str)| (AgentId::from(*agent), auth::Account::of_password(agent, REALM, password));
    let sip = sip::endpoint::Settings {
        product: "lianxian".to_owned(),
        listeners: vec![listener(Transport::Udp), listener(Transport::Tcp)],
        trunks: vec![
            trunk("city", "198.51.100.0/24"),
            trunk("police", "203.0.113.0/24"),
            trunk("county", "172.20.0.0/16"),
        ],
        urgent: Urgent { numbers: vec!["110".to_owned()], ..Urgent::default() },
        softphone_networks: network("10.1.0.0/16"),
        auth: auth::Settings {
            realm: REALM.to_owned(),
            algorithms: vec![auth::Algorithm::Sha256, auth::Algorithm::Md5],
            nonce_lifetime: Duration::from_secs(300),
            accounts: AGENTS.iter().map(account).collect(),
        },
        registrar: registrar::Settings::default(),
        timing: Timing::default(),
        limits: sip::endpoint::Limits::default(),
    };
    Settings {
        sip,
        routing: routing(),
        host: Host::Ip(PRODUCT),
        media: vec![MediaAddress { bind: PRODUCT, advertised: PRODUCT }],
        media_ports: (MEDIA_FIRST, MEDIA_LAST),
        port_quarantine: Duration::from_secs(3),
        limits: Limits::default(),
    }
}

/// Every number on a trunk that a configuration names: in the plans of hotlines and in territories.
pub fn dialable(routing: &routing::Config) -> BTreeSet<String> {
    let targets = routing.territories.iter().flat_map(|row| &row.targets).filter_map(|target| match &target.to {
        To::Step(step) => Some(step),
        To::Via(_) => None,
    });
    let steps = routing.hotlines.iter().flat_map(|hotline| &hotline.plan).chain(targets);
    let number = |step: &Step| match step {
        Step::Trunk { number, .. } => Some(number.clone()),
        Step::Group { .. } => None,
    };
    steps.filter_map(number).collect()
}

/// What routing is told.
fn routing() -> routing::Config {
    toml::from_str(ROUTING).expect("the town's configuration is well formed")
}

const ROUTING: &str = r#"
[[trunk]]
id = "city"
networks = ["198.51.100.0/24"]
trust = "trusted"
profile = "generic"
limits = { calls = 500, invites_per_s = 100 }

[[trunk]]
id = "police"
networks = ["203.0.113.0/24"]
gateways = [{ address = "203.0.113.101:5060", priority = 1, weight = 1 }]
probe_interval = { secs = 0, nanos = 0 }
trust = "trusted"
profile = "generic"

[[trunk]]
id = "county"
networks = ["172.20.0.0/16"]
gateways = [{ address = "172.20.0.101:5060", priority = 1, weight = 1 }]
probe_interval = { secs = 0, nanos = 0 }
trust = "untrusted"
profile = "open"

[[hotline]]
number = "96110"
ring_timeout_s = 15
plan = [{ trunk = "county", number = "96110" }]

[[hotline]]
number = "12345"
ring_timeout_s = 10
plan = [{ group = "clerks" }, { group = "duty" }]

[[hotline]]
number = "12319"
answer_on_queue = true
ring_timeout_s = 10
plan = [{ group = "clerks" }, { group = "duty" }]

[[hotline]]
number = "110"
priority = "emergency"
ring_timeout_s = 15
plan = [{ trunk = "police", number = "110" }, { group = "duty" }]

[[group]]
id = "clerks"

[[group]]
id = "duty"

[[agent]]
number = "8001"
groups = ["clerks"]

[[agent]]
number = "8002"
groups = ["clerks"]

[[agent]]
number = "8003"
groups = ["clerks"]

[[agent]]
number = "8004"
groups = ["clerks"]

[[agent]]
number = "9001"
groups = ["duty"]

[[profile]]
id = "generic"

# Tells all that may be told, so that a number that must not be told has every chance to slip through.
[[profile]]
id = "open"
[profile.outbound]
preferred_identity = true
remote_party_id = true
diversion = true
history_info = true
user_to_user = true
referred_by = true
headers = { X-Number = "{number}", X-Agent = "{agent}" }

[[profile]]
id = "softphone"
"#;
