//! The Machine under a load of a given size, to measure what one more event costs.

use super::xml::parse;
use super::{Bench, COMPONENT, SERVICE};
use push_core::JidPattern;
use push_core::plugin::RulesPlugin;
use push_core::plugin::rules::{Action as Follows, Body, Conditions, Content, Push, Rule, To};
use push_core::transport::DownReason;
use push_core::xml::Stanza;
use push_core::{Action, Event, Settings};
use std::sync::Arc;

/// How much there is of everything that does not belong to the event that is measured.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Hosts with an attached adapter.
    pub hosts: usize,
    /// Push services with a registration each, of a user each.
    pub services: usize,
    /// Events of one more user that wait for a push service which does not answer.
    pub pending: usize,
    /// Rules, of which the last alone matches; 0 for the plugin `default`.
    pub rules: usize,
}

impl Size {
    /// One of each, and nothing that waits.
    pub const ONE: Self = Self {
        hosts: 1,
        services: 1,
        pending: 0,
        rules: 0,
    };
}

/// A Machine of that size, and events for it.
#[derive(Debug)]
pub struct Load {
    bench: Bench,
    size: Size,
    /// The number of the last event, and of the last publish.
    event: usize,
    publish: usize,
}

const LINK: &str = "xmlns='urn:x-xmpp-push:link'";

impl Load {
    /// Attaches the hosts, enables the registrations, and lets events wait.
    pub fn new(size: Size) -> Self {
        Self::with(size, |_| ())
    }

    /// The same, with settings that are changed by that.
    pub fn with(size: Size, change: impl FnOnce(&mut Settings)) -> Self {
        let hosts = (0..size.hosts).map(host).collect();
        let mut settings = Settings::new(COMPONENT, hosts);
        settings.policy.max_queue = 100_000 * size.hosts;
        if size.rules > 0 {
            settings.plugin = Arc::new(RulesPlugin::new(rules(size.rules)));
        }
        change(&mut settings);
        let mut load = Self {
            bench: Bench::new(settings),
            size,
            event: 0,
            publish: 0,
        };
        load.attach();
        for n in 0..size.services {
            load.enable(&user(n), &service(n));
        }
        load.enable("silent", SERVICE);
        for _ in 0..size.pending {
            let event = load.event_of("silent");
            load.tell(event);
            load.publish += 1;
        }
        // Deliveries that wait for their turn have no number.
        load.publish = load.publish.min(load.bench.in_flight());
        for n in 0..size.services.min(1_000) {
            load.step(n);
        }
        load
    }

    fn attach(&mut self) {
        self.bench.up();
        for hello in self.bench.take() {
            let part = |name: &str| {
                let behind = hello.split_once(&format!(" {name}='"));
                behind.and_then(|(_, text)| text.split('\'').next())
            };
            let (Some(to), Some(session)) = (part("to"), part("session")) else {
                unreachable!("not a hello: {hello}")
            };
            self.bench.hear(&format!(
                "<message from='{to}' to='{COMPONENT}'><hello {LINK} version='2' session='{session}' epoch='e'/></message>"
            ));
        }
        self.bench.take();
    }

    fn enable(&mut self, user: &str, service: &str) {
        self.bench.hear(&from_adapter(&format!(
            "<request {LINK} ref='1' user='{user}' resource='phone'>\
             <enable xmlns='urn:xmpp:push:0' jid='{service}' node='{user}'/></request>"
        )));
        let answer = self.bench.take().concat();
        assert!(answer.contains("type='result'"), "{answer}");
        self.bench.take_reports();
    }

    fn event_of(&mut self, user: &str) -> Stanza {
        self.event += 1;
        let n = self.event;
        parse(&from_adapter(&format!(
            "<event {LINK} n='{n}' kind='offline' user='{user}'>\
             <message xmlns='jabber:client' type='chat' id='{n}' from='bob@example.com/x' to='{user}@{}'>\
             <body>hello</body></message></event>",
            host(0)
        )))
    }

    /// Returns a missed message of one of the users, and the outcome of the publish that it leads to.
    pub fn pair(&mut self, n: usize) -> (Stanza, Stanza) {
        let event = self.event_of(&user(n % self.size.services));
        self.publish += 1;
        let outcome = format!("<outcome {LINK} ref='{}' type='result'/>", self.publish);
        (event, parse(&from_adapter(&outcome)))
    }

    /// Tells the Machine of a stanza and does what it wants, without keeping anything of it. Returns how much it said.
    pub fn tell(&mut self, stanza: Stanza) -> usize {
        let now = self.bench.now();
        self.bench.machine.handle(now, Event::Stanza(stanza));
        let mut said = 0;
        while let Some(action) = self.bench.machine.poll_action() {
            said += usize::from(matches!(action, Action::Send(_)));
        }
        said
    }

    /// Tells the Machine of everything before it is asked what to do; returns the actions one by one to `each`.
    pub fn burst(&mut self, stanzas: Vec<Stanza>, mut each: impl FnMut(&Action)) {
        let now = self.bench.now();
        for stanza in stanzas {
            self.bench.machine.handle(now, Event::Stanza(stanza));
        }
        while let Some(action) = self.bench.machine.poll_action() {
            each(&action);
        }
    }

    /// The stream is cut.
    pub fn cut(&mut self) {
        let now = self.bench.now();
        let lost = DownReason::Lost("cut".to_owned());
        self.bench.machine.handle(now, Event::Down(lost));
    }

    fn step(&mut self, n: usize) {
        let (event, outcome) = self.pair(n);
        assert_eq!(self.tell(event), 1, "published");
        assert_eq!(self.tell(outcome), 0, "acknowledged with the next publish");
    }
}

/// A stanza of the first host's adapter.
pub fn from_adapter(element: &str) -> String {
    format!(
        "<message from='{}/xmpp-push' to='{COMPONENT}'>{element}</message>",
        host(0)
    )
}

fn host(n: usize) -> String {
    format!("host{n}.example.org")
}

fn user(n: usize) -> String {
    format!("user{n}")
}

fn service(n: usize) -> String {
    format!("push{n}.example.net")
}

/// Returns rules that push, each but the last with two tables of conditions that look at a good deal and do not hold.
fn rules(count: usize) -> Vec<Rule> {
    let rules = (1..=count).map(|number| {
        let mut push = Push::default();
        (push.content, push.to) = (Content::Count, To::Absent);
        let conditions = [format!("*.r{number}.example"), format!("r{number}.example")];
        let conditions = conditions.into_iter().map(|from| {
            let mut each = Conditions::default();
            each.body = Some(Body::NonEmpty);
            each.jingle = Some(false);
            each.from = JidPattern::read(&from);
            each
        });
        let is_last = number == count;
        Rule {
            name: format!("rule {number}").into(),
            conditions: conditions.filter(|_| !is_last).collect(),
            action: Follows::Push(push),
        }
    });
    rules.collect()
}
