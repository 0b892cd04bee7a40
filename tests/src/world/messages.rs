//! Messages that the tests send.

use super::HOST;
use super::xml::escaped;

/// The key that the adapter gives a message with this body, unless it is told another.
pub fn key(body: &str) -> String {
    format!("key-{}", body.replace(' ', "-"))
}

/// A chat message from bob whose body is also its id.
pub fn chat(user: &str, body: &str) -> String {
    let body = escaped(body);
    format!(
        "<message xmlns='jabber:client' type='chat' id='{body}' from='bob@example.com/x' to='{user}@{HOST}'><body>{body}</body></message>"
    )
}
