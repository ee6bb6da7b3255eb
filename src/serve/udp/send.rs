//! Sending the answers of a batch: all that can be sent, each that cannot counted.

use std::io;
use std::time::Duration;

use super::batch::Batch;
use super::socket::{self, UdpSocket};
use crate::serve::counters::{Trouble, Troubles};

/// How long a worker waits for room in a send buffer before it gives a batch's answers up.
const WAIT: Duration = Duration::from_millis(20);

/// Sends the batch's answers; how many. Each that cannot be sent is counted, and holds up none of the others.
pub(super) fn all(batch: &mut Batch, socket: &UdpSocket, troubles: &Troubles) -> u64 {
    batch.bundle(socket.bundles());
    let (mut piece, mut from, mut sent, mut waited) = (0, 0, 0, false);
    while from < batch.outgoing() {
        match socket.send(batch, piece, from) {
            Ok(count) => {
                let answers = batch.answers_in(piece, count);
                piece += count;
                from += answers;
                sent += answers as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let room = !waited && socket::wait_writable(socket, WAIT).unwrap_or(false);
                waited = true;
                if !room {
                    troubles.add(Trouble::NoRoom, (batch.outgoing() - from) as u64);
                    break;
                }
            }
            // Each by itself may well arrive.
            Err(error) if batch.answers_in(piece, 1) > 1 => {
                socket.failed_bundle(&error);
                batch.take_apart(piece, from);
            }
            Err(error) => {
                troubles.add(Trouble::of(&error), 1);
                piece += 1;
                from += 1;
            }
        }
    }
    sent
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::{SocketAddr, UdpSocket as Client};
    use std::sync::Arc;

    use super::*;
    use crate::config::checked::Listen;

    /// What clients get who each ask for all of these lengths at once, and how often the kernel was given a piece.
    fn answered(address: &str, clients: usize, lengths: &[usize], prepare: impl Fn(&UdpSocket)) -> (UdpSocket, usize) {
        let bound: SocketAddr = address.parse().unwrap();
        let server = UdpSocket::bind(bound, true, &Listen::default(), Arc::default()).unwrap();
        prepare(&server);
        let to = SocketAddr::new(
            if bound.ip().is_unspecified() { "127.0.0.1".parse().unwrap() } else { bound.ip() },
            server.address().unwrap().port(),
        );
        let clients: Vec<Client> = (0..clients)
            .map(|_| {
                let client = Client::bind((to.ip(), 0)).unwrap();
                client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
                client.connect(to).unwrap();
                client
            })
            .collect();
        for length in lengths {
            clients.iter().for_each(|client| assert_eq!(client.send(&vec![*length as u8; *length]).unwrap(), *length));
        }
        let wanted = clients.len() * lengths.len();
        let mut batch = Batch::new(wanted);
        // Loopback hands over at once: all of them are there.
        assert_eq!(server.receive(&mut batch, wanted, true).unwrap(), wanted);
        for slot in 0..wanted {
            batch.turn_round(slot, server.tells()).unwrap();
            let (packet, out) = batch.slot(slot);
            let length = packet.len();
            out[..length].copy_from_slice(packet);
            batch.send_answer(slot, length);
        }
        let troubles = Troubles::default();
        assert_eq!(all(&mut batch, &server, &troubles), wanted as u64);
        for client in &clients {
            let mut rest: BTreeSet<usize> = lengths.iter().copied().collect();
            let mut octets = [0; 4096];
            for _ in lengths {
                let length = client.recv(&mut octets).unwrap();
                assert!(octets[..length].iter().all(|octet| *octet == length as u8));
                assert!(rest.remove(&length), "{length} octets came twice, or never left");
            }
        }
        let pieces = batch.pieces.len();
        (server, pieces)
    }

    #[test]
    fn several_clients_each_get_their_own_answers_in_pieces() {
        for address in ["127.0.0.1:0", "[::1]:0", "0.0.0.0:0"] {
            // Three lengths make two pieces: one of two answers, and the shortest.
            let (server, pieces) = answered(address, 3, &[90, 60, 30], |_| {});
            assert!(server.bundles(), "this kernel does not cut");
            assert_eq!(pieces, 6, "{address}");
        }
    }

    #[test]
    fn what_the_kernel_refuses_in_one_piece_leaves_answer_by_answer() {
        // Without checksums the kernel cuts nothing (EINVAL).
        let (server, pieces) = answered("127.0.0.1:0", 2, &[90, 60], |server| {
            let (one, size) = (1_i32, size_of::<i32>() as libc::socklen_t);
            // SAFETY: the pointer is that of an initialised int, and the length is its size.
            let set = unsafe {
                libc::setsockopt(server.raw(), libc::SOL_SOCKET, libc::SO_NO_CHECK, (&raw const one).cast(), size)
            };
            assert_eq!(set, 0);
        });
        assert!(!server.bundles());
        assert_eq!(pieces, 4);
    }
}
