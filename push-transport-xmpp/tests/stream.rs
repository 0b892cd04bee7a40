//! The stream against a server played by the test: what it does when all is well, and when not.

mod kit;

use kit::server::{Component, Peer, Server, config};
use kit::{Choices, HEADER};
use push_core::transport::{DownReason, StreamEvent};
use push_transport_xmpp::Incoming;
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn message(id: usize) -> String {
    format!(
        "<message from='a@b' to='push.example.test' id='{id}'><body>{}</body></message>",
        "x".repeat(id % 700)
    )
}

async fn both() -> (Server, Peer, Component) {
    let server = Server::start().await;
    let mut component = Component::start(server.config());
    let peer = server.accept_stream().await;
    component.up().await;
    (server, peer, component)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stanzas_arrive_in_order_both_ways() {
    let (_server, mut peer, mut component) = both().await;
    let all: String = (0..2000).map(message).collect();
    let cuts = Choices::new(1).cuts(all.len());
    let sender = async {
        for piece in cuts.windows(2) {
            peer.socket
                .write_all(&all.as_bytes()[piece[0]..piece[1]])
                .await
                .unwrap();
        }
        peer
    };
    let receiver = async {
        for id in 0..2000 {
            assert_eq!(component.id().await, id.to_string());
        }
        for id in 0..2000 {
            component.say(&id.to_string(), "back");
            if id % 7 == 0 {
                component.flush();
            }
        }
        component.flush();
    };
    let (mut peer, ()) = tokio::join!(sender, receiver);
    for id in 0..2000 {
        assert_eq!(
            peer.stanza().await,
            format!("<message id='{id}'><body>back</body></message>")
        );
    }
}

#[tokio::test]
async fn what_comes_with_the_handshake_is_not_lost() {
    let server = Server::start().await;
    let mut component = Component::start(server.config());
    let mut peer = server.accept().await;
    peer.shake_hands().await;
    peer.send("<handshake/><message id='1'/><mess").await;
    component.up().await;
    assert_eq!(component.id().await, "1");
    peer.send("age id='2'/>").await;
    assert_eq!(component.id().await, "2");
}

#[tokio::test]
async fn refusals_are_told_apart_and_tried_again_later() {
    for (condition, reason, wait) in [
        ("not-authorized", DownReason::NotAuthorized, ms(200)),
        ("host-unknown", DownReason::NotAuthorized, ms(200)),
        ("conflict", DownReason::Conflict, ms(100)),
        (
            "system-shutdown",
            DownReason::StreamError("system-shutdown".to_owned()),
            ms(0),
        ),
    ] {
        let server = Server::start().await;
        let mut component = Component::start(server.config());
        let mut peer = server.accept().await;
        peer.shake_hands().await;
        peer.send(&format!("<stream:error><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>")).await;
        drop(peer);
        let since = Instant::now();
        assert_eq!(component.down().await, reason);
        let _peer = server.accept_stream().await;
        assert!(since.elapsed() >= wait, "{condition} {:?}", since.elapsed());
        component.up().await;
    }
}

#[tokio::test]
async fn a_refusal_behind_the_header_is_read_although_writing_fails() {
    let server = Server::start().await;
    let mut component = Component::start(server.config());
    let mut peer = server.accept().await;
    assert!(matches!(peer.receive().await, Incoming::Header(_)));
    let refusal = "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>";
    peer.send(&format!("{}{refusal}", HEADER.replace("'42'", "''")))
        .await;
    drop(peer);
    assert_eq!(component.down().await, DownReason::NotAuthorized);
}

#[tokio::test]
async fn a_conflict_in_mid_stream_is_told() {
    let (_server, mut peer, mut component) = both().await;
    peer.send("<message id='1'/><stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>").await;
    assert_eq!(component.id().await, "1");
    assert_eq!(component.down().await, DownReason::Conflict);
}

#[tokio::test]
async fn a_connection_cut_at_any_byte_is_made_again() {
    let server = Server::start().await;
    let mut config = server.config();
    config.backoff.max = ms(1);
    let mut component = Component::start(config);
    let all = format!("{HEADER}<handshake/><message id='1'/>");
    for cut in 0..=all.len() {
        let mut peer = server.accept().await;
        peer.receive().await;
        peer.send(&all[..cut]).await;
        peer.socket.shutdown().await.unwrap();
        if cut >= all.find("<message").unwrap() {
            component.up().await;
        }
        if cut == all.len() {
            assert_eq!(component.id().await, "1");
        }
        assert!(
            matches!(component.down().await, DownReason::Lost(_)),
            "cut at {cut}"
        );
    }
}

#[tokio::test]
async fn it_goes_on_until_a_server_is_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut component = Component::start(config(address.to_string()));
    for _ in 0..20 {
        assert!(matches!(component.down().await, DownReason::Connect(_)));
    }
    let listener = TcpListener::bind(address).await.unwrap();
    let (_socket, _) = listener.accept().await.unwrap();
}

#[tokio::test]
async fn names_and_ipv6_addresses_are_connected_to() {
    let server = Server::start().await;
    let (_, port) = server
        .address()
        .rsplit_once(':')
        .map(|(host, port)| (host.to_owned(), port.to_owned()))
        .unwrap();
    let mut component = Component::start(config(format!("localhost:{port}")));
    let _peer = server.accept_stream().await;
    component.up().await;

    // Not every machine has IPv6.
    if let Ok(listener) = TcpListener::bind("[::1]:0").await {
        let address = listener.local_addr().unwrap().to_string();
        assert!(address.starts_with("[::1]:"));
        let _component = Component::start(config(address));
        timeout(ms(15_000), listener.accept())
            .await
            .unwrap()
            .unwrap();
    }
}

#[tokio::test]
async fn an_address_that_is_none_is_an_error_of_connecting() {
    for address in ["", "localhost", "localhost:http", "::1:5347"] {
        let mut component = Component::start(config(address.to_owned()));
        assert!(
            matches!(component.down().await, DownReason::Connect(_)),
            "{address}"
        );
    }
}

#[tokio::test]
async fn a_server_that_does_not_shake_hands_is_silent() {
    let server = Server::start().await;
    let mut config = server.config();
    config.timeouts.handshake = ms(50);
    let mut component = Component::start(config);
    let _peer = server.accept().await;
    assert_eq!(component.down().await, DownReason::Silent);
    let mut peer = server.accept().await;
    peer.shake_hands().await;
    assert_eq!(component.down().await, DownReason::Silent);
}

#[tokio::test]
async fn a_peer_that_does_not_answer_is_left() {
    let server = Server::start().await;
    let mut config = server.config();
    config.timeouts.keep_alive = ms(100);
    config.timeouts.keep_alive_answer = ms(100);
    let mut component = Component::start(config);
    let mut peer = server.accept_stream().await;
    component.up().await;
    let since = Instant::now();
    let asked = peer.stanza().await;
    assert_eq!(
        asked,
        "<message type='headline' from='push.example.test' to='push.example.test/keepalive' id='1'><ping xmlns='urn:xmpp:ping'/></message>"
    );
    // Whitespace is sent by sockets that route nothing any more, too.
    for _ in 0..5 {
        sleep(ms(30)).await;
        let _ = peer.socket.write_all(b" ").await;
    }
    assert_eq!(component.down().await, DownReason::Silent);
    assert!(since.elapsed() >= ms(200));
    server.accept_stream().await;
    component.up().await;
}

#[tokio::test]
async fn an_answered_keep_alive_keeps_the_stream_and_is_told_to_nobody() {
    let server = Server::start().await;
    let mut config = server.config();
    config.timeouts.keep_alive = ms(20);
    config.timeouts.keep_alive_answer = ms(2000);
    let mut component = Component::start(config);
    let mut peer = server.accept_stream().await;
    component.up().await;
    for id in 1..=5 {
        let asked = peer.stanza().await;
        assert!(asked.contains(&format!("id='{id}'")));
        peer.send(&asked).await;
    }
    peer.send("<message id='end'/>").await;
    assert_eq!(component.id().await, "end");
}

#[tokio::test]
async fn a_server_that_routes_to_it_no_more_is_left() {
    let server = Server::start().await;
    let mut config = server.config();
    config.timeouts.keep_alive = ms(20);
    let mut component = Component::start(config);
    let mut peer = server.accept_stream().await;
    component.up().await;
    peer.stanza().await;
    // Prosody with its component module reloaded, which leaves the socket open.
    let gone = "<remote-server-timeout xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>";
    peer.send(&format!("<message type='error' from='push.example.test/keepalive' to='push.example.test'><error type='wait'>{gone}</error></message>")).await;
    assert!(matches!(component.down().await, DownReason::Lost(_)));
    server.accept_stream().await;
    component.up().await;
}

#[tokio::test]
async fn a_peer_that_does_not_read_is_left_in_time() {
    let server = Server::start().await;
    let mut config = server.config();
    config.max_outgoing = 1 << 30;
    config.timeouts.write = ms(100);
    let mut component = Component::start(config);
    let _peer = server.accept_stream().await;
    component.up().await;
    component.say("1", &"x".repeat(32 << 20));
    component.flush();
    assert_eq!(component.down().await, DownReason::Stalled);
}

#[tokio::test]
async fn an_orderly_close_writes_and_reads_what_is_left() {
    let server = Server::start().await;
    let mut config = server.config();
    config.timeouts.close = ms(30_000);
    let mut component = Component::start(config);
    let mut peer = server.accept_stream().await;
    component.up().await;
    for id in 0..1000 {
        component.say(&id.to_string(), &"x".repeat(1000));
    }
    let server = async {
        for _ in 0..1000 {
            peer.stanza().await;
        }
        assert_eq!(peer.receive().await, Incoming::Close);
        peer.send("<message id='last'/></stream:stream>").await;
        assert_eq!(peer.try_receive().await, None);
    };
    let since = Instant::now();
    tokio::join!(server, component.close());
    assert!(since.elapsed() < ms(15_000), "nothing timed out");
    assert_eq!(component.id().await, "last");
    assert_eq!(component.down().await, DownReason::Closed);
    let silence = timeout(ms(50), component.next()).await;
    assert!(silence.is_err(), "{silence:?}");
    component.close().await;
}

#[tokio::test]
async fn a_close_that_is_not_answered_ends_all_the_same() {
    let (_server, _peer, mut component) = both().await;
    timeout(ms(15_000), component.close()).await.unwrap();
    assert_eq!(component.down().await, DownReason::Closed);
}

#[tokio::test]
async fn a_stream_that_is_down_closes_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let mut config = config(address);
    config.backoff.first = Duration::from_secs(3600);
    config.backoff.max = Duration::from_secs(3600);
    let mut component = Component::start(config);
    assert!(matches!(component.down().await, DownReason::Connect(_)));
    timeout(ms(15_000), component.close()).await.unwrap();
    assert_eq!(component.down().await, DownReason::Closed);
}

#[tokio::test]
async fn a_server_that_closes_is_answered_and_connected_to_again() {
    let (server, mut peer, mut component) = both().await;
    peer.send("</stream:stream>").await;
    assert_eq!(peer.receive().await, Incoming::Close);
    assert_eq!(component.down().await, DownReason::Closed);
    server.accept_stream().await;
    component.up().await;
}

#[tokio::test]
async fn a_server_that_sends_nonsense_is_told_so() {
    let (server, mut peer, mut component) = both().await;
    peer.send("<message><!-- secret --></message>").await;
    let error = "<stream:error><restricted-xml xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>";
    assert_eq!(peer.stanza().await, error);
    assert_eq!(peer.receive().await, Incoming::Close);
    let reason = component.down().await;
    assert!(matches!(&reason, DownReason::Malformed(_)));
    assert!(!reason.to_string().contains("secret"));
    server.accept_stream().await;
}

#[tokio::test]
async fn a_stanza_over_the_limit_does_not_end_the_stream() {
    let (_server, mut peer, mut component) = both().await;
    let long = format!("<message><body>{}</body></message>", "x".repeat(5 << 20));
    peer.send(&long).await;
    peer.send("<message id='2'/>").await;
    assert_eq!(component.next().await, StreamEvent::Skipped(long.len()));
    assert_eq!(component.id().await, "2");
}

#[tokio::test]
async fn what_is_sent_while_down_is_thrown_away() {
    let server = Server::start().await;
    let mut component = Component::start(server.config());
    component.say("early", "");
    component.flush();
    let peer = server.accept_stream().await;
    component.up().await;
    component.say("not flushed", "");
    drop(peer);
    assert!(matches!(component.down().await, DownReason::Lost(_)));
    component.say("late", "");
    component.flush();
    let mut peer = server.accept_stream().await;
    component.up().await;
    component.say("in time", "");
    component.flush();
    assert!(peer.stanza().await.contains("in time"));
}
