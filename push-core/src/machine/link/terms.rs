//! The terms that our hellos offer, and the times at which links are tended.

use crate::Settings;
use crate::lease::Fence;
use crate::plugin::Wants;
use std::sync::Arc;
use std::time::Duration;

/// The kinds of events the Machine handles.
const KINDS: &str = "offline queued unacked lost archived removed created revoked";

/// The same for all hosts.
#[derive(Debug)]
pub(super) struct Terms {
    window: u64,
    fence: Option<u64>,
    want: Arc<str>,
    hello_interval: Duration,
    ping_interval: Duration,
    trust: Option<Duration>,
}

impl Terms {
    pub(super) fn new(settings: &Settings) -> Self {
        let policy = &settings.policy;
        let window = policy.max_queue / settings.hosts.len().max(1);
        Self {
            window: window.max(1) as u64,
            fence: settings.fence.map(Fence::as_u64),
            want: want(settings.plugin.wants()),
            hello_interval: policy.hello_interval,
            ping_interval: policy.ping_interval,
            trust: policy.account_ttl(),
        }
    }

    /// Returns whether a hello says the same under both.
    pub(super) fn say_as(&self, other: &Self) -> bool {
        (self.window, &self.want) == (other.window, &other.want)
    }

    /// How many events an adapter may have outstanding.
    pub(super) fn window(&self) -> u64 {
        self.window
    }

    pub(super) fn fence(&self) -> Option<u64> {
        self.fence
    }

    /// The words of the hello's `<want/>`.
    pub(super) fn want(&self) -> Arc<str> {
        self.want.clone()
    }

    pub(super) fn hello_interval(&self) -> Duration {
        self.hello_interval
    }

    pub(super) fn ping_interval(&self) -> Duration {
        self.ping_interval
    }

    /// How long adapters may trust what they were told of users; for ever where nobody else can change it.
    pub(super) fn trust(&self) -> Option<Duration> {
        self.trust
    }
}

fn want(wants: Wants) -> Arc<str> {
    let (calls, any) = (wants.calls.then_some("calls"), wants.any.then_some("any"));
    let words: Vec<&str> = [Some(KINDS), calls, any].into_iter().flatten().collect();
    words.join(" ").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_the_queue_shared_by_the_hosts() {
        let hosts = ["a.example", "b.example"].map(str::to_owned).to_vec();
        let mut settings = Settings::new("push.example.org", hosts);
        settings.policy.max_queue = 10;
        let two = Terms::new(&settings);
        assert_eq!(two.window(), 5);
        settings.hosts.pop();
        let one = Terms::new(&settings);
        assert_eq!(one.window(), 10);
        assert!(!one.say_as(&two));
    }

    #[test]
    fn a_plugin_s_wishes_are_words() {
        let mut wants = Wants::default();
        assert!(!want(wants).contains("calls"));
        wants.calls = true;
        assert!(want(wants).ends_with(" calls"));
    }
}
