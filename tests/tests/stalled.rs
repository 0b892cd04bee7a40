//! A server that sends and does not read: what the service keeps in memory meanwhile, and that it loses nothing.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use push_core::{BareJid, Machine, MemoryStore, Settings};
use push_driver::{Driver, DriverConfig, on_own_thread};
use push_transport_xmpp::{Stream, StreamConfig};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const REQUESTS: usize = 80_000;
/// Of what may wait to be written, bytes, and as much twice of what may be read meanwhile.
const BOUND: usize = 1 << 20;

/// Long, so that answers are: sockets hold some megabytes between them.
fn host() -> String {
    ["h"; 3].map(|label| label.repeat(63)).join(".")
}

/// Bytes allocated and not given back.
fn live() -> usize {
    let stats = ALLOCATOR.stats();
    stats
        .bytes_allocated
        .saturating_sub(stats.bytes_deallocated)
}

/// Reads until `text` has come; returns all that was read.
fn read_until(socket: &mut TcpStream, text: &str) -> String {
    let (mut all, mut buffer) = (String::new(), [0; 4096]);
    while !all.contains(text) {
        let read = socket.read(&mut buffer).unwrap();
        assert!(read > 0, "hung up before {text}");
        all += std::str::from_utf8(&buffer[..read]).unwrap();
    }
    all
}

/// A server with an adapter that is attached.
fn attached(listener: &TcpListener) -> TcpStream {
    let (mut socket, _) = listener.accept().unwrap();
    read_until(&mut socket, "to='push.test'>");
    write!(socket, "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='1'>").unwrap();
    read_until(&mut socket, "</handshake>");
    socket.write_all(b"<handshake/>").unwrap();
    let hello = read_until(&mut socket, "</hello>");
    let (_, session) = hello.split_once("session='").unwrap();
    let session = session.split('\'').next().unwrap();
    say(
        &mut socket,
        &format!(
            "<hello xmlns='urn:x-xmpp-push:link' version='2' session='{session}' epoch='e' software='test'/>"
        ),
    );
    socket
}

fn say(socket: &mut TcpStream, element: &str) {
    let host = host();
    let message = format!("<message from='{host}/xmpp-push' to='push.test'>{element}</message>");
    socket.write_all(message.as_bytes()).unwrap();
}

/// Requests that are refused: they have no node.
fn request_all(mut socket: TcpStream, sent: &AtomicUsize) {
    for number in 1..=REQUESTS {
        say(
            &mut socket,
            &format!(
                "<request xmlns='urn:x-xmpp-push:link' ref='{number}' user='alice' resource='phone'><enable xmlns='urn:xmpp:push:0' jid='app.test'/></request>"
            ),
        );
        sent.store(number, Ordering::Relaxed);
    }
}

/// Waits until no more is sent. Returns how much is, and how much memory was taken at most.
fn until_blocked(sent: &AtomicUsize) -> (usize, usize) {
    let (mut last, mut quiet, mut most) = (0, 0, 0);
    while quiet < 400 {
        thread::sleep(Duration::from_millis(5));
        let now = sent.load(Ordering::Relaxed);
        quiet = if now == last { quiet + 1 } else { 0 };
        last = now;
        most = live().max(most);
    }
    (last, most)
}

/// Reads the answers to all requests, each once.
fn count_answers(socket: &mut TcpStream) {
    let (mut text, mut buffer, mut answers) = (Vec::new(), vec![0; 64 << 10], 0);
    while answers < REQUESTS {
        let read = socket.read(&mut buffer).unwrap();
        assert!(read > 0, "hung up after {answers} answers");
        text.extend_from_slice(&buffer[..read]);
        let seen = String::from_utf8_lossy(&text);
        let end = seen
            .rfind("</answer>")
            .map_or(0, |at| at + "</answer>".len());
        answers += seen[..end].matches("</answer>").count();
        text.drain(..end);
    }
    assert_eq!(answers, REQUESTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn eighty_thousand_requests_refused_in_one_burst_take_bounded_memory() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut config = StreamConfig::new(BareJid::new("push.test").unwrap(), address, "secret");
    config.max_outgoing = BOUND;
    config.max_incoming = 2 * BOUND;
    let settings = Settings::new("push.test", vec![host()]);
    let (driver, _handle) = Driver::new(
        Machine::new(settings, [1; 32]),
        Box::new(Stream::start(config, [2; 32])),
        Arc::new(MemoryStore::new()),
        DriverConfig::default(),
    );
    let running = tokio::spawn(async move { on_own_thread("stream", driver.run()).await });

    let server = thread::spawn(move || {
        let mut socket = attached(&listener);
        let (before, sent) = (live(), Arc::new(AtomicUsize::new(0)));
        let (twin, counted) = (socket.try_clone().unwrap(), sent.clone());
        let sender = thread::spawn(move || request_all(twin, &counted));
        let (sent, most) = until_blocked(&sent);
        assert!(sent < REQUESTS, "all were read though no answer was");
        let taken = most.saturating_sub(before);
        // Buffers grow by doubling.
        assert!(taken < 2 * 3 * BOUND, "{taken} bytes");
        count_answers(&mut socket);
        sender.join().unwrap();
    });
    tokio::task::spawn_blocking(|| server.join())
        .await
        .unwrap()
        .unwrap();
    running.abort();
}
