//! The simulated parties' own SDP.

use std::net::{IpAddr, SocketAddr};

/// Which way sound may go, as the writer of the SDP sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Both ways.
    Both,
    /// The writer only sends: it holds the other.
    SendOnly,
    /// The writer only listens.
    ReceiveOnly,
    /// Nobody sends.
    Inactive,
}

impl Direction {
    /// The attribute.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Both => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::ReceiveOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    /// Whether the writer sends.
    pub const fn sends(self) -> bool {
        matches!(self, Self::Both | Self::SendOnly)
    }

    /// Whether the writer listens.
    pub const fn listens(self) -> bool {
        matches!(self, Self::Both | Self::ReceiveOnly)
    }
}

/// What one SDP says about its one audio stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Who wrote it: o= username.
    pub owner: String,
    /// o= session id.
    pub id: u64,
    /// o= version.
    pub version: u64,
    /// Where RTP goes.
    pub address: SocketAddr,
    /// Payload types in order of preference: number and codec name.
    pub codecs: Vec<(u8, String)>,
    /// Direction.
    pub direction: Direction,
}

impl Session {
    /// Writes the SDP.
    pub fn write(&self) -> String {
        let ip = self.address.ip();
        let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
        let numbers: Vec<String> = self.codecs.iter().map(|(number, _)| number.to_string()).collect();
        let mut text = format!(
            "v=0\r\no={} {} {} IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\nm=audio {} RTP/AVP {}\r\n",
            self.owner,
            self.id,
            self.version,
            self.address.port(),
            numbers.join(" ")
        );
        for (number, codec) in &self.codecs {
            text.push_str(&format!("a=rtpmap:{number} {codec}/8000\r\n"));
            if codec == "telephone-event" {
                text.push_str(&format!("a=fmtp:{number} 0-15\r\n"));
            }
        }
        text.push_str(&format!("a=ptime:20\r\na={}\r\n", self.direction.word()));
        text
    }

    /// Reads an SDP with one audio line.
    pub fn read(text: &str) -> Option<Self> {
        let line = |prefix: &str| text.lines().filter_map(move |line| line.strip_prefix(prefix)).collect::<Vec<_>>();
        let origin: Vec<String> = line("o=").first()?.split(' ').map(str::to_owned).collect();
        let ip: IpAddr = line("c=").first()?.split(' ').nth(2)?.trim().parse().ok()?;
        let media: Vec<String> = line("m=audio ").first()?.split_whitespace().map(str::to_owned).collect();
        let codec = |number: u8| {
            let mapped = line("a=rtpmap:").iter().find_map(|map| {
                let (n, rest) = map.split_once(' ')?;
                (n.parse() == Ok(number)).then(|| rest.split('/').next().unwrap_or(rest).to_owned())
            });
            mapped.unwrap_or_else(|| if number == 0 { "PCMU".into() } else { "PCMA".into() })
        };
        let has = |word: &str| line("a=").iter().any(|attribute| attribute.trim() == word);
        let direction = if has("sendonly") {
            Direction::SendOnly
        } else if has("recvonly") {
            Direction::ReceiveOnly
        } else if has("inactive") {
            Direction::Inactive
        } else {
            Direction::Both
        };
        Some(Self {
            owner: origin.first()?.clone(),
            id: origin.get(1)?.parse().ok()?,
            version: origin.get(2)?.parse().ok()?,
            address: SocketAddr::new(ip, media.first()?.parse().ok()?),
            codecs: media.iter().skip(2).filter_map(|n| n.parse().ok()).map(|n| (n, codec(n))).collect(),
            direction,
        })
    }
}
