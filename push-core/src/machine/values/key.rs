//! How messages are recognised.

/// Keys kept of the messages that are joined into one notification; the newest stay.
const MAX_KEYS: usize = 20;

/// Recognises one message of one user, hashed with a secret key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::machine) struct MessageKey {
    /// The id the owner's archive gave it (XEP-0359), where it has one.
    pub(in crate::machine) archive: Option<u64>,
    /// Sender, id and type; sender, type and content where there is no id.
    pub(in crate::machine) sender: u64,
}

/// Adds newer keys, each once, and keeps the newest. Returns the others.
pub(in crate::machine) fn add(
    keys: &mut Vec<MessageKey>,
    newer: impl IntoIterator<Item = MessageKey>,
) -> Vec<MessageKey> {
    for key in newer {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let over = keys.len().saturating_sub(MAX_KEYS);
    keys.drain(..over).collect()
}
