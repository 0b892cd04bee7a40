//! A TCP proxy between a client and a server, for what happens to connections.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Context as _, Result};

/// How much is read at once, in bytes.
const CHUNK: usize = 16 * 1024;

/// What the test wants of the connections at the moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Wish {
    /// Connections opened in an earlier generation are to be closed.
    generation: u64,
    frozen: bool,
    refusing: bool,
}

#[derive(Debug, Default)]
struct Counters {
    connections: AtomicUsize,
    to_server: AtomicU64,
    to_client: AtomicU64,
}

/// A proxy on a port of loopback of its own. It lives in the runtime that started it, and ends when dropped.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    wish: watch::Sender<Wish>,
    counters: Arc<Counters>,
    listener: JoinHandle<()>,
}

impl Proxy {
    /// Passes on what comes to a new port to another port of loopback.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(target: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("a proxy")?;
        let port = listener.local_addr()?.port();
        let (wish, wishes) = watch::channel(Wish::default());
        let counters = Arc::new(Counters::default());
        let listener = tokio::spawn(accept(listener, target, wishes, Arc::clone(&counters)));
        Ok(Self {
            port,
            wish,
            counters,
            listener,
        })
    }

    /// The port to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Resets all open connections on both sides. What was on the way is lost; new connections are accepted.
    pub fn cut(&self) {
        self.wish.send_modify(|wish| wish.generation += 1);
    }

    /// Whether new connections are closed at once.
    pub fn refuse(&self, refusing: bool) {
        self.wish.send_modify(|wish| wish.refusing = refusing);
    }

    /// Whether bytes are left lying, in both directions, while connections stay open.
    pub fn freeze(&self, frozen: bool) {
        self.wish.send_modify(|wish| wish.frozen = frozen);
    }

    /// How many connections were accepted so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.counters.connections.load(Ordering::Relaxed)
    }

    /// How many bytes went to the server so far.
    #[must_use]
    pub fn bytes_to_server(&self) -> u64 {
        self.counters.to_server.load(Ordering::Relaxed)
    }

    /// How many bytes went to the clients so far.
    #[must_use]
    pub fn bytes_to_client(&self) -> u64 {
        self.counters.to_client.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

async fn accept(
    listener: TcpListener,
    target: u16,
    wishes: watch::Receiver<Wish>,
    counters: Arc<Counters>,
) {
    while let Ok((client, _)) = listener.accept().await {
        if wishes.borrow().refusing {
            continue;
        }
        counters.connections.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(relay(client, target, wishes.clone(), Arc::clone(&counters)));
    }
}

async fn relay(
    mut client: TcpStream,
    target: u16,
    wishes: watch::Receiver<Wish>,
    counters: Arc<Counters>,
) {
    let born = wishes.borrow().generation;
    let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else {
        return;
    };
    // Small stanzas are to arrive when they are sent; without it they merely arrive later.
    drop(client.set_nodelay(true).and(server.set_nodelay(true)));
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let both_ended = async {
        tokio::join!(
            pump(from_client, to_server, wishes.clone(), &counters.to_server),
            pump(from_server, to_client, wishes.clone(), &counters.to_client),
        );
    };
    let cut = tokio::select! {
        () = both_ended => false,
        () = outlived(wishes.clone(), born) => true,
    };
    if cut {
        // Closing then sends a reset, which neither side can take for an orderly end.
        drop(client.set_zero_linger().and(server.set_zero_linger()));
    }
}

/// Ends when the connections of this generation are to be closed, or the proxy is gone.
async fn outlived(mut wishes: watch::Receiver<Wish>, born: u64) {
    // An error says that the proxy is gone, which ends its connections as well.
    drop(wishes.wait_for(|wish| wish.generation != born).await);
}

/// Passes on one direction until its end, and passes on that end.
async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut wishes: watch::Receiver<Wish>,
    count: &AtomicU64,
) {
    let mut chunk = vec![0; CHUNK];
    while let Ok(size @ 1..) = from.read(&mut chunk).await {
        if wishes.wait_for(|wish| !wish.frozen).await.is_err()
            || to.write_all(&chunk[..size]).await.is_err()
        {
            break;
        }
        count.fetch_add(size as u64, Ordering::Relaxed);
    }
    // The other side may be gone already.
    drop(to.shutdown().await);
}
