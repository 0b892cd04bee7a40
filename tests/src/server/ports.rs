//! Ports to listen on.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};

use super::{Failure, Result};

/// Below the ephemeral ports (32768 and up on Linux), which any outgoing connection may take while a server restarts.
const DEFAULT_RANGE: (u16, u16) = (20_000, 32_000);

/// A port of loopback on which nobody listens and that this process has not given out before.
///
/// `XMPP_PUSH_PORTS=33000-33999` sets another range.
///
/// # Errors
/// All ports of the range are taken, or the range cannot be read.
pub fn free_port() -> Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let (first, last) = range()?;
    let size = last - first + 1;
    (0..size)
        .map(|_| first + (start(size) + NEXT.fetch_add(1, Ordering::Relaxed) % size) % size)
        .find(|&port| is_free(port))
        .ok_or_else(|| Failure::new(format!("no port is free in {first}-{last}")))
}

/// Test processes that run at the same time start at different places of the range.
fn start(size: u16) -> u16 {
    let spread = std::process::id().wrapping_mul(97) % u32::from(size);
    u16::try_from(spread).unwrap_or(0)
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn range() -> Result<(u16, u16)> {
    static RANGE: OnceLock<Option<(u16, u16)>> = OnceLock::new();
    RANGE
        .get_or_init(|| match std::env::var("XMPP_PUSH_PORTS") {
            Ok(text) => parse(&text),
            Err(_) => Some(DEFAULT_RANGE),
        })
        .ok_or_else(|| Failure::new("XMPP_PUSH_PORTS is not FIRST-LAST"))
}

/// At most half of all ports, so that the sums above stay within 16 bits.
fn parse(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-')?;
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last && last - first < 0x7fff).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_two_ports_in_order() {
        assert_eq!(parse("33000-33999"), Some((33_000, 33_999)));
        for wrong in ["", "33000", "33999-33000", "a-b", "1-65535"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn no_port_is_given_out_twice() -> Result<()> {
        let ports = [free_port()?, free_port()?, free_port()?];
        assert!(ports[0] != ports[1] && ports[1] != ports[2] && ports[0] != ports[2]);
        Ok(())
    }
}
