//! How messages are recognised.

/// Keys kept of the messages that are joined into one notification; the newest stay.
const MAX_KEYS: usize = 20;

/// Recognises one message of one user, hashed with a secret key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::machine) struct MessageKey(pub(in crate::machine) u64);

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

/// Returns how many of `newer` are among `keys`.
pub(in crate::machine) fn known(keys: &[MessageKey], newer: &[MessageKey]) -> usize {
    newer.iter().filter(|key| keys.contains(key)).count()
}
