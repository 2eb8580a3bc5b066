//! linphone's console (`linphonec`), what many offices have on their desks, driven by its standard input.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::time::Duration;

use super::loopback::{Loopback, text_of, wait_for};
use super::process::Process;
use super::setup::{PASSWORD, REALM};

/// A running, registered telephone that answers at once.
pub(super) struct Linphone {
    /// The process: what it says is for people.
    pub(super) process: Process,
}

impl Linphone {
    /// Starts the telephone of an agent; its tone comes from a file.
    pub(super) fn register(
        loopback: &Loopback,
        user: &str,
        address: Ipv4Addr,
        tone_hz: u32,
        registrar: SocketAddr,
    ) -> Self {
        let home = loopback.file("linphone");
        // It makes no folder by itself, and without its database it keeps no account.
        for folder in [".local/share/linphone", ".config/linphone"] {
            fs::create_dir_all(home.join(folder)).expect("the build folder can be written");
        }
        let tone = home.join("tone.wav");
        super::baresip::write_tone(&tone, tone_hz);
        let settings = format!(
            "[sip]\nsip_port=5060\nsip_tcp_port=-1\nsip_tls_port=-1\nbind_address={address}\nguess_hostname=0\n\
             contact=sip:{user}@{address}\ndefault_proxy=0\nregister_only_when_network_is_up=0\n\
             [rtp]\nbind_address={address}\naudio_rtp_port=7078\n\
             [proxy_0]\nreg_proxy=<sip:{registrar};transport=udp>\nreg_route=<sip:{registrar};transport=udp;lr>\n\
             reg_identity=<sip:{user}@{REALM}>\nreg_expires=300\nreg_sendregister=1\npublish=0\n\
             [auth_info_0]\nusername={user}\npasswd={PASSWORD}\nrealm={REALM}\n\
             [sound]\nechocancellation=0\n[video]\nenabled=0\n\
             [audio_codec_0]\nmime=PCMA\nrate=8000\nchannels=1\nenabled=1\n"
        );
        let settings = loopback.write("linphone/rc", &settings);
        let mut command = Command::new("linphonec");
        command.arg("-a").arg("-d").arg("5").arg("-l").arg(home.join("linphone.log")).arg("-c").arg(settings);
        command.env("HOME", &home);
        let mut process = Process::start(loopback, "linphonec", command);
        process.tell("soundcard use files");
        process.tell(&format!("play {}", tone.display()));
        let log = home.join("linphone.log");
        wait_for("linphone to be registered", Duration::from_secs(20), || {
            assert!(process.runs(), "linphonec ended:\n{}", process.printed());
            text_of(&log).contains("to [LinphoneRegistrationOk]").then_some(())
        });
        Self { process }
    }

    /// Hands its only call to a number.
    pub(super) fn transfers_to(&mut self, number: &str) {
        self.process.tell(&format!("transfer 1 sip:{number}@{REALM}"));
    }
}
