//! A component that answers every chat message with its own body.
//!
//! ```sh
//! cargo run -p push-transport-xmpp --example echo -- echo.example.org localhost:5347 SECRET
//! ```

use push_core::BareJid;
use push_core::transport::{DownReason, StreamEvent, Transport};
use push_core::xml::{ElementRef, ElementSink, Namespace, WriteXml};
use push_transport_xmpp::{Stream, StreamConfig};
use std::error::Error;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;

/// The answer to a message.
struct Echo<'a>(ElementRef<'a>);

impl WriteXml for Echo<'_> {
    fn write_xml(&self, sink: &mut dyn ElementSink) {
        let Self(message) = self;
        let body = message.child("body", Namespace::Component);
        sink.start("message", Namespace::Component);
        sink.attribute("type", "chat");
        sink.optional("from", message.attribute("to"));
        sink.optional("to", message.attribute("from"));
        sink.leaf(
            "body",
            Namespace::Component,
            &body.map(ElementRef::text).unwrap_or_default(),
        );
        sink.end();
    }
}

/// Whether to answer: never an error, or two components would go on for ever.
fn is_chat(stanza: ElementRef<'_>) -> bool {
    stanza.is("message", Namespace::Component)
        && matches!(stanza.attribute("type"), None | Some("chat" | "normal"))
        && stanza.child("body", Namespace::Component).is_some()
}

/// What back-off is drawn from; the standard library's hash keys are random.
fn seed() -> [u8; 32] {
    let mut seed = [0; 32];
    for part in seed.chunks_mut(8) {
        part.copy_from_slice(&RandomState::new().hash_one(0).to_le_bytes());
    }
    seed
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [component, server, secret] = &arguments[..] else {
        return Err("usage: echo COMPONENT HOST:PORT SECRET".into());
    };
    let config = StreamConfig::new(BareJid::new(component)?, server, secret);
    let mut stream = Stream::start(config, seed());
    let mut events = Vec::new();
    let mut terminal = std::io::stderr();
    loop {
        tokio::select! {
            () = stream.next(&mut events) => {}
            _ = tokio::signal::ctrl_c() => break,
        }
        for event in events.drain(..) {
            match event {
                StreamEvent::Up => writeln!(terminal, "connected")?,
                StreamEvent::Down(DownReason::Closed) => writeln!(terminal, "closed")?,
                StreamEvent::Down(reason) => writeln!(terminal, "not connected: {reason}")?,
                StreamEvent::Skipped(bytes) => writeln!(terminal, "skipped {bytes} bytes")?,
                StreamEvent::Stanza(stanza) if is_chat(stanza.root()) => {
                    stream.send(&Echo(stanza.root()));
                }
                StreamEvent::Stanza(_) => {}
            }
        }
        stream.flush();
    }
    stream.close().await;
    Ok(())
}
