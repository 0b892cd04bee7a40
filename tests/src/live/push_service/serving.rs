//! The task that runs as a push service.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use push_core::transport::{StreamEvent, Transport as _};
use push_core::xml::Stanza;
use push_transport_xmpp::{Stream, StreamConfig};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::answer::{Answer, Reply};
use super::manner::Manner;
use super::notification::{Notification, notification};

/// Orders to it, beside the answers that are due at once.
#[derive(Debug)]
pub(super) enum Order {
    Say(Stanza),
    Answer(Stanza, Reply),
    Leave,
    Return,
}

pub(super) struct Serving {
    pub(super) config: StreamConfig,
    pub(super) got: watch::Sender<Vec<Notification>>,
    pub(super) heard: watch::Sender<Vec<String>>,
    pub(super) up: watch::Sender<bool>,
    pub(super) manner: Arc<Mutex<Manner>>,
    pub(super) orders: mpsc::UnboundedSender<Order>,
}

/// Why it is not connected.
enum Away {
    Left,
    Lost,
}

impl Serving {
    pub(super) async fn run(self, mut to_do: mpsc::UnboundedReceiver<Order>) {
        loop {
            let stream = Stream::start(self.config.clone(), [9; 32]);
            let away = self.serve(stream, &mut to_do).await;
            self.up.send_replace(false);
            match away {
                Away::Left => while !matches!(to_do.recv().await, Some(Order::Return) | None) {},
                Away::Lost => {
                    let pause = self.manner().pause.unwrap_or_default();
                    sleep(pause).await;
                }
            }
        }
    }

    /// Until it leaves, or has lost its connection and is not in a hurry to have another.
    async fn serve(&self, mut stream: Stream, to_do: &mut mpsc::UnboundedReceiver<Order>) -> Away {
        let mut events = Vec::new();
        loop {
            tokio::select! {
                () = stream.next(&mut events) => {}
                Some(order) = to_do.recv() => match order {
                    Order::Leave => return Away::Left,
                    order => carry_out(&mut stream, &order),
                },
            }
            for event in events.drain(..) {
                match event {
                    StreamEvent::Stanza(stanza) => self.take(&mut stream, stanza),
                    event => {
                        let is_up = event == StreamEvent::Up;
                        let is_lost = self.up.send_replace(is_up) && !is_up;
                        if is_lost && self.manner().pause.is_some() {
                            return Away::Lost;
                        }
                    }
                }
            }
            stream.flush();
        }
    }

    fn take(&self, stream: &mut Stream, stanza: Stanza) {
        let Some(mut notification) = notification(stanza.root()) else {
            let source = stanza.root().source().to_owned();
            return self.heard.send_modify(|heard| heard.push(source));
        };
        notification.reply = self.manner().reply(Instant::now(), &notification.node);
        self.answer(stream, stanza, notification.reply);
        self.got.send_modify(|got| got.push(notification));
    }

    fn answer(&self, stream: &mut Stream, stanza: Stanza, reply: Reply) {
        match reply {
            Reply::Nothing => {}
            Reply::Late(delay) | Reply::Throttled(delay) => {
                let orders = self.orders.clone();
                tokio::spawn(async move {
                    sleep(delay).await;
                    // The push service may have left meanwhile.
                    drop(orders.send(Order::Answer(stanza, Reply::Result)));
                });
            }
            Reply::Result | Reply::Dropped | Reply::Error(..) | Reply::Explained(..) => {
                carry_out(stream, &Order::Answer(stanza, reply));
            }
        }
    }

    fn manner(&self) -> MutexGuard<'_, Manner> {
        self.manner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn carry_out(stream: &mut Stream, order: &Order) {
    match order {
        Order::Say(stanza) => stream.send(&stanza.root()),
        Order::Answer(stanza, reply) => stream.send(&Answer {
            iq: stanza.root(),
            reply: *reply,
        }),
        Order::Leave | Order::Return => {}
    }
}
