//! Closing the doors.

use super::*;

#[test]
fn what_is_in_flight_finishes_within_the_limit() {
    let mut scene = Scene::open(&["127.0.0.1:0", "[::1]:0"], 2, Settings::default());
    let to = scene.address();
    let socket = client(to);
    let mut stream = scene.connect();
    socket.send_to(&packet(1, LATER), to).expect("sent");
    stream.write_all(&framed(&packet(2, LATER))).expect("written");
    scene.wait_for(|house| &house.waiting, 2);
    let house = scene.house.clone();
    // The gate opens only after intake has ended: the TCP port refuses.
    let opener = std::thread::spawn(move || {
        while TcpStream::connect(to).is_ok() {
            std::thread::sleep(Duration::from_millis(1));
        }
        house.open_gate();
    });
    assert!(scene.close(PATIENCE).is_clean());
    opener.join().expect("the gate is open");
    assert_eq!(receive(&socket).0, packet(1, LATER));
    assert_eq!(read_frame(&mut stream).expect("an answer"), packet(2, LATER));
    assert!(is_closed(&mut stream));
    assert_eq!(scene.house.dropped.load(Ordering::SeqCst), 0);
}

#[test]
fn what_does_not_finish_is_dropped_and_told() {
    let mut scene = Scene::usual();
    let (socket, to) = (client(scene.address()), scene.address());
    let mut stream = scene.connect();
    socket.send_to(&packet(1, LATER), to).expect("sent");
    stream.write_all(&framed(&packet(2, LATER))).expect("written");
    scene.wait_for(|house| &house.waiting, 2);
    let closed = scene.close(Duration::from_millis(10));
    assert_eq!(closed, Closed { laters_abandoned: 1, connections_abandoned: 1, workers_stuck: 0 });
    assert_eq!(scene.house.dropped.load(Ordering::SeqCst), 1, "its ticket was dropped, so that it is recorded");
    assert!(is_closed(&mut stream));
    UdpSocket::bind(to).expect("the UDP port is free");
    std::net::TcpListener::bind(to).expect("the TCP port is free");
}

#[test]
fn what_had_arrived_before_the_end_is_answered() {
    let mut scene = Scene::usual();
    let (socket, to) = (client(scene.address()), scene.address());
    for number in 0..100 {
        socket.send_to(&packet(number, ECHO), to).expect("sent");
    }
    assert!(scene.close(PATIENCE).is_clean());
    let answers: HashSet<_> = (0..100).map(|_| receive(&socket).0).collect();
    assert_eq!(answers.len(), 100);
}

#[test]
fn doors_that_are_dropped_let_their_ports_go() {
    let mut scene = Scene::usual();
    let to = scene.address();
    drop(scene.doors.take());
    while UdpSocket::bind(to).is_err() || std::net::TcpListener::bind(to).is_err() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn doors_open_again_at_once_where_they_were_closed() {
    let mut scene = Scene::usual();
    let to = scene.address();
    let mut stream = scene.connect();
    stream.write_all(&framed(&packet(1, ECHO))).expect("written");
    read_frame(&mut stream).expect("an answer");
    assert!(scene.close(PATIENCE).is_clean());
    let again = Scene::open(&[&to.to_string()], 1, Settings::default());
    assert_eq!(again.address(), to);
    assert_eq!(ask(&client(to), to, &packet(2, ECHO)).0, packet(2, ECHO));
}

#[test]
fn a_worker_stuck_in_the_engine_is_left_behind_and_told() {
    let mut scene = Scene::usual();
    let (socket, to) = (client(scene.address()), scene.address());
    let house = scene.house.clone();
    let held = house.hold.lock().expect("nobody else holds it");
    socket.send_to(&packet(1, HOLD), to).expect("sent");
    scene.wait_for(|house| &house.asked, 1);
    assert_eq!(scene.close(Duration::ZERO), Closed { workers_stuck: 1, ..Closed::default() });
    drop(held);
    assert_eq!(receive(&socket).0, packet(1, HOLD), "it comes back in the end");
}
