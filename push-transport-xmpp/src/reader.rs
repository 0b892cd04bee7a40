//! From bytes to events, and what the silence between them means. No I/O.

use crate::decoder::{Decoder, Incoming};
use crate::end::End;
use crate::error::MalformedError;
use crate::handshake::stream_error;
use crate::keepalive::{Answer, KeepAlive};
use push_core::transport::{DownReason, StreamEvent};
use push_core::xml::Stanza;
use std::time::Instant;

/// Bytes of stanzas handed over at once, about: what the caller makes of them has to be bounded, too.
const PORTION: usize = 256 << 10;

/// The receiving side of an open stream.
pub(crate) struct Reader {
    pub(crate) decoder: Decoder,
    pub(crate) keep_alive: KeepAlive,
}

impl Reader {
    /// Appends what is complete, at most a portion.
    pub(crate) fn decode(&mut self, events: &mut Vec<StreamEvent>) -> Result<(), End> {
        let waiting = self.decoder.waiting();
        let mut heard = self.decoder.is_inside();
        while waiting - self.decoder.waiting() < PORTION
            && let Some(incoming) = self.decoder.next_incoming()?
        {
            heard = true;
            self.take(incoming, events)?;
        }
        if heard {
            self.keep_alive.received(Instant::now());
        }
        Ok(())
    }

    fn take(&self, incoming: Incoming, events: &mut Vec<StreamEvent>) -> Result<(), End> {
        match incoming {
            Incoming::Stanza(stanza) => return self.stanza(stanza, events),
            Incoming::Skipped(bytes) => events.push(StreamEvent::Skipped(bytes)),
            Incoming::Close => return Err(DownReason::Closed.into()),
            Incoming::Header(_) => return Err(MalformedError::Header.into()),
        }
        Ok(())
    }

    fn stanza(&self, stanza: Stanza, events: &mut Vec<StreamEvent>) -> Result<(), End> {
        if let Some(reason) = stream_error(stanza.root()) {
            return Err(reason.into());
        }
        match self.keep_alive.answer(&stanza) {
            None => events.push(StreamEvent::Stanza(stanza)),
            Some(Answer::Alive) => tracing::trace!("keep-alive answered"),
            Some(Answer::Detached) => {
                let deaf = "the server does not route to it".to_owned();
                return Err(DownReason::Lost(deaf).into());
            }
        }
        Ok(())
    }
}
