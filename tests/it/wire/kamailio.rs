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
        Self::start(loopback, address, switch, daemon, "")
    }

    /// The same as the edge of an IMS network: it writes the called number as a tel: URI, asserts the caller twice, as
    /// sip: and as tel: in the form of E.164, and adds what such networks add.
    pub(super) fn ims(loopback: &Loopback, address: Ipv4Addr, switch: SocketAddr, daemon: SocketAddr) -> Self {
        let words = format!(
            r#"
    if (is_method("INVITE") && !has_totag() && $si == "{switch}") {{
        remove_hf("P-Asserted-Identity");
        append_hf("P-Asserted-Identity: <sip:+86$fU@gd.ims.mnc000.mcc460.3gppnetwork.org;user=phone>, <tel:+86$fU>\r\n");
        append_hf("P-Charging-Vector: icid-value=\"7a5c;0 x\";icid-generated-at=192.0.2.7;orig-ioi=gd.chinamobile.com\r\n");
        append_hf("P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=460001234567890a\r\n");
        append_hf("P-Early-Media: supported\r\n");
        $ru = "tel:" + $rU + ";phone-context=+86";
    }}
"#,
            switch = switch.ip(),
        );
        Self::start(loopback, address, switch, daemon, &words)
    }

    fn start(loopback: &Loopback, address: Ipv4Addr, switch: SocketAddr, daemon: SocketAddr, words: &str) -> Self {
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
    if (is_method("OPTIONS") && $rU == $null) {{ sl_send_reply("200", "OK"); exit; }}
    if (has_totag()) {{
        if (loose_route()) {{ t_relay(); exit; }}
        if (is_method("ACK") && t_check_trans()) {{ t_relay(); exit; }}
        sl_send_reply("404", "Not Here"); exit;
    }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}
    t_check_trans();
    record_route();
    {words}
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
