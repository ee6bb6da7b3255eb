//! What the kernel grants a process.

/// Raises the soft limit of open files to the hard one: every question on its way up holds sockets, every TCP client one. Where that is
/// not granted, what there is must do; a warning says how many.
pub(super) fn raise_open_files() {
    /// Sockets for 4,096 questions on their way to two upstreams each, 2,048 TCP clients, and room for files.
    const WANTED: libc::rlim_t = 16_384;
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a live, writable value of the type the call fills.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } != 0 {
        return;
    }
    let raised = libc::rlimit { rlim_cur: limit.rlim_max, ..limit };
    // SAFETY: the pointer is to a live value; the call only reads it.
    let granted =
        if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raised) } == 0 { raised.rlim_cur } else { limit.rlim_cur };
    if granted < WANTED {
        tracing::warn!(granted, wanted = WANTED, "few files may be open at once; raise LimitNOFILE of the service");
    }
}
