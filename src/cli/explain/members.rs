//! Whether a subject is a member of a group, through what, and why not.

use crate::policy::Group;
use crate::policy::model::Through;
use crate::subject::Subject;

/// To be read after "the subject is".
pub fn told(group: &Group, subject: &Subject) -> String {
    let through = group.through(subject).map(|through| match through {
        Through::Client(prefix) => format!("client {} in {prefix}", subject.client),
        Through::Device(mac) => format!("device {mac}"),
        Through::User => format!("user {}", subject.user().unwrap_or_default()),
        Through::Directory => format!("directory group {}", group.directory.as_deref().unwrap_or_default()),
    });
    match through {
        Some(through) => format!("a member of {} through {through}", group.name),
        None => format!("not a member of {}: {}", group.name, why_not(group, subject)),
    }
}

fn why_not(group: &Group, subject: &Subject) -> String {
    let known = subject.known.as_deref();
    let mut reasons = Vec::new();
    if !group.clients.is_empty() {
        reasons.push(format!("{} is in none of its prefixes", subject.client));
    }
    if !group.devices.is_empty() {
        reasons.push(match subject.mac() {
            Some(mac) => format!("{mac} is none of its devices"),
            None => "the device is not known".to_owned(),
        });
    }
    if !group.users.is_empty() {
        reasons.push(match subject.user() {
            Some(user) => format!("{user} is none of its users"),
            None if known.is_some_and(|known| known.shared) => "several people use the device".to_owned(),
            None => "the user is not known".to_owned(),
        });
    }
    if group.directory.is_some() {
        reasons.push(match known {
            Some(known) if known.shared => "a shared device has no directory groups".to_owned(),
            Some(known) if !known.groups.is_empty() => "its directory group is none of the subject's".to_owned(),
            _ => "no directory group of the subject is known".to_owned(),
        });
    }
    reasons.dedup();
    match reasons.is_empty() {
        true => "it has no members".to_owned(),
        false => reasons.join("; "),
    }
}
