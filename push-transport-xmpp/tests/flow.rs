//! The stream driven by hand: what waits where, and how much.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod kit;

use kit::server::{Peer, Server, batch, id, say, stream};
use push_core::transport::{DownReason, StreamEvent, Transport};
use push_transport_xmpp::{Stream, StreamConfig};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Accepts while the stream connects, and takes nothing from it.
async fn connect(server: &Server, stream: &mut Stream) -> Peer {
    let (peer, up) = tokio::join!(server.accept_stream(), batch(stream));
    assert_eq!(up, [StreamEvent::Up]);
    peer
}

async fn both(change: impl FnOnce(&mut StreamConfig)) -> (Server, Peer, Stream) {
    let server = Server::start().await;
    let mut config = server.config();
    change(&mut config);
    let mut stream = stream(config);
    let peer = connect(&server, &mut stream).await;
    (server, peer, stream)
}

/// Sends numbered messages of a kilobyte, as fast as they are read.
fn flood(mut socket: TcpStream, count: usize) -> JoinHandle<TcpStream> {
    tokio::spawn(async move {
        for id in 0..count {
            let body = "x".repeat(1000);
            let message = format!("<message id='{id}'><body>{body}</body></message>");
            socket.write_all(message.as_bytes()).await.unwrap();
        }
        socket
    })
}

#[tokio::test]
async fn what_was_meant_for_one_connection_never_reaches_the_next() {
    let (server, peer, mut stream) = both(|_| ()).await;
    drop(peer);
    say(&mut stream, "of the old", "");
    assert!(matches!(
        batch(&mut stream).await[..],
        [StreamEvent::Down(DownReason::Lost(_))]
    ));
    say(&mut stream, "of none", "");
    stream.flush();
    let mut peer = connect(&server, &mut stream).await;
    say(&mut stream, "of the new", "");
    stream.flush();
    assert!(peer.stanza().await.contains("of the new"));
}

#[tokio::test]
async fn a_dropped_next_loses_nothing() {
    let (_server, peer, mut stream) = both(|_| ()).await;
    let sender = flood(peer.socket, 5000);
    let mut events = Vec::new();
    while events.len() < 5000 {
        let _ = timeout(Duration::from_micros(300), stream.next(&mut events)).await;
    }
    for (number, event) in events.iter().enumerate() {
        assert_eq!(id(event), number.to_string());
    }
    sender.await.unwrap();
}

#[tokio::test]
async fn silence_while_nobody_reads_is_not_held_against_the_server() {
    let (_server, peer, mut stream) = both(|config| {
        config.timeouts.keep_alive = ms(20);
        config.timeouts.keep_alive_answer = ms(20);
    })
    .await;
    let sender = flood(peer.socket, 100);
    let mut events = Vec::new();
    while events.len() < 100 {
        sleep(ms(50)).await;
        stream.next(&mut events).await;
    }
    assert!(
        !events
            .iter()
            .any(|event| matches!(event, StreamEvent::Down(_)))
    );
    sender.await.unwrap();
}

#[tokio::test]
async fn a_backlog_flushed_at_once_is_no_stall() {
    let (_server, mut peer, mut stream) = both(|config| config.max_outgoing = 1 << 20).await;
    for id in 0..32 {
        say(&mut stream, &id.to_string(), &"x".repeat(1_000_000));
    }
    stream.flush();
    assert!(stream.is_full());
    let reader = async {
        for id in 0..32 {
            assert!(
                peer.stanza()
                    .await
                    .starts_with(&format!("<message id='{id}'"))
            );
        }
    };
    tokio::select! {
        () = reader => {}
        () = async { loop { assert_eq!(batch(&mut stream).await, []) } } => {}
    }
    assert!(!stream.is_full());
}

/// Answers everything while there is room.
async fn answer_all(stream: &mut Stream, heard: &mut usize) {
    let mut events = Vec::new();
    loop {
        stream.next(&mut events).await;
        for event in events.drain(..) {
            assert_eq!(id(&event), heard.to_string());
            say(stream, &heard.to_string(), &"y".repeat(2000));
            *heard += 1;
        }
        stream.flush();
    }
}

#[tokio::test]
async fn a_server_that_does_not_read_is_read_up_to_a_bound_and_loses_nothing() {
    const COUNT: usize = 20_000;
    let (_server, peer, mut stream) = both(|config| {
        config.max_outgoing = 1 << 20;
        config.max_incoming = 4 << 20;
    })
    .await;
    let (mut peer, socket) = peer.twin();
    let sender = flood(socket, COUNT);
    let mut heard = 0;
    // Until nothing moves any more.
    let _ = timeout(ms(1500), answer_all(&mut stream, &mut heard)).await;
    assert!(stream.is_full());
    assert!(
        !sender.is_finished(),
        "20 MB are more than the bounds and the sockets hold"
    );
    // What the sockets hold, the bound, and a portion.
    assert!(
        heard < 10_000,
        "{heard} messages were taken that could not be answered"
    );

    let reader = async {
        for id in 0..COUNT {
            assert!(
                peer.stanza()
                    .await
                    .starts_with(&format!("<message id='{id}'"))
            );
        }
    };
    tokio::select! {
        () = reader => {}
        () = answer_all(&mut stream, &mut heard) => {}
    }
    assert_eq!(heard, COUNT);
}
