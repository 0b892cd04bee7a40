//! A TCP proxy between a client and a server, for what happens to connections.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::{Context as _, Failure, Result};

/// How long bytes are waited for.
const PATIENCE: Duration = Duration::from_secs(30);

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
    open: AtomicUsize,
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

    /// How many connections are open, to both sides.
    #[must_use]
    pub fn open(&self) -> usize {
        self.counters.open.load(Ordering::Relaxed)
    }

    /// Waits until no connection is open.
    ///
    /// # Errors
    /// One stays.
    pub async fn empties(&self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.open() > 0 {
            if Instant::now() >= deadline {
                return Err(Failure::new("a connection stays open"));
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// How many bytes went to the server so far.
    #[must_use]
    pub fn bytes_to_server(&self) -> u64 {
        self.counters.to_server.load(Ordering::Relaxed)
    }

    /// Waits until more than so many bytes went to the clients.
    ///
    /// # Errors
    /// They do not in time.
    pub async fn delivers_more_than(&self, bytes: u64) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.bytes_to_client() <= bytes {
            if Instant::now() >= deadline {
                return Err(Failure::new("the server sends nothing"));
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
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
    counters.open.fetch_add(1, Ordering::Relaxed);
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
    counters.open.fetch_sub(1, Ordering::Relaxed);
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

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use tokio::time::timeout;

    use super::*;

    const SHORT: Duration = Duration::from_millis(100);

    /// A connection through a proxy, with both its ends.
    async fn connected() -> Result<(Proxy, TcpStream, TcpStream)> {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let proxy = Proxy::start(server.local_addr()?.port()).await?;
        let client = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).await?;
        let (server, _) = server.accept().await?;
        Ok((proxy, client, server))
    }

    #[tokio::test]
    async fn bytes_and_an_orderly_end_pass() -> Result<()> {
        let (proxy, mut client, mut server) = connected().await?;
        client.write_all(b"question").await?;
        client.shutdown().await?;
        let mut question = String::new();
        server.read_to_string(&mut question).await?;
        server.write_all(b"answer").await?;
        drop(server);
        let mut answer = String::new();
        client.read_to_string(&mut answer).await?;
        assert_eq!((question.as_str(), answer.as_str()), ("question", "answer"));
        assert_eq!((proxy.bytes_to_server(), proxy.bytes_to_client()), (8, 6));
        assert_eq!(proxy.connections(), 1);
        proxy.empties().await
    }

    #[tokio::test]
    async fn a_cut_resets_both_sides() -> Result<()> {
        let (proxy, mut client, mut server) = connected().await?;
        proxy.cut();
        for stream in [&mut client, &mut server] {
            let end = stream.read(&mut [0; 1]).await.map_err(|error| error.kind());
            assert_eq!(end, Err(ErrorKind::ConnectionReset));
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_frozen_connection_delivers_when_it_thaws() -> Result<()> {
        let (proxy, mut client, mut server) = connected().await?;
        proxy.freeze(true);
        client.write_all(b"x").await?;
        let mut byte = [0; 1];
        assert!(timeout(SHORT, server.read_exact(&mut byte)).await.is_err());
        proxy.freeze(false);
        server.read_exact(&mut byte).await?;
        assert_eq!(&byte, b"x");
        Ok(())
    }

    #[tokio::test]
    async fn a_refused_connection_ends_at_once() -> Result<()> {
        let (proxy, _client, _server) = connected().await?;
        proxy.refuse(true);
        let mut refused = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).await?;
        assert_eq!(refused.read(&mut [0; 1]).await?, 0);
        assert_eq!(proxy.connections(), 1);
        Ok(())
    }
}
