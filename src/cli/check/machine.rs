//! What of this machine would keep a server from starting though the configuration is sound, as far as can be seen without touching
//! anything: no folder is made and no port is taken.

use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::serve::absent;
use crate::store::obstacle;
use crate::store::plan::Limits;
use crate::store::reader::Reader;

/// What stands in the way here, each with the key it is about. They are warnings: a configuration may be checked on another machine than
/// the one it is for, and by another user.
pub fn warnings(config: &Config) -> Vec<String> {
    let (mut found, wrong) = folders(config);
    // Where the log cannot be at all, its room is no matter.
    let log = &config.log.dir;
    if !wrong.iter().any(|above| log.starts_with(above)) {
        found.extend(room(config));
        found.extend(unreadable(log).map(|why| format!("log.dir: {why}")));
    }
    let dns = config.listen.dns.iter().map(|address| ("listen.dns", *address));
    for (key, address) in dns.chain([("listen.admin", config.listen.admin)]) {
        found.extend(absent(address).map(|cause| format!("{key}: {address}: {cause}")));
    }
    found
}

/// What is wrong with the folders a server makes and writes to, and with which. One below another is told of only where that one is sound.
fn folders(config: &Config) -> (Vec<String>, Vec<PathBuf>) {
    let data = &config.node.data_dir;
    let key = config.log.signing_key.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    let (mut wrong, mut found) = (Vec::<PathBuf>::new(), Vec::new());
    for (name, folder) in [
        ("node.data_dir", data.clone()),
        ("node.data_dir", data.join("lists")),
        ("log.dir", config.log.dir.clone()),
        ("log.signing_key", key),
    ] {
        if wrong.iter().any(|above| folder.starts_with(above)) {
            continue;
        }
        if let Some(why) = obstacle::to_folder(&folder) {
            found.push(format!("{name}: {}: {why}; name one that the server's user may write to", folder.display()));
            wrong.push(folder);
        }
    }
    (found, wrong)
}

/// What of a log that is there a start would stumble over: a damaged manifest, or a segment that another version wrote.
fn unreadable(log: &Path) -> Option<String> {
    // Where there is none yet, one is begun.
    log.is_dir().then(|| Reader::open(log).err())?.map(|error| error.to_string())
}

/// Whether the log's disk has the room that a start needs at the least.
fn room(config: &Config) -> Option<String> {
    let limits = Limits::of(&config.log);
    let each = limits.segment_bytes as u64;
    let needed = limits.keep_free.saturating_add(each);
    let free = obstacle::free_octets(&config.log.dir).filter(|free| *free < needed)?;
    let [free, kept, each] = [free, limits.keep_free, each].map(|octets| octets >> 20);
    let dir = config.log.dir.display();
    Some(format!("log.dir: {dir}: {free} MiB are free; a start needs {kept} MiB, and {each} MiB more for each lane"))
}
