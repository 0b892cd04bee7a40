//! Another plugin for some hosts.

use super::{Choice, Missed, Plugin, Situation, Verdict, Wants};
use crate::delivery::Notification;
use crate::registration::Registration;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Leaves each decision to the plugin of the user's host.
#[derive(Clone, Debug)]
pub struct PerHost {
    others: Arc<dyn Plugin>,
    by_host: BTreeMap<String, Arc<dyn Plugin>>,
}

impl PerHost {
    /// Returns the plugin that leaves decisions about users of these hosts, in lower case, to theirs, and all others to `others`.
    pub fn new(others: Arc<dyn Plugin>, by_host: BTreeMap<String, Arc<dyn Plugin>>) -> Self {
        Self { others, by_host }
    }

    fn of(&self, host: &str) -> &dyn Plugin {
        &**self.by_host.get(host).unwrap_or(&self.others)
    }
}

impl Plugin for PerHost {
    fn name(&self) -> &str {
        self.others.name()
    }

    /// Returns the needs of all of them together: the adapters of all hosts are told the same.
    fn wants(&self) -> Wants {
        let all = self.by_host.values().chain([&self.others]);
        all.fold(Wants::default(), |wants, plugin| {
            wants.union(plugin.wants())
        })
    }

    fn should_publish(&self, missed: &Missed<'_>) -> Verdict {
        self.of(missed.host).should_publish(missed)
    }

    fn prepare_notification(&self, missed: &Missed<'_>) -> Notification {
        self.of(missed.host).prepare_notification(missed)
    }

    fn publish_notification(
        &self,
        situation: &Situation<'_>,
        notification: &Notification,
        registration: &Registration,
    ) -> Choice {
        let plugin = self.of(situation.host);
        plugin.publish_notification(situation, notification, registration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::plugin::{DefaultPlugin, MongooseImPlugin, RulesPlugin};
    use crate::session::Cause;
    use jid::BareJid;

    #[test]
    fn each_host_has_its_own_and_the_adapters_tell_what_any_of_them_wants() {
        let rules: Arc<dyn Plugin> = Arc::new(RulesPlugin::default());
        let hints: Arc<dyn Plugin> = Arc::new(MongooseImPlugin::Hints);
        let by_host = [("a.example", rules), ("b.example", hints)];
        let by_host = by_host.map(|(host, plugin)| (host.to_owned(), plugin));
        let plugin = PerHost::new(Arc::new(DefaultPlugin::default()), by_host.into());
        assert!(plugin.wants().calls && !plugin.wants().any);
        let owner = BareJid::new("alice@a.example").unwrap();
        let reason = |host| {
            let missed = Missed {
                host,
                ..Missed::new(&owner, Cause::Offline, Timestamp::default())
            };
            plugin.should_publish(&missed).reason().as_str().to_owned()
        };
        let reasons = ["a.example", "b.example", "c.example"].map(reason);
        assert_eq!(reasons, ["no rule matches", "content lost", "conversation"]);
    }
}
