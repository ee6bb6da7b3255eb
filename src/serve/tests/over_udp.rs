//! UDP.

use super::*;

#[test]
fn an_answer_leaves_from_the_address_it_was_asked_at() {
    let scene = Scene::open(&["0.0.0.0:0", "[::]:0"], 2, Settings::default());
    let [v4, v6] = [scene.doors().addresses()[0].port(), scene.doors().addresses()[1].port()];
    for (ip, port) in [("127.0.0.1", v4), ("127.0.0.2", v4), ("127.0.0.3", v4), ("::1", v6)] {
        let to = SocketAddr::new(ip.parse().expect("an address"), port);
        let socket = client(to);
        let (answer, from) = ask(&socket, to, &packet(7, ECHO));
        assert_eq!((answer, from), (packet(7, ECHO), to));
        // The later way has kept the address, too.
        scene.house.gate.add_permits(1);
        let (answer, from) = ask(&socket, to, &packet(8, LATER));
        assert_eq!((answer, from), (packet(8, LATER), to));
    }
}

#[test]
fn each_listening_address_answers_for_itself() {
    let scene = Scene::open(&["127.0.0.1:0", "127.0.0.2:0", "[::1]:0"], 1, Settings::default());
    for &to in scene.doors().addresses() {
        let socket = client(to);
        for number in 0..20 {
            assert_eq!(ask(&socket, to, &packet(number, ECHO)), (packet(number, ECHO), to));
        }
    }
}

#[test]
fn packets_of_every_size_are_carried_and_larger_ones_counted() {
    let scene = Scene::usual();
    let socket = client(scene.address());
    for length in [0, 1, 11, 12, 13, 511, 512, 513, 1232, 1472, 1473, 4095, 4096] {
        let packet = vec![1; length];
        assert_eq!(ask(&socket, scene.address(), &packet).0, packet, "{length} octets");
    }
    socket.send_to(&[1; 4097], scene.address()).expect("sent");
    assert_eq!(ask(&socket, scene.address(), &packet(1, ECHO)).0, packet(1, ECHO));
    assert_eq!(scene.counts().udp_receive_troubles[Trouble::TooBig as usize], 1);
}

#[test]
fn thousands_of_packets_at_once_are_answered_in_batches_by_all_workers() {
    const EACH: u16 = 500;
    let scene = Scene::open(&["127.0.0.1:0"], 2, Settings::default());
    let to = scene.address();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(move || {
                let socket = client(to);
                for number in 0..EACH {
                    socket.send_to(&packet(number, ECHO), to).expect("sent");
                    // No more under way than the buffer of the client holds.
                    if number % 100 == 99 {
                        let numbers: HashSet<_> = (0..100).map(|_| receive(&socket).0).collect();
                        assert_eq!(numbers, (number - 99..=number).map(|number| packet(number, ECHO)).collect());
                    }
                }
            });
        }
    });
    let counts = scene.counts();
    assert_eq!(counts.udp_dropped, 0);
    scene.wait(|counts| counts.udp_packets == 8 * u64::from(EACH) && counts.udp_answers == 8 * u64::from(EACH));
    assert!(scene.counts().udp_batches <= 8 * u64::from(EACH));
    let tallies: Vec<_> = scene.doors().counters().packets_by_worker();
    assert!(tallies.iter().all(|&packets| packets > 0), "{tallies:?}");
}

#[test]
fn packets_that_have_piled_up_are_taken_together() {
    let mut scene = Scene::usual();
    let (socket, to) = (client(scene.address()), scene.address());
    // Held up by the first packet, the worker finds the others waiting.
    let held = scene.house.hold.lock().expect("nobody else holds it");
    for number in 0..65 {
        socket.send_to(&packet(number, if number == 0 { HOLD } else { ECHO }), to).expect("sent");
    }
    drop(held);
    let answers: HashSet<_> = (0..65).map(|_| receive(&socket).0).collect();
    assert_eq!(answers.len(), 65);
    let counters = scene.doors().counters();
    assert!(scene.close(PATIENCE).is_clean());
    let counts = counters.read();
    assert_eq!((counts.udp_packets, counts.udp_answers), (65, 65));
    assert!(counts.udp_batches <= 8, "{} batches: 8 + 16 + 32 packets and the rest at most", counts.udp_batches);
    assert_eq!(scene.house.ended.load(Ordering::SeqCst) as u64, counts.udp_batches);
}

#[test]
fn a_silent_step_sends_nothing_and_a_step_too_large_is_counted() {
    let scene = Scene::usual();
    let (socket, to) = (client(scene.address()), scene.address());
    socket.send_to(&packet(1, SILENT), to).expect("sent");
    socket.send_to(&packet(2, HUGE), to).expect("sent");
    assert_eq!(ask(&socket, to, &packet(3, ECHO)).0, packet(3, ECHO), "nothing came before it");
    assert_eq!(scene.counts().send_troubles[Trouble::TooBig as usize], 1);
}

#[test]
fn a_panic_costs_its_own_packet_only() {
    let scene = Scene::usual();
    let (socket, to) = (client(scene.address()), scene.address());
    for number in 0..5 {
        socket.send_to(&packet(number, PANIC), to).expect("sent");
        assert_eq!(ask(&socket, to, &packet(number, ECHO)).0, packet(number, ECHO));
    }
    assert_eq!(scene.counts().panics, 5);
}

#[test]
fn nothing_leaves_when_the_end_of_its_batch_failed() {
    let scene = Scene::usual();
    let (socket, to) = (client(scene.address()), scene.address());
    socket.send_to(&packet(1, END_PANIC), to).expect("sent");
    scene.wait(|counts| counts.panics == 1);
    assert_eq!(ask(&socket, to, &packet(2, ECHO)).0, packet(2, ECHO), "the first was not sent");
}

#[test]
fn a_later_answer_that_panics_is_counted_and_gives_its_place_back() {
    let settings = Settings { udp: UdpLimits { later: 1, ..UdpLimits::default() }, ..Settings::default() };
    let scene = Scene::open(&["127.0.0.1:0"], 1, settings);
    let (socket, to) = (client(scene.address()), scene.address());
    scene.house.open_gate();
    for number in 1..4 {
        socket.send_to(&packet(number, LATER_PANIC), to).expect("sent");
        scene.wait(|counts| counts.panics == u64::from(number));
        // The place is free a moment after the panic is counted.
        while ask(&socket, to, &packet(number, LATER)).0 == [BUSY; 13] {}
        scene.wait(|counts| counts.udp_later_sent == u64::from(number));
        while scene.doors().laters_free() == 0 {}
    }
}

#[test]
fn more_later_answers_than_may_be_are_given_back_to_the_worker() {
    let settings = Settings { udp: UdpLimits { later: 3, ..UdpLimits::default() }, ..Settings::default() };
    let mut scene = Scene::open(&["127.0.0.1:0"], 1, settings);
    let (socket, to) = (client(scene.address()), scene.address());
    for number in 0..5 {
        socket.send_to(&packet(number, LATER), to).expect("sent");
    }
    for _ in 0..2 {
        assert_eq!(receive(&socket).0, [BUSY; 13]);
    }
    assert_eq!(scene.house.dropped.load(Ordering::SeqCst), 2, "the two tickets were given back");
    scene.house.open_gate();
    let answers: HashSet<_> = (0..3).map(|_| receive(&socket).0).collect();
    assert_eq!(answers, (0..3).map(|number| packet(number, LATER)).collect());
    let counters = scene.doors().counters();
    assert!(scene.close(PATIENCE).is_clean());
    let counts = counters.read();
    assert_eq!((counts.udp_later_started, counts.udp_later_sent, counts.udp_later_refused), (3, 3, 2));
}

#[test]
fn a_client_that_has_gone_does_not_end_the_worker() {
    let scene = Scene::usual();
    for number in 0..50 {
        // Its answer meets a closed port.
        client(scene.address()).send_to(&packet(number, ECHO), scene.address()).expect("sent");
    }
    let socket = client(scene.address());
    assert_eq!(ask(&socket, scene.address(), &packet(99, ECHO)).0, packet(99, ECHO));
}

#[test]
fn what_the_kernel_drops_is_counted_also_after_the_end() {
    let mut scene = Scene::with(Listen { receive_buffer: 4096, ..listen(&["127.0.0.1:0"], 1) }, Settings::default());
    let (socket, to) = (client(scene.address()), scene.address());
    // A buffer of a few packets against a sender that never waits.
    while scene.counts().udp_dropped == 0 {
        for number in 0..1000 {
            socket.send_to(&packet(number, SILENT), to).expect("sent");
        }
    }
    let counters = scene.doors().counters();
    let before = counters.read().udp_dropped;
    scene.close(PATIENCE);
    assert!(counters.read().udp_dropped >= before);
    // The counters do not keep the port.
    UdpSocket::bind(to).expect("the port is free again");
}
