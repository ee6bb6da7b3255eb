//! Who acts: the account behind the terminal.

/// The account behind the terminal: that of the log-in, which `su` and `sudo` keep; else that of the process. Its number where it has no name.
pub fn acting() -> String {
    let login = std::fs::read_to_string("/proc/self/loginuid").ok();
    let login = login.and_then(|text| text.trim().parse::<u32>().ok()).filter(|uid| *uid != u32::MAX);
    let uid = login.unwrap_or_else(uzers::get_current_uid);
    let user = uzers::get_user_by_uid(uid);
    user.map_or_else(|| format!("uid {uid}"), |user| user.name().to_string_lossy().into_owned())
}
