//! `[stream]`, and the part of `[component]` that says where the stream goes.

use super::component;
use super::reader::{Reader, set};
use push_transport_xmpp::StreamConfig;

/// Reads the stream of the first component.
pub(super) fn stream(reader: &mut Reader<'_>) -> Option<StreamConfig> {
    let jid = component::jid(reader);
    let server = component::server(reader);
    let secret = reader.secret("component.secret");
    let secret = reader.required("component.secret", secret);
    let keep_alive = reader.duration("stream.keep_alive");
    let keep_alive_timeout = reader.duration("stream.keep_alive_timeout");
    let first = reader.duration("stream.reconnect_first");
    let longest = reader.duration("stream.reconnect_longest");
    let max_stanza = reader.count("stream.max_stanza");
    let mut stream = StreamConfig::new(jid?, server?, secret?);
    set(&mut stream.timeouts.keep_alive, keep_alive);
    set(&mut stream.timeouts.keep_alive_answer, keep_alive_timeout);
    set(&mut stream.backoff.first, first);
    set(&mut stream.backoff.max, longest);
    set(&mut stream.limits.max_stanza, max_stanza);
    Some(stream)
}
