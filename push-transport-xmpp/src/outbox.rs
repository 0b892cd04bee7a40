//! The bytes that wait to be written: stanzas write themselves into it, the socket takes from it.

use crate::writer::XmlWriter;
use push_core::xml::WriteXml;
use std::io;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tokio::net::TcpStream;

/// Capacity kept while nothing waits, bytes.
const RETAINED: usize = 1 << 20;

/// Bytes on their way to one connection.
#[derive(Debug)]
pub(crate) struct Outbox {
    writer: XmlWriter,
    /// Bytes of the writer's that are written.
    written: usize,
    /// Bytes that may wait before this is full.
    limit: usize,
    full: bool,
    /// Nothing may be added any more.
    closed: bool,
    /// Since when the socket takes nothing, while something waits.
    blocked: Option<Instant>,
}

impl Outbox {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            writer: XmlWriter::new(),
            written: 0,
            limit,
            full: false,
            closed: false,
            blocked: None,
        }
    }

    /// Adds a stanza.
    pub(crate) fn push(&mut self, stanza: &dyn WriteXml) {
        if !self.closed {
            self.writer.stanza(stanza);
            self.full |= self.waiting() > self.limit;
        }
    }

    /// Adds the last bytes. From now on it is never full: the end must not wait for anything.
    pub(crate) fn close(&mut self, last: &str) {
        if !self.closed {
            self.writer.raw(last);
            self.closed = true;
            self.full = false;
        }
    }

    /// Whether more waits than may, until half of that is written.
    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    /// Since when the peer reads nothing of what waits.
    pub(crate) fn blocked(&self) -> Option<Instant> {
        self.blocked
    }

    fn waiting(&self) -> usize {
        self.writer.bytes().len() - self.written
    }

    /// Writes as much as the socket takes at once.
    pub(crate) fn flush(&mut self, socket: &TcpStream) {
        self.drain(|bytes| socket.try_write(bytes));
    }

    /// Writes until nothing waits.
    pub(crate) fn poll_flush(&mut self, socket: &TcpStream, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            self.flush(socket);
            if self.waiting() == 0 {
                return Poll::Ready(());
            }
            // A fault is met again by the next attempt to write.
            let _ = ready!(socket.poll_write_ready(cx));
        }
    }

    fn drain(&mut self, mut write: impl FnMut(&[u8]) -> io::Result<usize>) {
        while self.waiting() > 0 {
            match write(&self.writer.bytes()[self.written..]) {
                Ok(written) => {
                    self.written += written;
                    self.blocked = None;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.blocked.get_or_insert_with(Instant::now);
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Whoever reads meets the same fault, behind what the peer had to say about it.
                Err(_) => self.give_up(),
            }
        }
        self.tidy();
    }

    fn give_up(&mut self) {
        self.written = self.writer.bytes().len();
        self.blocked = None;
        self.closed = true;
    }

    /// Lets go of what is written, at the price of moving at most as much.
    fn tidy(&mut self) {
        if self.waiting() <= self.limit / 2 {
            self.full = false;
        }
        if self.waiting() <= self.written {
            self.writer.forget(self.written, RETAINED);
            self.written = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use push_core::xml::{ElementSink, Namespace};

    struct Body(usize);

    impl WriteXml for Body {
        fn write_xml(&self, sink: &mut dyn ElementSink) {
            sink.leaf("a", Namespace::Component, &"x".repeat(self.0));
        }
    }

    /// Takes so many bytes, then blocks.
    fn takes(mut room: usize, got: &mut Vec<u8>) -> impl FnMut(&[u8]) -> io::Result<usize> {
        move |bytes| {
            let taken = bytes.len().min(room).min(7);
            room -= taken;
            got.extend_from_slice(&bytes[..taken]);
            (taken > 0)
                .then_some(taken)
                .ok_or_else(|| io::ErrorKind::WouldBlock.into())
        }
    }

    #[test]
    fn what_waits_is_written_in_order_whatever_the_socket_takes() {
        let mut outbox = Outbox::new(1000);
        let (mut got, mut expected) = (Vec::new(), String::new());
        for round in 0..200 {
            outbox.push(&Body(round % 9));
            expected += &format!("<a>{}</a>", "x".repeat(round % 9)).replace("<a></a>", "<a/>");
            outbox.drain(takes(round % 13, &mut got));
        }
        outbox.close("</end>");
        outbox.push(&Body(1));
        outbox.drain(takes(10_000, &mut got));
        assert_eq!(String::from_utf8(got).unwrap(), expected + "</end>");
    }

    #[test]
    fn it_is_full_from_its_limit_until_half_of_it_is_written() {
        let mut outbox = Outbox::new(100);
        outbox.push(&Body(93));
        assert!(!outbox.is_full());
        outbox.push(&Body(0));
        assert!(outbox.is_full());
        outbox.drain(takes(53, &mut Vec::new()));
        assert!(outbox.is_full());
        outbox.drain(takes(1, &mut Vec::new()));
        assert!(!outbox.is_full());
    }

    #[test]
    fn it_is_blocked_since_the_socket_took_something_last() {
        let mut outbox = Outbox::new(100);
        outbox.push(&Body(50));
        assert!(outbox.blocked().is_none());
        outbox.drain(takes(0, &mut Vec::new()));
        let since = outbox.blocked().unwrap();
        outbox.drain(takes(0, &mut Vec::new()));
        assert_eq!(outbox.blocked(), Some(since));
        outbox.drain(takes(1, &mut Vec::new()));
        assert_ne!(outbox.blocked(), Some(since));
        outbox.drain(takes(100, &mut Vec::new()));
        assert!(outbox.blocked().is_none());
    }

    #[test]
    fn after_a_fault_nothing_waits() {
        let mut outbox = Outbox::new(1);
        outbox.push(&Body(50));
        outbox.drain(|_| Err(io::ErrorKind::BrokenPipe.into()));
        outbox.push(&Body(50));
        assert!(!outbox.is_full() && outbox.waiting() == 0 && outbox.blocked().is_none());
    }

    #[test]
    fn room_that_a_backlog_took_is_given_back() {
        let mut outbox = Outbox::new(1);
        outbox.push(&Body(RETAINED * 2));
        outbox.drain(|bytes| Ok(bytes.len()));
        assert!(outbox.writer.capacity() <= RETAINED);
    }
}
