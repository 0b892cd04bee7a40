//! Users of push services of which some fare badly.

use super::WINDOW;
use push_core::{Settings, Timestamp};
use push_tests::world::{Manner, World, settings, telling};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const WELL: &str = "well.example.net";
/// One message every so often, all together, for a small town.
pub(super) const PACE: Duration = Duration::from_millis(25);

/// Where the devices of a user are registered, by node.
type Devices = Vec<(String, String)>;

/// Users, and the messages that they have missed.
pub(super) struct Town {
    pub(super) world: World,
    users: BTreeMap<String, Devices>,
    /// The messages that each node missed: body and time.
    missed: BTreeMap<String, Vec<(String, Timestamp)>>,
    pub(super) sick: Vec<String>,
    drawn: usize,
    pub(super) pace: Duration,
}

/// Returns settings with this window; all bounds are in proportion to it.
pub(super) fn small(window: usize) -> Settings {
    let mut settings = telling(settings());
    settings.policy.max_queue = window;
    settings.policy.in_flight_per_service = window / 10;
    settings.policy.in_flight_unproven = window / 40;
    settings.policy.in_flight_unanswered = window / 4;
    settings
}

impl Town {
    /// Users of whom half are registered at one of the sick push services, a tenth of those with another device at the one that
    /// is well, and the rest there alone.
    pub(super) fn new(users: usize, sick: usize) -> Self {
        Self::with_window(users, sick, WINDOW)
    }

    pub(super) fn with_window(users: usize, sick: usize, window: usize) -> Self {
        let mut town = Self {
            world: World::attached_with(small(window)),
            users: BTreeMap::new(),
            missed: BTreeMap::new(),
            sick: (0..sick).map(|n| format!("sick{n}.example.net")).collect(),
            drawn: 0,
            pace: PACE,
        };
        for number in 0..users {
            let user = format!("u{number}");
            let mut devices = Vec::new();
            if number % 2 == 0 {
                let sick = town.sick[number / 2 % sick].clone();
                devices.push((sick, format!("{user}-sick")));
            }
            if number % 2 == 1 || number % 20 == 0 {
                devices.push((WELL.to_owned(), format!("{user}-well")));
            }
            for (service, node) in &devices {
                let enable =
                    format!("<enable xmlns='urn:xmpp:push:0' jid='{service}' node='{node}'/>");
                town.world.ask(&user, node, &enable);
            }
            if number % 100 == 0 {
                town.world.pass(Duration::from_millis(50));
            }
            town.users.insert(user, devices);
        }
        town.world.settle();
        assert!(
            town.world
                .adapter()
                .told
                .iter()
                .all(|told| told.what == "result")
        );
        town
    }

    pub(super) fn fare(&mut self, manner: Manner) {
        for sick in self.sick.clone() {
            self.world.service_at(&sick).manner = manner;
        }
    }

    /// Messages to one user after the other, in turns.
    pub(super) fn messages(&mut self, time: Duration) {
        let users: Vec<String> = self.users.keys().cloned().collect();
        let end = self.world.now().after(time);
        for user in users.iter().cycle() {
            if self.world.now() >= end {
                return;
            }
            self.drawn += 1;
            let body = format!("{user}-{}", self.drawn);
            for (_, node) in &self.users[user] {
                let missed = (body.clone(), self.world.now());
                self.missed.entry(node.clone()).or_default().push(missed);
            }
            self.world.missed("offline", user, None, &body);
            self.world.pass(self.pace);
        }
    }

    /// The longest that a device at the push service that is well had to wait.
    pub(super) fn longest(&mut self) -> Duration {
        let now = self.world.now();
        let received = &self.world.service_at(WELL).received;
        let told: BTreeMap<&str, Timestamp> = received
            .iter()
            .filter_map(|one| Some((one.body.as_deref()?, one.at)))
            .collect();
        let well = self
            .missed
            .iter()
            .filter(|(node, _)| node.ends_with("-well"));
        let waited = well.flat_map(|(_, missed)| missed).map(|(body, at)| {
            let told = told.get(body.as_str()).copied();
            told.unwrap_or(now).since(*at)
        });
        waited.max().unwrap_or_default()
    }

    /// How many messages the device of each node was told of, beside how many it missed.
    pub(super) fn counts(&self) -> Vec<(u64, u64)> {
        let services = self.world.services.values();
        let mut told: BTreeMap<&str, u64> = BTreeMap::new();
        for one in services.flat_map(|service| &service.accepted) {
            *told.entry(&one.node).or_default() += one.count;
        }
        let missed = self.missed.iter();
        let counts = missed.map(|(node, missed)| {
            let told = told.get(node.as_str()).copied().unwrap_or_default();
            (told, missed.len() as u64)
        });
        counts.collect()
    }

    /// Everybody was told of each message once.
    pub(super) fn all_told_once(&mut self) {
        let services = self.world.services.values();
        let bodies: BTreeSet<&str> = services
            .flat_map(|service| &service.accepted)
            .filter_map(|one| one.body.as_deref())
            .collect();
        for (node, missed) in &self.missed {
            let newest = missed.last().map(|(body, _)| body.as_str());
            assert!(newest.is_some_and(|body| bodies.contains(body)), "{node}");
        }
        assert!(self.counts().iter().all(|(told, missed)| told == missed));
        let adapter = self.world.adapter();
        assert_eq!((adapter.kept(), adapter.deferred()), (0, 0));
    }
}
