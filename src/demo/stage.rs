//! The stage: addresses that nobody else uses, a configuration that is thrown away, and the daemon on it.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;

/// Why the story could not be played.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("{0}: {1}")]
    System(&'static str, #[source] std::io::Error),
    #[error("no chance from the system: {0}")]
    Chance(getrandom::Error),
    #[error("no free addresses on loopback after {0} tries")]
    NoAddress(u32),
    #[error("no folder `prompts` beside the program or here; scripts/prompts makes it")]
    NoPrompts,
    #[error("the daemon did not become ready; the end of its log:\n{0}")]
    DaemonNotReady(String),
    #[error("{who}: {why}; the end of the daemon's log:\n{log}")]
    Party { who: String, why: String, log: String },
    #[error("interrupted")]
    Interrupted,
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self::System("writing", error)
    }
}

/// The realm of the story.
pub(super) const REALM: &str = "story.lianxian.example";
/// How long the daemon may take to become ready.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a process may take to end after each signal.
const FAREWELL: Duration = Duration::from_secs(2);

/// Who proves itself with what.
type Passwords = [(&'static str, String); 3];

/// Another system, which gives commands over HTTP.
pub(super) const CTI: &str = "CTI";

/// The stage with the running daemon. Dropping it ends the daemon and removes every file.
#[derive(Debug)]
pub(super) struct Stage {
    block: [u8; 2],
    passwords: Passwords,
    folder: Folder,
    interrupted: Arc<AtomicBool>,
    daemon: Process,
}

impl Stage {
    /// Finds addresses, writes the configuration and starts the daemon.
    pub(super) fn build() -> Result<Self, Trouble> {
        let interrupted = watch_signals()?;
        let block = free_block()?;
        let passwords = [("1001", password()?), ("1002", password()?), (CTI, password()?)];
        let folder = Folder::new()?;
        write_configuration(&folder.path, block)?;
        let daemon = start_daemon(&folder.path, &passwords)?;
        let mut stage = Self { block, passwords, folder, interrupted, daemon };
        stage.wait_until_ready()?;
        Ok(stage)
    }

    /// An address of the story: 1 is the daemon, 11 and 12 the citizens, 21 and 22 the agents, 31 the seat of 110.
    pub(super) fn address(&self, last: u8, port: u16) -> SocketAddr {
        address(self.block, last, port)
    }

    /// The password of an agent, and the token of the CTI server.
    pub(super) fn password(&self, of: &str) -> &str {
        self.passwords.iter().find(|(name, _)| *name == of).map_or("", |(_, password)| password)
    }

    /// `lianxian_caller_lost_total`.
    pub(super) fn callers_lost(&self) -> Option<u64> {
        let text = self.ask("/metrics")?;
        text.lines().find_map(|line| line.strip_prefix("lianxian_caller_lost_total "))?.trim().parse().ok()
    }

    /// Whether somebody wants the story to end.
    pub(super) fn check(&self) -> Result<(), Trouble> {
        if self.interrupted.load(Ordering::Relaxed) { Err(Trouble::Interrupted) } else { Ok(()) }
    }

    /// The end of the daemon's log.
    pub(super) fn log(&self) -> String {
        let text = fs::read_to_string(self.folder.path.join("daemon.log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(12)..).unwrap_or_default().join("\n")
    }

    /// What the daemon answers to one GET on its administrators' listener.
    pub(super) fn ask(&self, path: &str) -> Option<String> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: lianxian\r\nConnection: close\r\n\r\n");
        exchange(self.address(1, 9464), &request)
    }

    /// What the daemon answers to a command of the CTI server: a POST of JSON.
    pub(super) fn command(&self, path: &str, json: &str) -> Option<String> {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: lianxian\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{json}",
            self.password(CTI),
            json.len(),
        );
        exchange(self.address(1, 8080), &request)
    }

    /// What the CTI server reads: the body of the answer to a GET.
    pub(super) fn read(&self, path: &str) -> Option<String> {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: lianxian\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n",
            self.password(CTI),
        );
        exchange(self.address(1, 8080), &request)?.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
    }

    /// Leaves the daemon running until a signal comes.
    pub(super) fn linger(&self, out: &mut dyn Write) -> Result<(), Trouble> {
        writeln!(
            out,
            "\nThe daemon stays: SIP on {}, metrics on http://{}/metrics.",
            self.address(1, 5060),
            self.address(1, 9464)
        )?;
        writeln!(out, "Configuration: {}. Ctrl-C ends it.", self.folder.path.display())?;
        out.flush()?;
        while self.check().is_ok() {
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    fn wait_until_ready(&mut self) -> Result<(), Trouble> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            self.check()?;
            if self.ask("/readyz").is_some_and(|answer| answer.starts_with("HTTP/1.1 200")) {
                return Ok(());
            }
            if self.daemon.has_ended() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(Trouble::DaemonNotReady(self.log()))
    }
}

/// One HTTP request and all of its answer.
fn exchange(with: SocketAddr, request: &str) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&with, Duration::from_millis(200)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

fn address(block: [u8; 2], last: u8, port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::new(127, block[0], block[1], last), port))
}

/// Looks for a part of 127.0.0.0/8 in which the ports of the story are free.
fn free_block() -> Result<[u8; 2], Trouble> {
    const TRIES: u32 = 20;
    for _ in 0..TRIES {
        let mut block = [0; 2];
        getrandom::fill(&mut block).map_err(Trouble::Chance)?;
        // 127.0.x is where other daemons live.
        block[0] = block[0].max(1);
        let sip = [1, 11, 12, 21, 22, 31].map(|last| address(block, last, 5060));
        if sip.into_iter().all(|address| UdpSocket::bind(address).is_ok()) {
            return Ok(block);
        }
    }
    Err(Trouble::NoAddress(TRIES))
}

fn password() -> Result<String, Trouble> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(Trouble::Chance)?;
    // Letters only, so that it never happens to contain an agent's number.
    Ok(bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|half| char::from(b'a' + half)).collect())
}

/// SIGINT and SIGTERM raise a flag, so that everything is cleared away before the process ends.
fn watch_signals() -> Result<Arc<AtomicBool>, Trouble> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGINT);
    signals.add(Signal::SIGTERM);
    signals.thread_block().map_err(|error| Trouble::System("signals", error.into()))?;
    let flag = Arc::clone(&interrupted);
    let wait = move || {
        while signals.wait().is_ok() {
            flag.store(true, Ordering::Relaxed);
        }
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(wait)
        .map_err(|error| Trouble::System("signals", error))?;
    Ok(interrupted)
}

// === Files ===

/// A folder that is removed with everything in it.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn new() -> Result<Self, Trouble> {
        let name = format!("lianxian-demo-{}-{}", std::process::id(), password()?.get(..8).unwrap_or_default());
        let path = std::env::temp_dir().join(name);
        let made = fs::DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| Trouble::System("making a folder", error))?;
        Ok(Self { path })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that somebody else has removed meanwhile is as good.
        fs::remove_dir_all(&self.path).ok();
    }
}

/// The folder of prompts: here, or above the program.
fn prompts() -> Result<PathBuf, Trouble> {
    let program = std::env::current_exe().map_err(|error| Trouble::System("the program's own path", error))?;
    let here = std::env::current_dir().map_err(|error| Trouble::System("the current folder", error))?;
    let above = std::iter::once(here.as_path()).chain(program.ancestors().skip(1));
    let mut folders = above.map(|folder| folder.join("prompts"));
    folders.find(|folder| folder.join("hold_music.wav").is_file()).ok_or(Trouble::NoPrompts)
}

fn write_configuration(folder: &Path, block: [u8; 2]) -> Result<(), Trouble> {
    let at = |last, port| address(block, last, port);
    let host = |last| at(last, 0).ip();
    let prompts = prompts()?;
    let main = format!(
        "[sip]\nrealm = \"{REALM}\"\n\
         [[sip.listen]]\ntransport = \"udp\"\naddress = \"{sip}\"\n[[sip.listen]]\ntransport = \"tcp\"\naddress = \"{sip}\"\n\
         [softphones]\nnetworks = [\"{}/32\", \"{}/32\"]\n[media]\naddress = \"{}\"\nfirst_port = 20000\nlast_port = 20199\n\
         prompts = \"{}\"\n[limits]\ncalls = 50\nemergency_reserve = 5\nshutdown_s = 2\n\
         [admin]\nlisten = \"{}\"\n[files]\nprofiles = \".\"\n\
         [http]\nlisten = \"{}\"\n[[http.token]]\nname = \"{CTI}\"\nrole = \"system\"\nnumbers = \"whole\"\nsecret = \"${{STORY_{CTI}}}\"\n",
        host(21),
        host(22),
        host(1),
        prompts.display(),
        at(1, 9464),
        at(1, 8080),
        sip = at(1, 5060),
    );
    let trunk = |id: &str, last| {
        format!(
            "[[trunk]]\nid = \"{id}\"\ntrust = \"trusted\"\nnetworks = [\"{}/32\"]\nnext_hops = [\"{}\"]\noptions_interval_s = 0\n",
            host(last),
            at(last, 5060)
        )
    };
    let hotlines = "[[hotline]]\nnumber = \"12345\"\nplan = [{ group = \"desk\" }]\n\
         [[hotline]]\nnumber = \"110\"\nplan = [{ trunk = \"police\", number = \"110\" }]\n";
    let agent = |number: u32| {
        format!("[[agent]]\nnumber = \"{number}\"\ngroups = [\"desk\"]\nsecret = \"${{STORY_{number}}}\"\n")
    };
    let agents = format!("[[group]]\nid = \"desk\"\n{}{}", agent(1001), agent(1002));
    let profile = format!("rtp_source = \"sdp\"\nmedia_networks = [\"{}/24\"]\n", host(0));
    let files = [
        ("lianxian.toml", main),
        ("trunks.toml", trunk("first", 11) + &trunk("second", 12) + &trunk("police", 31)),
        ("hotlines.toml", hotlines.to_owned()),
        ("agents.toml", agents),
        ("generic.toml", profile.clone()),
        ("softphone.toml", profile),
    ];
    for (name, text) in files {
        fs::write(folder.join(name), text).map_err(|error| Trouble::System("writing the configuration", error))?;
    }
    Ok(())
}

fn start_daemon(folder: &Path, passwords: &Passwords) -> Result<Process, Trouble> {
    let log = fs::File::create(folder.join("daemon.log")).map_err(|error| Trouble::System("the log", error))?;
    let errors = log.try_clone().map_err(|error| Trouble::System("the log", error))?;
    let mut command = program()?;
    command.arg("serve").arg("--with-parent").arg("--config").arg(folder.join("lianxian.toml"));
    command.envs(passwords.iter().map(|(name, password)| (format!("STORY_{name}"), password)));
    command.stdin(Stdio::piped()).stdout(log).stderr(errors);
    Process::start(command, "the daemon")
}

// === Processes ===

/// This program, to be started again in another part.
pub(super) fn program() -> Result<Command, Trouble> {
    std::env::current_exe().map(Command::new).map_err(|error| Trouble::System("the program's own path", error))
}

/// A child that is ended when it is dropped: first asked, then killed.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) child: Child,
}

impl Process {
    pub(super) fn start(mut command: Command, what: &'static str) -> Result<Self, Trouble> {
        command.spawn().map(|child| Self { child }).map_err(|error| Trouble::System(what, error))
    }

    fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The daemon lets calls finish at the first signal and ends at the second.
        for _ in 0..2 {
            if self.has_ended() {
                return;
            }
            if let Ok(number) = i32::try_from(self.child.id()) {
                // A child that ends at this very moment needs no signal.
                kill(Pid::from_raw(number), Signal::SIGTERM).ok();
            }
            let until = Instant::now() + FAREWELL;
            while !self.has_ended() && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        if !self.has_ended() {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}
