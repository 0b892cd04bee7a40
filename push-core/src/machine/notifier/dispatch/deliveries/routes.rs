//! Which routes are open to each host's deliveries.

use crate::Timestamp;
use crate::delivery::Route;
use crate::ids::{DeliveryId, HostId};
use crate::machine::deadlines::Deadlines;
use crate::registration::Identity;
use crate::settings::IdentityChoice;
use std::collections::BTreeSet;
use std::time::Duration;

/// The pause after an adapter had no room for a delivery.
pub(in super::super) const PAUSE: Duration = Duration::from_secs(1);

/// Different users in a row for whom an adapter has no room, before it gets nothing more for a moment. One user may have used up
/// their own share.
const REFUSALS: usize = 3;

/// The stream, the hosts' adapters, and the identities they offer.
#[derive(Debug)]
pub(super) struct Routes {
    hosts: Vec<HostRoutes>,
    choice: IdentityChoice,
    up: bool,
    /// IQs of our own in this run.
    sent: u64,
    pauses: Deadlines<HostId>,
}

#[derive(Debug, Default)]
struct HostRoutes {
    attached: bool,
    /// The best identity offered in this run.
    offered: Option<Identity>,
    /// When the adapter was heard last.
    heard_at: Timestamp,
    /// The adapter had no room a moment ago.
    paused: bool,
    /// The users for whom it had none, since it had some for anybody.
    refused: BTreeSet<u64>,
    /// Deliveries handed to the adapter in this run.
    sent: u64,
}

impl Routes {
    pub(super) fn new(choice: IdentityChoice) -> Self {
        Self {
            hosts: Vec::new(),
            choice,
            up: false,
            sent: 0,
            pauses: Deadlines::new(),
        }
    }

    pub(super) fn choose(&mut self, choice: IdentityChoice) {
        self.choice = choice;
    }

    pub(super) fn set_up(&mut self, up: bool) {
        self.up = up;
    }

    pub(super) fn set_attached(&mut self, host: HostId, attached: bool) {
        self.host(host).attached = attached;
    }

    pub(super) fn is_attached(&self, host: HostId) -> bool {
        let host = self.hosts.get(host.index());
        host.is_some_and(|host| host.attached)
    }

    /// Forgets what a host that is no longer served has offered.
    pub(super) fn close(&mut self, host: HostId) {
        let sent = self.host(host).sent;
        *self.host(host) = HostRoutes {
            sent,
            ..HostRoutes::default()
        };
    }

    pub(super) fn heard(&mut self, host: HostId, now: Timestamp) {
        self.host(host).heard_at = now;
    }

    /// Notes that a host offers an identity. A better one is taken from now on, a lesser one never is. Returns whether this
    /// one is taken.
    pub(super) fn offer(&mut self, host: HostId, identity: Identity) -> bool {
        let host = self.host(host);
        let better = host.offered.is_none_or(|have| have < identity);
        if better {
            host.offered = Some(identity);
        }
        better
    }

    pub(super) fn offered(&self, host: HostId) -> Option<Identity> {
        self.hosts.get(host.index())?.offered
    }

    /// Returns who deliveries for users of this host are from.
    pub(super) fn identity(&self, host: HostId) -> Identity {
        match self.choice {
            IdentityChoice::Auto => self.offered(host).unwrap_or(Identity::Component),
            IdentityChoice::Only(identity) => identity,
        }
    }

    /// Returns the route a delivery would take right now; none while it is closed.
    pub(super) fn open(&self, host: HostId) -> Option<Route> {
        let route = Route::from(self.identity(host));
        let open = match (route, self.hosts.get(host.index())) {
            (Route::Adapter, Some(host)) => host.attached && !host.paused,
            (Route::Adapter, None) => false,
            _ => self.up,
        };
        open.then_some(route)
    }

    /// Returns whether what was sent at `sent_at` may have been lost with the connection: the route is down, or nothing was
    /// heard over it since.
    pub(super) fn is_doubtful(&self, route: Route, host: HostId, sent_at: Timestamp) -> bool {
        match (route, self.hosts.get(host.index())) {
            (Route::Adapter, Some(host)) => !host.attached || host.heard_at <= sent_at,
            _ => !self.up,
        }
    }

    /// Names the next attempt by this route.
    pub(super) fn draw(&mut self, host: HostId, route: Route) -> DeliveryId {
        if route == Route::Adapter {
            let of_host = self.host(host);
            of_host.sent += 1;
            DeliveryId::Adapter(host, of_host.sent)
        } else {
            self.sent += 1;
            DeliveryId::Own(self.sent)
        }
    }

    /// The adapter had room for a delivery of this user, or none. It gets nothing more for a moment when that is not the user's doing.
    pub(super) fn serve(&mut self, now: Timestamp, host: HostId, user: u64, has_room: bool) {
        let of_host = self.host(host);
        if has_room {
            return of_host.refused.clear();
        }
        of_host.refused.insert(user);
        if of_host.refused.len() >= REFUSALS && !std::mem::replace(&mut of_host.paused, true) {
            of_host.refused.clear();
            self.pauses.set(now.after(PAUSE), host);
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.pauses.next()
    }

    /// Returns a host whose pause is over.
    pub(super) fn tick(&mut self, now: Timestamp) -> Option<HostId> {
        let host = self.pauses.pop_due(now)?;
        self.host(host).paused = false;
        Some(host)
    }

    fn host(&mut self, host: HostId) -> &mut HostRoutes {
        let needed = host.index() + 1;
        if self.hosts.len() < needed {
            self.hosts.resize_with(needed, HostRoutes::default);
        }
        &mut self.hosts[host.index()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lesser_identity_is_never_taken_later() {
        let (mut routes, host) = (Routes::new(IdentityChoice::Auto), HostId::new(0));
        assert_eq!(routes.identity(host), Identity::Component);
        assert!(routes.offer(host, Identity::Server));
        assert!(!routes.offer(host, Identity::User));
        routes.set_up(true);
        assert_eq!(routes.open(host), None, "the adapter is away");
        routes.set_attached(host, true);
        assert_eq!(routes.open(host), Some(Route::Adapter));
    }

    #[test]
    fn one_host_s_pause_is_no_other_s() {
        let mut routes = Routes::new(IdentityChoice::Only(Identity::Server));
        let (one, other, now) = (HostId::new(0), HostId::new(1), Timestamp::default());
        routes.set_attached(one, true);
        routes.set_attached(other, true);
        (0..3).for_each(|user| routes.serve(now, one, user, false));
        assert_eq!(routes.open(one), None);
        assert_eq!(routes.open(other), Some(Route::Adapter));
        let over = routes.next_deadline().unwrap();
        assert_eq!(routes.tick(over), Some(one));
        assert_eq!(routes.open(one), Some(Route::Adapter));
    }
}
