//! A configuration of its own, and the daemon that runs on it.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::party::Party;

/// A part of 127.0.0.0/8 and a folder.
pub(crate) struct Place {
    block: u8,
    folder: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        let process = std::process::id();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{process}"));
        fs::create_dir_all(&folder).expect("the build folder can be written");
        let place = Self { block: (process % 250) as u8 + 1, folder };
        place.write();
        place
    }

    pub(crate) fn at(&self, last: u8, port: u16) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::new(127, 200, self.block, last), port))
    }

    pub(crate) fn party(&self, last: u8) -> Party {
        Party::new(self.at(last, 5060))
    }

    /// Starts the daemon and waits until it listens.
    pub(crate) fn start(&self) -> Daemon {
        let log = fs::File::create(self.folder.join("daemon.log")).expect("the folder can be written");
        let child = Command::new(env!("CARGO_BIN_EXE_lianxian"))
            .args(["serve", "--config"])
            .arg(self.folder.join("lianxian.toml"))
            .stdin(Stdio::null())
            .stdout(log)
            .spawn()
            .expect("the daemon has been built");
        let daemon = Daemon { address: self.at(1, 5060), child };
        let until = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(self.at(1, 9464)).is_err() {
            assert!(Instant::now() < until, "the daemon did not start: {}", self.folder.display());
            std::thread::sleep(Duration::from_millis(20));
        }
        daemon
    }

    fn write(&self) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let main = format!(
            "[sip]\nrealm = \"bench.example\"\n[[sip.listen]]\ntransport = \"udp\"\naddress = \"{}\"\n\
             [softphones]\nnetworks = [\"{}/32\"]\n[media]\naddress = \"{}\"\nfirst_port = 20000\nlast_port = 21999\nprompts = \"{}\"\n\
             [limits]\ncalls = 50\nemergency_reserve = 5\nshutdown_s = 0\n\
             [admin]\nlisten = \"{}\"\n[files]\nprofiles = \"{}\"\n",
            self.at(1, 5060),
            self.at(20, 0).ip(),
            self.at(1, 0).ip(),
            root.join("prompts").display(),
            self.at(1, 9464),
            root.join("sip-profiles").display(),
        );
        let trunk = |id: &str, class: &str, last| {
            format!(
                "[[trunk]]\nid = \"{id}\"\nclass = \"{class}\"\nprofile = \"generic\"\ntrust = \"trusted\"\n\
                 networks = [\"{}/32\"]\nnext_hops = [\"{}\"]\noptions_interval_s = 0\n",
                self.at(last, 0).ip(),
                self.at(last, 5060)
            )
        };
        let trunks = trunk("citizen", "carrier", 11) + &trunk("desk", "pbx", 12) + &trunk("police", "linkage", 13);
        let hotlines = "[[hotline]]\nnumber = \"12345\"\nplan = [{ trunk = \"desk\", number = \"12345\" }]\n\
             [[hotline]]\nnumber = \"110\"\nplan = [{ trunk = \"police\", number = \"110\" }]\n";
        for (name, text) in [("lianxian.toml", &*main), ("trunks.toml", &trunks), ("hotlines.toml", hotlines)] {
            fs::write(self.folder.join(name), text).expect("the folder can be written");
        }
        fs::write(self.folder.join("agents.toml"), "").expect("the folder can be written");
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            drop(fs::remove_dir_all(&self.folder));
        }
    }
}

/// The daemon, which ends with the benchmark.
pub(crate) struct Daemon {
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
