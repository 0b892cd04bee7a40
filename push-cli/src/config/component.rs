//! `[component]`: which component this is, and for whom.

use super::reader::Reader;
use push_core::BareJid;
use push_transport_xmpp::StreamConfig;

/// Reads the JID of a component.
pub(super) fn jid(reader: &mut Reader<'_>) -> Option<BareJid> {
    const PATH: &str = "component.jid";
    let jid = reader.parsed(PATH, "a domain, such as \"push.example.org\"", domain);
    reader.required(PATH, jid)
}

/// Reads where the server listens for components.
pub(super) fn server(reader: &mut Reader<'_>) -> Option<String> {
    const PATH: &str = "component.server";
    let expected = "host:port, such as \"127.0.0.1:5347\"; an IPv6 address in brackets, such as \"[::1]:5347\"";
    let server = reader.parsed(PATH, expected, |text| {
        is_address(text).then(|| text.to_owned())
    });
    reader.required(PATH, server)
}

/// Whether a text is a host and a port.
fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let in_brackets = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let is_host = match in_brackets {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && !host.contains([':', '[', ']', '/', ' ']),
    };
    is_host && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Reads the components beside the first.
pub(super) fn shards(
    reader: &mut Reader<'_>,
    first: Option<&StreamConfig>,
) -> Option<Vec<BareJid>> {
    const PATH: &str = "component.shards";
    let shards = domains(reader, PATH)?;
    let first = &first?.component;
    for (index, shard) in shards.iter().enumerate() {
        if shard == first || shards.iter().take(index).any(|other| other == shard) {
            let number = index + 1;
            let reason = format!("entry {number} is there twice, component.jid counted in");
            reader.problem(PATH, reason);
        }
    }
    Some(shards)
}

/// Reads the domains whose users are served.
pub(super) fn hosts(reader: &mut Reader<'_>) -> Option<Vec<String>> {
    const PATH: &str = "component.hosts";
    let names = reader.strings(PATH);
    let names = reader.required(PATH, names)?;
    if names.is_empty() {
        reader.problem(PATH, "names no host");
    }
    let hosts = checked(reader, PATH, &names)?;
    Some(hosts.iter().map(ToString::to_string).collect())
}

/// Reads a list of domains that need not be there.
fn domains(reader: &mut Reader<'_>, path: &str) -> Option<Vec<BareJid>> {
    let names = reader.strings(path).unwrap_or_default();
    checked(reader, path, &names)
}

/// Returns the names as domains. Each that is none is a problem.
fn checked(reader: &mut Reader<'_>, path: &str, names: &[String]) -> Option<Vec<BareJid>> {
    let domains: Vec<Option<BareJid>> = names.iter().map(|name| domain(name)).collect();
    for (index, _) in domains
        .iter()
        .enumerate()
        .filter(|(_, domain)| domain.is_none())
    {
        reader.problem(path, format!("entry {} is not a domain", index + 1));
    }
    domains.into_iter().collect()
}

fn domain(name: &str) -> Option<BareJid> {
    BareJid::new(name).ok().filter(|jid| jid.node().is_none())
}

#[cfg(test)]
mod tests {
    use super::is_address;

    #[test]
    fn an_address_has_a_host_and_a_port() {
        for right in [
            "127.0.0.1:5347",
            "localhost:1",
            "[::1]:65535",
            "xmpp.example.org:5347",
        ] {
            assert!(is_address(right), "{right}");
        }
        for wrong in [
            "127.0.0.1",
            "localhost:",
            ":5347",
            "::1:5347",
            "[::1]",
            "[127.0.0.1]:5347",
            "localhost:0",
            "localhost:65536",
            "tcp://localhost:5347",
            "",
        ] {
            assert!(!is_address(wrong), "{wrong}");
        }
    }
}
