//! What a file of `sip-profiles/` is to routing.

use crate::config::ProfileFile;
use crate::routing::profile::Profile;

pub(super) fn profile(name: &str, file: &ProfileFile) -> Profile {
    let standard = Profile::named(name);
    Profile {
        rtp_source: file.rtp_source,
        media_networks: file.media_networks.as_ref().map_or(standard.media_networks, |list| list.get_ref().clone()),
        learn_window_ms: file.learn_window_ms.as_ref().map_or(standard.learn_window_ms, |window| *window.get_ref()),
        ..standard
    }
}
