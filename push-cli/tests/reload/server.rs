//! An XMPP server for one component (XEP-0114) that takes any secret and remembers what it is sent.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

const HEADER: &str = "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' from='push.example.org' id='1'>";

#[derive(Default)]
struct Seen {
    text: String,
    stream: Option<TcpStream>,
}

/// Listens as long as the test runs.
pub(crate) struct Server {
    port: u16,
    seen: Arc<Mutex<Seen>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &shared);
            }
        });
        Self { port, seen }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Whether it was sent this text.
    pub(crate) fn has(&self, text: &str) -> bool {
        self.seen.lock().unwrap().text.contains(text)
    }

    /// Sends a stanza to the component that is connected.
    pub(crate) fn send(&self, stanza: &str) {
        let seen = self.seen.lock().unwrap();
        let mut stream = seen.stream.as_ref().unwrap();
        stream.write_all(stanza.as_bytes()).unwrap();
    }
}

/// Lets a component in and reads what it writes until it leaves.
fn serve(mut stream: TcpStream, seen: &Mutex<Seen>) {
    until(&mut stream, "jabber:component:accept");
    stream.write_all(HEADER.as_bytes()).unwrap();
    until(&mut stream, "</handshake>");
    stream.write_all(b"<handshake/>").unwrap();
    seen.lock().unwrap().stream = Some(stream.try_clone().unwrap());
    let mut bytes = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut bytes) {
        let text = String::from_utf8_lossy(&bytes[..read]).into_owned();
        seen.lock().unwrap().text.push_str(&text);
    }
}

fn until(stream: &mut TcpStream, text: &str) {
    let (mut read, mut byte) = (Vec::new(), [0]);
    while !read.ends_with(text.as_bytes()) {
        stream.read_exact(&mut byte).unwrap();
        read.extend(byte);
    }
}
