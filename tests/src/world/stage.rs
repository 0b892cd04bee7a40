//! Machine, adapters and push services, joined by wires that take time and can be cut.

use super::adapter::{Adapter, Relay};
use super::bench::Bench;
use super::messages::{chat, key};
use super::service::PushService;
use super::store::Mood;
use super::xml;
use super::{COMPONENT, HOST, SERVICE, settings, telling};
use push_core::{Report, Settings, Timestamp};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a stanza travels between server and component.
const WIRE: Duration = Duration::from_millis(2);

/// How long something that has to be said is waited for.
const PATIENCE: Duration = Duration::from_secs(3600);

/// Something on its way.
#[derive(Debug)]
enum Delivery {
    /// To the component.
    In { connection: u64, text: String },
    /// To an adapter.
    Out {
        connection: u64,
        host: String,
        text: String,
    },
    /// A push service's answer, at the adapter.
    Outcome {
        host: String,
        epoch: u64,
        service: String,
        number: u64,
        what: String,
    },
}

/// Everything there is.
#[derive(Debug)]
pub struct World {
    /// The Machine.
    pub bench: Bench,
    /// The hosts' adapters.
    pub adapters: BTreeMap<String, Adapter>,
    /// The push services; those nobody has named accept.
    pub services: BTreeMap<String, PushService>,
    /// What the Machine said to nobody who is here.
    pub stray: Vec<String>,
    /// Every stanza it said, with the time.
    pub log: Vec<(Timestamp, String)>,
    wires: BTreeMap<(Timestamp, u64), Delivery>,
    drawn: u64,
    /// The stream; changes when it is cut.
    connection: u64,
    up: bool,
    /// How often each adapter was restarted: answers to what was before are lost.
    epochs: BTreeMap<String, u64>,
}

impl World {
    /// With an adapter on each host; the stream is not up yet.
    pub fn new(settings: Settings) -> Self {
        Self::seeded(settings, 7)
    }

    /// With the Machine's seed.
    pub fn seeded(settings: Settings, seed: u8) -> Self {
        let hosts = settings.hosts.iter();
        Self {
            adapters: hosts
                .map(|host| (host.clone(), Adapter::new(host)))
                .collect(),
            services: BTreeMap::new(),
            stray: Vec::new(),
            log: Vec::new(),
            wires: BTreeMap::new(),
            drawn: 0,
            connection: 0,
            up: false,
            epochs: BTreeMap::new(),
            bench: Bench::seeded(settings, seed),
        }
    }

    /// The usual one: one host, attached, messages told with their text so that they can be told apart.
    pub fn attached() -> Self {
        Self::attached_with(telling(settings()))
    }

    /// Attached.
    pub fn attached_with(settings: Settings) -> Self {
        let mut world = Self::new(settings);
        world.connect();
        world.pass(Duration::from_millis(50));
        assert!(world.adapters.values().all(Adapter::is_attached));
        world.bench.take_reports();
        world
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.bench.now()
    }

    /// The adapter of [`HOST`].
    pub fn adapter(&mut self) -> &mut Adapter {
        self.adapters.get_mut(HOST).unwrap()
    }

    /// The push service [`SERVICE`].
    pub fn service(&mut self) -> &mut PushService {
        self.service_at(SERVICE)
    }

    /// A push service.
    pub fn service_at(&mut self, jid: &str) -> &mut PushService {
        self.services.entry(jid.to_owned()).or_default()
    }

    /// The component's stream comes up.
    pub fn connect(&mut self) {
        if !std::mem::replace(&mut self.up, true) {
            self.connection += 1;
            self.bench.up();
            self.adapters.values_mut().for_each(Adapter::connect);
            self.collect();
        }
    }

    /// The component's stream is cut, with all that is on it.
    pub fn cut(&mut self) {
        if std::mem::replace(&mut self.up, false) {
            self.collect();
            self.connection += 1;
            self.adapters.values_mut().for_each(Adapter::disconnect);
            self.bench.down();
            self.bench.sent.clear();
        }
    }

    /// The server is restarted in order; the stream is cut.
    pub fn restart_server(&mut self, host: &str) {
        self.cut();
        self.adapters.get_mut(host).unwrap().restart();
        *self.epochs.entry(host.to_owned()).or_default() += 1;
    }

    /// The service is killed and starts anew, with what is in the store.
    pub fn restart_service(&mut self, settings: Settings, seed: u8) {
        self.cut();
        let mut fresh = Bench::seeded(settings, seed);
        fresh.jump(self.now());
        std::mem::swap(&mut fresh.store, &mut self.bench.store);
        self.bench = fresh;
    }

    /// From now on the store answers so.
    pub fn store(&mut self, mood: Mood) {
        self.bench.store(mood);
    }

    /// A client enables `node` of [`SERVICE`] and waits for the answer.
    pub fn enable(&mut self, user: &str, resource: &str, node: &str) {
        let enable = format!("<enable xmlns='urn:xmpp:push:0' jid='{SERVICE}' node='{node}'/>");
        assert_eq!(self.request(user, resource, &enable), "result");
    }

    /// A client asks and waits for what it is told.
    pub fn request(&mut self, user: &str, resource: &str, payload: &str) -> String {
        let number = self.ask(user, resource, payload);
        self.pass(Duration::from_millis(50));
        let told = self.adapter().told(number);
        told.map_or_else(|| "nothing".to_owned(), |told| told.what.clone())
    }

    /// A client asks; the number of the request.
    pub fn ask(&mut self, user: &str, resource: &str, payload: &str) -> u64 {
        let now = self.now();
        let number = self.adapter().request(now, user, resource, payload);
        self.collect();
        number
    }

    /// A chat message with this id and body was missed, the same one whenever it is told.
    pub fn missed(&mut self, kind: &'static str, user: &str, resource: Option<&str>, body: &str) {
        self.missed_as(&key(body), kind, user, resource, body);
    }

    /// The same, of a message that the adapter knows by this key.
    pub fn missed_as(
        &mut self,
        key: &str,
        kind: &'static str,
        user: &str,
        resource: Option<&str>,
        body: &str,
    ) {
        let (now, message) = (self.now(), chat(user, body));
        self.adapter()
            .missed(now, kind, user, resource, &message, &[key]);
        self.collect();
    }

    /// A message was missed, to which the adapter has given no key.
    pub fn missed_message(
        &mut self,
        kind: &'static str,
        user: &str,
        resource: Option<&str>,
        message: &str,
    ) {
        let now = self.now();
        self.adapter()
            .missed(now, kind, user, resource, message, &[]);
        self.collect();
    }

    /// Anything done to [`World::adapter`]: what it said is sent.
    pub fn collect(&mut self) {
        for text in self.bench.take() {
            self.log.push((self.bench.now(), text.clone()));
            self.dispatch(text);
        }
        let hosts: Vec<String> = self.adapters.keys().cloned().collect();
        for host in hosts {
            let adapter = self.adapters.get_mut(&host).unwrap();
            let (out, relays) = (
                std::mem::take(&mut adapter.out),
                std::mem::take(&mut adapter.relays),
            );
            for text in out {
                let connection = self.connection;
                self.later(WIRE, Delivery::In { connection, text });
            }
            relays
                .into_iter()
                .for_each(|relay| self.relay(&host, &relay));
        }
    }

    /// Time passes, from one moment at which something happens to the next.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now().after(time);
        self.collect();
        while let Some(moment) = self.next_moment().filter(|moment| *moment <= end) {
            self.step(moment);
        }
        self.bench.jump(end);
        self.collect();
    }

    /// Time passes until the Machine says something with these words, which is on its way then.
    pub fn until_said(&mut self, words: &str) {
        self.collect();
        let (said, end) = (self.log.len(), self.now().after(PATIENCE));
        while !self.log[said..]
            .iter()
            .any(|(_, text)| text.contains(words))
        {
            let moment = self.next_moment().filter(|moment| *moment <= end);
            assert!(moment.is_some(), "{words} was not said in {PATIENCE:?}");
            moment.into_iter().for_each(|moment| self.step(moment));
        }
    }

    /// A few seconds pass.
    pub fn settle(&mut self) {
        self.pass(Duration::from_secs(2));
    }

    /// What was reported since the last call.
    pub fn reports(&mut self) -> Vec<Report> {
        self.bench.take_reports()
    }

    fn next_moment(&self) -> Option<Timestamp> {
        let wires = self.wires.keys().next().map(|(at, _)| *at);
        let adapters = self.adapters.values().filter_map(Adapter::due);
        wires
            .into_iter()
            .chain(self.bench.next_moment())
            .chain(adapters)
            .min()
    }

    fn step(&mut self, moment: Timestamp) {
        self.bench.jump(moment);
        let now = self.now();
        self.adapters
            .values_mut()
            .for_each(|adapter| adapter.tick(now));
        while let Some(entry) = self
            .wires
            .first_entry()
            .filter(|entry| entry.key().0 <= now)
        {
            let delivery = entry.remove();
            self.deliver(now, delivery);
            self.collect();
        }
        self.collect();
    }

    fn deliver(&mut self, now: Timestamp, delivery: Delivery) {
        match delivery {
            Delivery::In { connection, text } if connection == self.connection => {
                self.bench.hear(&text);
            }
            Delivery::Out {
                connection,
                host,
                text,
            } if connection == self.connection => {
                self.adapters.get_mut(&host).unwrap().hear(now, &text);
            }
            Delivery::In { .. } | Delivery::Out { .. } => {}
            Delivery::Outcome {
                host,
                epoch,
                service,
                number,
                what,
            } => {
                self.service_at(&service).open -= 1;
                if epoch == self.epochs.get(&host).copied().unwrap_or_default() {
                    self.adapters.get_mut(&host).unwrap().outcome(number, &what);
                }
            }
        }
    }

    fn dispatch(&mut self, text: String) {
        let stanza = xml::parse(&text);
        assert_eq!(stanza.root().attribute("from"), Some(COMPONENT), "{text}");
        let to = stanza.root().attribute("to").unwrap_or_default();
        let host = to.strip_suffix("/xmpp-push").map(str::to_owned);
        match host.filter(|host| self.adapters.contains_key(host)) {
            Some(host) => {
                let connection = self.connection;
                self.later(
                    WIRE,
                    Delivery::Out {
                        connection,
                        host,
                        text,
                    },
                );
            }
            None => self.stray.push(text),
        }
    }

    fn relay(&mut self, host: &str, relay: &Relay) {
        let answer = self.service_at(&relay.to).receive(&relay.notification);
        if let Some((delay, what)) = answer {
            let epoch = self.epochs.get(host).copied().unwrap_or_default();
            let (host, service) = (host.to_owned(), relay.to.clone());
            let number = relay.number;
            self.later(
                delay,
                Delivery::Outcome {
                    host,
                    epoch,
                    service,
                    number,
                    what,
                },
            );
        }
    }

    fn later(&mut self, delay: Duration, delivery: Delivery) {
        self.drawn += 1;
        let at = self.now().after(delay);
        self.wires.insert((at, self.drawn), delivery);
    }
}
