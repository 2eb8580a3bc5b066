//! What a reload cannot change: the keys whose change needs a restart.

use std::ops::Range;

use toml::Spanned;

use super::problem::position;
use super::schema::{HttpSection, ListenEntry, MainFile};
use super::{Configuration, Placed, Problem};

/// A key that is read once, at the start.
struct Fixed {
    key: &'static str,
    changed: Changed,
    place: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Changed {
    Yes,
    No,
}

/// One problem for each key that differs and is read only at the start. Such a configuration is refused as a whole: a
/// part of it in use, and another part not, would be a state that no file describes.
pub(super) fn needed(running: &Configuration, read: &Configuration) -> Vec<Problem> {
    fixed(&running.main, &read.main)
        .into_iter()
        .filter(|fixed| fixed.changed == Changed::Yes)
        .map(|fixed| {
            let (line, column) = position(&read.text, fixed.place.start);
            Problem {
                file: read.path.clone(),
                line,
                column,
                key: fixed.key.to_owned(),
                wrong: "needs a restart: it is read only when the daemon starts".to_owned(),
                right: "the value that is in use, or a restart".to_owned(),
            }
        })
        .collect()
}

fn fixed(old: &MainFile, new: &MainFile) -> Vec<Fixed> {
    let (old_media, new_media) = (&old.media, &new.media);
    let (old_limits, new_limits) = (&old.limits, &new.limits);
    let (old_store, new_store) = (&old.store, &new.store);
    vec![
        listeners(&old.sip.listen, &new.sip.listen),
        value("media.address", &old_media.address, &new_media.address),
        option("media.advertise", old_media.advertise.as_ref(), new_media.advertise.as_ref()),
        option("media.ipv6_address", old_media.ipv6_address.as_ref(), new_media.ipv6_address.as_ref()),
        value("media.first_port", &old_media.first_port, &new_media.first_port),
        value("media.last_port", &old_media.last_port, &new_media.last_port),
        value("media.workers", &old_media.workers, &new_media.workers),
        value("media.prompts", &old_media.prompts, &new_media.prompts),
        value("limits.connections", &old_limits.connections, &new_limits.connections),
        value(
            "limits.connections_per_address",
            &old_limits.connections_per_address,
            &new_limits.connections_per_address,
        ),
        value("admin.listen", &old.admin.listen, &new.admin.listen),
        http(old.http.as_ref(), new.http.as_ref()),
        value("store.folder", &old_store.folder, &new_store.folder),
        value("store.ballast_mb", &old_store.ballast_mb, &new_store.ballast_mb),
        value("store.waiting_entries", &old_store.waiting_entries, &new_store.waiting_entries),
        value("store.keep_days", &old_store.keep_days, &new_store.keep_days),
        value("log.level", &old.log.level, &new.log.level),
    ]
}

fn value<T: PartialEq>(key: &'static str, old: &Spanned<T>, new: &Spanned<T>) -> Fixed {
    Fixed { key, changed: changed(old.get_ref() != new.get_ref()), place: new.span() }
}

fn option<T: PartialEq>(key: &'static str, old: Option<&Placed<T>>, new: Option<&Placed<T>>) -> Fixed {
    let differs = old.map(|old| old.get_ref()) != new.map(|new| new.get_ref());
    Fixed { key, changed: changed(differs), place: new.map_or(0..0, |new| new.span()) }
}

fn http(old: Option<&HttpSection>, new: Option<&HttpSection>) -> Fixed {
    option("http.listen", old.map(|http| &http.listen), new.map(|http| &http.listen))
}

fn listeners(old: &Spanned<Vec<ListenEntry>>, new: &Spanned<Vec<ListenEntry>>) -> Fixed {
    let row = |entry: &ListenEntry| {
        (entry.transport, *entry.address.get_ref(), entry.advertise.as_ref().map(|address| *address.get_ref()))
    };
    let differs = !old.get_ref().iter().map(row).eq(new.get_ref().iter().map(row));
    Fixed { key: "sip.listen", changed: changed(differs), place: new.span() }
}

const fn changed(differs: bool) -> Changed {
    if differs { Changed::Yes } else { Changed::No }
}
