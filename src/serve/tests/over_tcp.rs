//! TCP, by the sections of RFC 7766.

use super::*;

#[test]
fn queries_sent_at_once_are_answered_in_any_order() {
    let scene = Scene::usual();
    let mut stream = scene.connect();
    let mut all = framed(&packet(0, LATER));
    for number in 1..50 {
        all.extend(framed(&packet(number, ECHO)));
    }
    stream.write_all(&all).expect("written");
    let quick: HashSet<_> = (1..50).map(|_| read_frame(&mut stream).expect("an answer")).collect();
    assert_eq!(quick, (1..50).map(|number| packet(number, ECHO)).collect(), "the first one holds up none of them");
    scene.house.open_gate();
    assert_eq!(read_frame(&mut stream).expect("the first's answer"), packet(0, LATER));
    // An answer is counted when it has been written, which the client may be quicker to notice.
    scene.wait(|counts| (counts.tcp_queries, counts.tcp_answers) == (50, 50));
}

#[test]
fn ipv6_and_every_listening_address_answer() {
    let scene = Scene::open(&["127.0.0.1:0", "[::1]:0"], 1, Settings::default());
    for &to in scene.doors().addresses() {
        let mut stream = connected(to);
        stream.write_all(&framed(&packet(1, ECHO))).expect("written");
        assert_eq!(read_frame(&mut stream).expect("an answer"), packet(1, ECHO));
    }
}

#[test]
fn a_message_may_come_one_octet_at_a_time() {
    let scene = Scene::usual();
    let mut stream = scene.connect();
    for octet in framed(&packet(1, ECHO)) {
        stream.write_all(&[octet]).expect("written");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(read_frame(&mut stream).expect("an answer"), packet(1, ECHO));
}

#[test]
fn the_largest_message_is_carried_both_ways() {
    let scene = Scene::usual();
    let mut stream = scene.connect();
    let largest = vec![1; 65_535];
    stream.write_all(&framed(&largest)).expect("written");
    assert_eq!(read_frame(&mut stream).expect("an answer"), largest);
}

#[test]
fn an_answer_too_large_for_a_frame_is_counted_and_holds_up_nothing() {
    let scene = Scene::usual();
    let mut stream = scene.connect();
    for kind in [HUGE, PANIC, SILENT, ECHO] {
        stream.write_all(&framed(&packet(1, kind))).expect("written");
    }
    assert_eq!(read_frame(&mut stream).expect("an answer"), packet(1, ECHO));
    scene.wait(|counts| counts.send_troubles[Trouble::TooBig as usize] == 1 && counts.panics == 1);
}

#[test]
fn a_client_that_has_said_all_still_gets_its_answers() {
    let scene = Scene::usual();
    let mut stream = scene.connect();
    stream.write_all(&[framed(&packet(1, LATER)), framed(&packet(2, LATER))].concat()).expect("written");
    stream.shutdown(Shutdown::Write).expect("half closed");
    scene.wait_for(|house| &house.waiting, 2);
    scene.house.open_gate();
    let answers: HashSet<_> = (0..2).map(|_| read_frame(&mut stream).expect("an answer")).collect();
    assert_eq!(answers, HashSet::from([packet(1, LATER), packet(2, LATER)]));
    assert!(is_closed(&mut stream));
}

#[test]
fn a_message_without_a_header_ends_the_connection_after_what_was_asked() {
    for length in [0, 11] {
        let scene = Scene::usual();
        let mut stream = scene.connect();
        let sent = [framed(&packet(1, LATER)), framed(&vec![0; length]), framed(&packet(2, ECHO))].concat();
        stream.write_all(&sent).expect("written");
        scene.wait(|counts| counts.tcp_malformed == 1);
        scene.house.open_gate();
        assert_eq!(read_frame(&mut stream).expect("an answer"), packet(1, LATER));
        assert!(is_closed(&mut stream));
    }
}

#[test]
fn no_more_is_read_while_as_many_queries_are_in_flight_as_may_be() {
    for limits in
        [TcpLimits { in_flight: 3, ..TcpLimits::default() }, TcpLimits { in_flight_total: 3, ..TcpLimits::default() }]
    {
        let scene = Scene::tcp(limits);
        let mut stream = scene.connect();
        for number in 0..10 {
            stream.write_all(&framed(&packet(number, LATER))).expect("written");
        }
        scene.wait_for(|house| &house.waiting, 3);
        std::thread::sleep(Duration::from_millis(20));
        assert_eq!(scene.counts().tcp_queries, 3);
        scene.house.open_gate();
        let answers: HashSet<_> = (0..10).map(|_| read_frame(&mut stream).expect("an answer")).collect();
        assert_eq!(answers.len(), 10);
    }
}

#[test]
fn a_connection_without_a_query_is_closed() {
    let scene = Scene::tcp(TcpLimits { first: Duration::from_millis(50), ..TcpLimits::default() });
    assert!(is_closed(&mut scene.connect()));
    assert_eq!((scene.counts().tcp_idle, scene.counts().tcp_slow), (1, 0));
}

#[test]
fn an_idle_connection_is_closed_and_one_with_a_query_in_flight_is_not() {
    let scene = Scene::tcp(TcpLimits { idle: Duration::from_millis(50), first: PATIENCE, ..TcpLimits::default() });
    let (mut busy, mut asked) = (scene.connect(), scene.connect());
    busy.write_all(&framed(&packet(1, LATER))).expect("written");
    asked.write_all(&framed(&packet(2, ECHO))).expect("written");
    assert_eq!(read_frame(&mut asked).expect("an answer"), packet(2, ECHO));
    assert!(is_closed(&mut asked));
    assert_eq!(scene.counts().tcp_idle, 1);
    scene.house.open_gate();
    assert_eq!(read_frame(&mut busy).expect("an answer"), packet(1, LATER));
    assert!(is_closed(&mut busy), "now it is idle, too");
}

#[test]
fn idle_connections_are_closed_sooner_when_places_are_short() {
    let short = Duration::from_millis(50);
    let limits =
        TcpLimits { connections: 4, first: PATIENCE, idle: PATIENCE, idle_pressed: short, ..TcpLimits::default() };
    let scene = Scene::tcp(limits);
    let _open = [scene.connect(), scene.connect(), scene.connect()];
    scene.wait(|counts| counts.tcp_idle > 0);
}

#[test]
fn a_message_that_never_ends_is_not_waited_for_however_it_trickles() {
    let scene = Scene::tcp(TcpLimits { message: Duration::from_millis(50), ..TcpLimits::default() });
    let mut stream = scene.connect();
    // Each octet comes in time; the message as a whole does not.
    let closed = framed(&[1; 60_000]).into_iter().any(|octet| {
        std::thread::sleep(Duration::from_millis(1));
        stream.write_all(&[octet]).is_err()
    });
    assert!(closed);
    assert_eq!(scene.counts().tcp_slow, 1);
}

#[test]
fn a_client_that_reads_nothing_is_let_go() {
    let scene = Scene::tcp(TcpLimits { write: Duration::from_millis(50), ..TcpLimits::default() });
    let mut stream = scene.connect();
    stream.set_write_timeout(Some(PATIENCE)).expect("a time-out");
    let large = framed(&[1; 65_535]);
    while stream.write_all(&large).is_ok() {}
    scene.wait(|counts| counts.tcp_slow == 1 && counts.tcp_open == 0);
    assert!(scene.counts().send_troubles[Trouble::TooSlow as usize] > 0);
}

#[test]
fn at_the_cap_the_connection_idle_for_longest_makes_place() {
    let scene = Scene::tcp(TcpLimits { connections: 2, ..TcpLimits::default() });
    let mut busy = scene.connect();
    busy.write_all(&framed(&packet(1, LATER))).expect("written");
    scene.wait_for(|house| &house.waiting, 1);
    let mut idle = scene.connect();
    scene.wait(|counts| counts.tcp_accepted == 2);
    let mut new = scene.connect();
    assert!(is_closed(&mut idle));
    new.write_all(&framed(&packet(2, LATER))).expect("written");
    scene.wait_for(|house| &house.waiting, 2);
    // Both are busy now, so that the next one is refused.
    assert!(is_closed(&mut scene.connect()));
    scene.house.open_gate();
    assert_eq!(read_frame(&mut busy).expect("an answer"), packet(1, LATER));
    assert_eq!(read_frame(&mut new).expect("an answer"), packet(2, LATER));
    assert_eq!((scene.counts().tcp_evicted, scene.counts().tcp_refused), (1, 1));
}

#[test]
fn a_client_at_its_own_cap_leaves_the_others_alone() {
    let scene = Scene::tcp(TcpLimits { per_client: 1, ..TcpLimits::default() });
    let mut other = {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
        socket.bind(&"127.0.0.9:0".parse::<SocketAddr>().expect("an address").into()).expect("bound");
        socket.connect(&scene.address().into()).expect("connected");
        TcpStream::from(socket)
    };
    scene.wait(|counts| counts.tcp_accepted == 1);
    let mut first = scene.connect();
    scene.wait(|counts| counts.tcp_accepted == 2);
    let mut second = scene.connect();
    assert!(is_closed(&mut first));
    for stream in [&mut other, &mut second] {
        stream.write_all(&framed(&packet(1, ECHO))).expect("written");
        assert_eq!(read_frame(stream).expect("an answer"), packet(1, ECHO));
    }
}

#[test]
fn a_client_that_resets_the_connection_takes_its_queries_with_it() {
    let scene = Scene::usual();
    let mut stream = scene.connect();
    stream.write_all(&framed(&packet(1, LATER))).expect("written");
    scene.wait_for(|house| &house.waiting, 1);
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("a reset");
    drop(stream);
    scene.wait(|counts| counts.tcp_open == 0);
}
