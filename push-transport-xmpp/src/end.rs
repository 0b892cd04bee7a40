//! How a stream ends.

use crate::error::MalformedError;
use crate::handshake::{self, CLOSING};
use push_core::transport::DownReason;
use push_core::xml::Namespace;
use std::io;

/// Why a stream is over.
pub(crate) struct End {
    pub(crate) reason: DownReason,
    /// The last words to the server, if it may still hear anything.
    pub(crate) farewell: Option<String>,
}

impl From<DownReason> for End {
    fn from(reason: DownReason) -> Self {
        let deaf = matches!(
            reason,
            DownReason::Lost(_) | DownReason::Silent | DownReason::Stalled
        );
        Self {
            reason,
            farewell: (!deaf).then(|| CLOSING.to_owned()),
        }
    }
}

/// Tells the server what is wrong (RFC 6120 §4.9).
impl From<MalformedError> for End {
    fn from(error: MalformedError) -> Self {
        let condition = error.condition();
        let namespace = Namespace::StreamErrors.uri();
        Self {
            reason: handshake::malformed(error),
            farewell: Some(format!(
                "<stream:error><{condition} xmlns='{namespace}'/></stream:error>{CLOSING}"
            )),
        }
    }
}

pub(crate) fn lost(error: &io::Error) -> DownReason {
    DownReason::Lost(error.to_string())
}

pub(crate) fn hung_up() -> DownReason {
    DownReason::Lost("closed by the server in mid-stream".to_owned())
}
