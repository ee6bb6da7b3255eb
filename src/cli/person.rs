//! Who runs this command, for what is kept beside a change.

use crate::query::audit::Person;

/// The account behind the terminal: the one that logged in, which `su` and `sudo` keep (`/proc/self/loginuid`), else the one the process
/// runs as. Its name, or `uid 1000` when the machine does not know one.
pub fn acting() -> String {
    named(Person::here())
}

fn named(person: Person) -> String {
    match (person.login_uid, person.login_user) {
        (Some(_), Some(name)) => name,
        (Some(uid), None) => format!("uid {uid}"),
        (None, _) => person.user.unwrap_or_else(|| format!("uid {}", person.uid)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(user: Option<&str>, login: Option<(u32, Option<&str>)>) -> Person {
        Person {
            uid: 0,
            user: user.map(str::to_owned),
            login_uid: login.map(|(uid, _)| uid),
            login_user: login.and_then(|(_, name)| name.map(str::to_owned)),
        }
    }

    #[test]
    fn whoever_logged_in_goes_before_whom_the_process_runs_as() {
        assert_eq!(named(person(Some("root"), Some((1000, Some("a.smith"))))), "a.smith");
        assert_eq!(named(person(Some("root"), Some((1000, None)))), "uid 1000");
        assert_eq!(named(person(Some("root"), None)), "root");
        assert_eq!(named(person(None, None)), "uid 0");
        assert!(!acting().is_empty());
    }
}
