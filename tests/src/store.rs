//! Kit of the store suite: short ways to say owners, registrations and changes.

pub mod churn;
pub mod random;

use push_core::registration::{
    Identity, PublishOptions, PubsubNode, Registration, Revision, Status, Target, Trouble,
};
use push_core::store::{Change, Guard, RegistrationStore};
use push_core::{BareJid, Timestamp};
use std::any::Any;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

/// A store nobody else uses, and what has to live as long (a folder, a database).
pub struct Fresh {
    store: Arc<dyn RegistrationStore>,
    // After the store: fields are dropped in order.
    keep: Box<dyn Any + Send>,
    slowness: usize,
}

impl Fresh {
    /// `store` in `keep`.
    pub fn new(store: impl RegistrationStore + 'static, keep: impl Any + Send) -> Self {
        Self {
            store: Arc::new(store),
            keep: Box::new(keep),
            slowness: 1,
        }
    }

    /// The same, with a server so many times slower than others: what cases do a great many times, they do so many times
    /// less often.
    #[must_use]
    pub fn slow(self, slowness: usize) -> Self {
        Self { slowness, ..self }
    }

    /// How often to do what is to be done `count` times where the server is fast.
    pub fn often(&self, count: usize) -> usize {
        count / self.slowness
    }

    /// For tasks.
    pub fn share(&self) -> Arc<dyn RegistrationStore> {
        Arc::clone(&self.store)
    }

    /// Closes the store; what is left.
    pub fn close<K: 'static>(self) -> K {
        drop(self.store);
        *self.keep.downcast().unwrap()
    }
}

impl Deref for Fresh {
    type Target = dyn RegistrationStore;

    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}

/// A bare JID.
pub fn jid(jid: &str) -> BareJid {
    BareJid::new(jid).unwrap()
}

/// A node of a push service.
pub fn target(service: &str, node: &str) -> Target {
    Target {
        service: jid(service),
        node: PubsubNode::new(node),
    }
}

/// A registration; different revisions differ in every field there is.
pub fn registration(service: &str, node: &str, revision: u64) -> Registration {
    Registration {
        target: target(service, node),
        options: PublishOptions::new(vec![("secret".into(), format!("s{revision}"))]),
        revision: Revision::new(revision),
        status: Status::Active,
        resource: revision.is_multiple_of(2).then(|| format!("r{revision}")),
        identity: [Identity::Component, Identity::User, Identity::Server][(revision % 3) as usize],
        enabled_at: Timestamp::from_millis(1_790_000_000_000 + revision),
    }
}

/// `owner` enables.
pub fn enable(owner: &str, registration: &Registration) -> Change {
    Change::Enable {
        owner: jid(owner),
        registration: registration.clone(),
    }
}

/// One registration goes, whatever its revision.
pub fn remove(owner: &str, target: &Target) -> Change {
    Change::Remove {
        owner: jid(owner),
        target: target.clone(),
        guard: Guard::UpTo(Revision::MAX),
    }
}

/// One registration goes if it is still the one that is meant.
pub fn remove_revision(owner: &str, target: &Target, revision: u64) -> Change {
    Change::Remove {
        owner: jid(owner),
        target: target.clone(),
        guard: Guard::Exactly(Revision::new(revision)),
    }
}

/// All of a service go.
pub fn remove_service(owner: &str, service: &str) -> Change {
    Change::RemoveService {
        owner: jid(owner),
        service: jid(service),
        up_to: Revision::MAX,
    }
}

/// Everything goes.
pub fn remove_owner(owner: &str) -> Change {
    Change::RemoveOwner {
        owner: jid(owner),
        up_to: Revision::MAX,
    }
}

/// The same removal, of what is not later than `revision`.
pub fn up_to(removal: Change, revision: u64) -> Change {
    let up_to = Revision::new(revision);
    match removal {
        Change::Remove { owner, target, .. } => Change::Remove {
            owner,
            target,
            guard: Guard::UpTo(up_to),
        },
        Change::RemoveService { owner, service, .. } => Change::RemoveService {
            owner,
            service,
            up_to,
        },
        Change::RemoveOwner { owner, .. } => Change::RemoveOwner { owner, up_to },
        other => other,
    }
}

/// A status, if the registration is still the one that is meant.
pub fn settle(owner: &str, target: &Target, revision: u64, status: Status) -> Change {
    Change::Settle {
        owner: jid(owner),
        target: target.clone(),
        revision: Revision::new(revision),
        status,
    }
}

/// A status that is not the usual one; different numbers differ in kind and in every field.
pub fn status(number: u32) -> Status {
    let at = Timestamp::from_millis(1_795_000_000_000 + u64::from(number));
    let trouble = Trouble {
        since: at,
        last: at.after(Duration::from_secs(u64::from(number))),
        days: number + 1,
        refusals: number + 2,
    };
    match number % 3 {
        0 => Status::Active,
        1 => Status::Failing(trouble),
        _ => Status::Quarantined(trouble),
    }
}

/// What `owner` has.
pub async fn registrations(store: &dyn RegistrationStore, owner: &str) -> Vec<Registration> {
    let loaded = store.load(&[jid(owner)]).await.unwrap();
    assert_eq!(loaded.corrupt, 0);
    loaded.accounts[0].registrations.clone()
}
