//! A network of the test's own: nothing in it but a loopback interface, with or without IPv6.

use std::ffi::c_int;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use super::figures;

/// Runs `what` on a thread in a network namespace of its own; what it starts is in it, too. Such a namespace takes a right that root has:
/// without it the test fails, since what it is about would not have been tried, unless it is left out by name.
pub fn apart(ipv6: bool, what: impl FnOnce() + Send) {
    if is_left_out() {
        return;
    }
    let inside = || {
        // SAFETY: unshare(2) takes no pointers; it moves this thread alone to another network.
        let outcome = unsafe { libc::unshare(libc::CLONE_NEWNET) };
        assert_eq!(
            outcome,
            0,
            "no network namespace can be made ({}): run the tests as root, or set CORDON_WITHOUT_NAMESPACES=1",
            io::Error::last_os_error()
        );
        loopback_up().expect("the loopback interface is switched on");
        // Seen from this thread, the switch of its own network. Where the kernel has no IPv6 at all, there is none.
        match std::fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", if ipv6 { "0" } else { "1" }) {
            Err(error) if ipv6 || error.kind() != io::ErrorKind::NotFound => panic!("the switch of IPv6: {error}"),
            _ => what(),
        }
    };
    std::thread::scope(|scope| scope.spawn(inside).join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic));
}

/// Whether what needs a namespace of its own is left out, by the environment; that is told.
pub fn is_left_out() -> bool {
    let left_out = std::env::var_os("CORDON_WITHOUT_NAMESPACES").is_some();
    if left_out {
        figures::tell("LEFT OUT, since CORDON_WITHOUT_NAMESPACES is set: what needs a namespace was not tried");
    }
    left_out
}

/// As `ip link set lo up`.
fn loopback_up() -> io::Result<()> {
    let checked = |outcome: c_int| if outcome < 0 { Err(io::Error::last_os_error()) } else { Ok(outcome) };
    // SAFETY: socket(2) takes no pointers, and what it gives is ours alone.
    let socket = unsafe { OwnedFd::from_raw_fd(checked(libc::socket(libc::AF_INET, libc::SOCK_DGRAM, 0))?) };
    // SAFETY: an ifreq is plain octets, for which zero is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = *from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = libc::IFF_UP as i16;
    // SAFETY: SIOCSIFFLAGS (netdevice(7)) reads an ifreq, which lives longer than the call.
    checked(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &request) })?;
    Ok(())
}
