//! kamailio as a carrier's proxy in front of a trunk: it inserts itself into every dialog by Record-Route.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use super::loopback::Loopback;
use super::process::Process;

/// A running proxy.
pub(super) struct Kamailio {
    _process: Process,
}

impl Kamailio {
    /// A proxy at `address` between the carrier's switch and the daemon: what comes from one goes to the other.
    pub(super) fn between(loopback: &Loopback, address: Ipv4Addr, switch: SocketAddr, daemon: SocketAddr) -> Self {
        let config = format!(
            r#"#!KAMAILIO
debug=2
log_stderror=yes
children=2
disable_tcp=yes
auto_aliases=no
listen=udp:{address}:5060
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/:/usr/lib/aarch64-linux-gnu/kamailio/modules/"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "textops.so"
modparam("rr", "enable_full_lr", 1)
request_route {{
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (has_totag()) {{
        if (loose_route()) {{ t_relay(); exit; }}
        if (is_method("ACK") && t_check_trans()) {{ t_relay(); exit; }}
        sl_send_reply("404", "Not Here"); exit;
    }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
    t_check_trans();
    record_route();
    if ($si == "{switch_host}") {{ $du = "sip:{daemon}"; }} else {{ $du = "sip:{switch}"; }}
    t_relay();
}}
"#,
            switch_host = switch.ip(),
        );
        let path = loopback.write("kamailio.cfg", &config);
        let runtime = loopback.file("kamailio-run");
        std::fs::create_dir_all(&runtime).expect("the build folder can be written");
        let mut command = Command::new("kamailio");
        command
            .arg("-f")
            .arg(path)
            .args(["-DD", "-E", "-m", "32", "-M", "4", "-Y"])
            .arg(&runtime)
            .arg("-w")
            .arg(&runtime);
        let mut process = Process::start(loopback, "kamailio", command);
        super::loopback::wait_for("kamailio to listen", super::loopback::PATIENCE, || {
            assert!(process.runs(), "kamailio ended:\n{}", process.printed());
            // The address is taken once kamailio has bound it.
            std::net::UdpSocket::bind((address, 5060)).is_err().then_some(())
        });
        Self { _process: process }
    }
}
