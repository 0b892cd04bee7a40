//! What runs while a push service is connected.

use std::sync::{Arc, Mutex, PoisonError};

use push_core::transport::{StreamEvent, Transport as _};
use push_core::xml::Stanza;
use push_transport_xmpp::Stream;
use tokio::sync::{mpsc, watch};

use super::answer::{Answer, Reply};
use super::notification::{Notification, notification};

/// What it sends beside answers that are due at once.
#[derive(Debug)]
pub(super) enum Order {
    Say(Stanza),
    Answer(Stanza, Reply),
}

/// What runs while it is connected.
pub(super) struct Serving {
    pub(super) stream: Stream,
    pub(super) got: watch::Sender<Vec<Notification>>,
    pub(super) heard: watch::Sender<Vec<String>>,
    pub(super) up: watch::Sender<bool>,
    pub(super) reply: Arc<Mutex<Reply>>,
    pub(super) orders: mpsc::UnboundedSender<Order>,
}

impl Serving {
    pub(super) async fn run(mut self, mut to_do: mpsc::UnboundedReceiver<Order>) {
        let mut events = Vec::new();
        loop {
            tokio::select! {
                () = self.stream.next(&mut events) => {}
                Some(order) = to_do.recv() => self.carry_out(&order),
            }
            for event in events.drain(..) {
                match event {
                    StreamEvent::Stanza(stanza) => self.take(stanza),
                    event => drop(self.up.send_replace(event == StreamEvent::Up)),
                }
            }
            self.stream.flush();
        }
    }

    fn carry_out(&mut self, order: &Order) {
        match order {
            Order::Say(stanza) => self.stream.send(&stanza.root()),
            Order::Answer(stanza, reply) => self.stream.send(&Answer {
                iq: stanza.root(),
                reply: *reply,
            }),
        }
    }

    fn take(&mut self, stanza: Stanza) {
        let Some(notification) = notification(stanza.root()) else {
            let source = stanza.root().source().to_owned();
            return self.heard.send_modify(|heard| heard.push(source));
        };
        let reply = *self.reply.lock().unwrap_or_else(PoisonError::into_inner);
        self.answer(stanza, reply);
        self.got.send_modify(|got| got.push(notification));
    }

    fn answer(&mut self, stanza: Stanza, reply: Reply) {
        match reply {
            Reply::Nothing => {}
            Reply::Late(delay) => {
                let orders = self.orders.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    // The push service may have left meanwhile.
                    drop(orders.send(Order::Answer(stanza, Reply::Result)));
                });
            }
            Reply::Result | Reply::Error(..) | Reply::Explained(..) => {
                self.carry_out(&Order::Answer(stanza, reply))
            }
        }
    }
}
