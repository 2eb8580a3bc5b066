//! baresip as a second, independent softphone.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use lianxian::media::tone::Tone;

use super::loopback::{Loopback, PATIENCE, wait_for};
use super::process::Process;
use super::setup::{PASSWORD, REALM};
use super::sound::Hearing;

/// Where Debian keeps baresip's modules.
const MODULES: &str = "/usr/lib/baresip/modules";

/// A running baresip.
pub(super) struct Baresip {
    /// The process.
    pub(super) process: Process,
    control: SocketAddr,
    sounds: PathBuf,
}

impl Baresip {
    /// Starts a phone of agent `user` over UDP that answers at once, and waits until it has registered.
    pub(super) fn register(
        loopback: &Loopback,
        user: &str,
        address: Ipv4Addr,
        tone_hz: u32,
        registrar: SocketAddr,
    ) -> Self {
        let folder = format!("baresip-{user}");
        let sounds = loopback.file(&format!("{folder}/heard"));
        fs::create_dir_all(&sounds).expect("the build folder can be written");
        let tone = loopback.file(&format!("{folder}/tone.wav"));
        write_tone(&tone, tone_hz);
        let control = SocketAddr::from((address, 4444));
        let config = format!(
            "sip_listen {address}:5060\nnet_interface {address}\nrtp_ports 10000-10020\ncall_max_calls 4\n\
             audio_source aufile,{tone}\naudio_player aubridge,nowhere-{user}\naudio_alert aubridge,alert-{user}\n\
             audio_level no\nausrc_srate 8000\nauplay_srate 8000\nausrc_channels 1\nauplay_channels 1\n\
             audio_buffer 20-160\njitter_buffer_delay 1-2\nsnd_path {sounds}\nctrl_tcp_listen {control}\n\
             module_path {MODULES}\nmodule g711.so\nmodule aufile.so\nmodule aubridge.so\nmodule sndfile.so\n\
             module_tmp account.so\nmodule_app ctrl_tcp.so\nmodule_app menu.so\n",
            tone = tone.display(),
            sounds = sounds.display(),
        );
        loopback.write(&format!("{folder}/config"), &config);
        loopback.write(&format!("{folder}/contacts"), "");
        let account = format!(
            "<sip:{user}@{REALM};transport=udp>;auth_user={user};auth_pass=\"{PASSWORD}\";\
             outbound=\"sip:{registrar};transport=udp\";regint=60;answermode=auto;audio_codecs=PCMA\n"
        );
        loopback.write(&format!("{folder}/accounts"), &account);
        let mut command = Command::new("baresip");
        command.arg("-f").arg(loopback.file(&folder));
        let mut process = Process::start(loopback, &folder, command);
        process.expect("200 OK");
        Self { process, control, sounds }
    }

    /// Gives baresip a command of its menu: `hold`, `resume`, `hangup`.
    pub(super) fn command(&self, command: &str) {
        self.command_with(command, "");
    }

    /// Gives baresip a command that wants a word: `transfer`.
    pub(super) fn command_with(&self, command: &str, word: &str) {
        let mut stream = TcpStream::connect_timeout(&self.control, PATIENCE).expect("baresip's control port is open");
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a time-out can be set");
        let json = format!("{{\"command\":\"{command}\",\"params\":\"{word}\",\"token\":\"t\"}}");
        write!(stream, "{}:{json},", json.len()).expect("baresip reads its control port");
        // Events come on the same stream; the answer to our token ends the command.
        let mut answer = Vec::new();
        let mut byte = [0];
        while !String::from_utf8_lossy(&answer).contains("\"token\":\"t\"") {
            stream.read_exact(&mut byte).expect("baresip answers its control port");
            answer.push(byte[0]);
        }
        assert!(String::from_utf8_lossy(&answer).contains("\"ok\":true"), "{}", String::from_utf8_lossy(&answer));
    }

    /// What it has heard in the first call, once that has ended. Pauses in the stream are not in its recording: gaps are
    /// measured elsewhere.
    pub(super) fn heard(&mut self) -> Hearing {
        self.process.expect("terminated (duration");
        let recording = wait_for("baresip's recording", PATIENCE, || {
            let mut files: Vec<PathBuf> =
                fs::read_dir(&self.sounds).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
            files.sort();
            let recording = files.into_iter().find(|path| path.to_string_lossy().ends_with("-dec.wav"))?;
            // Its length is written as it is closed, which is after the call has ended.
            hound::WavReader::open(&recording).is_ok_and(|reader| reader.duration() > 0).then_some(recording)
        });
        Hearing::of_wav(&recording)
    }
}

pub(super) fn write_tone(path: &std::path::Path, frequency_hz: u32) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).expect("the build folder can be written");
    let mut tone = Tone::new(frequency_hz, 8_000);
    for _ in 0..8_000 * 60 {
        writer.write_sample(tone.next_sample()).expect("the build folder can be written");
    }
    writer.finalize().expect("the build folder can be written");
}
