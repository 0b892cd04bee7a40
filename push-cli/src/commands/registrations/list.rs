//! `xmpp-push registrations list`: how each of them fares. Without nodes and publish options, which may be secrets.

use super::open::open;
use crate::args::ListArgs;
use crate::commands::output::print;
use crate::config::Config;
use crate::exit::Failure;
use humantime::format_rfc3339_seconds;
use push_core::registration::Trouble;
use push_core::store::Kind;
use push_core::{BareJid, Registration, Timestamp};
use serde_json::json;
use std::time::{Duration, SystemTime};

/// Registrations asked for at once.
const PAGE: usize = 500;

/// Prints all registrations, or those of one status or user.
pub(super) async fn list(config: &Config, args: &ListArgs) -> Result<(), Failure> {
    let store = open(config, true).await?;
    let (mut after, mut left_out) = (None, 0);
    loop {
        let page = store.page(Kind::Registrations, after.as_ref(), PAGE).await;
        let page = page.map_err(Failure::StoreFailed)?;
        left_out += page.corrupt as u64;
        for (owner, registration) in &page.entries {
            if args.admits(owner, registration) {
                print(&shown(owner, registration, args.json));
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if left_out > 0 {
        return Err(Failure::Unreadable(left_out));
    }
    Ok(())
}

impl ListArgs {
    fn admits(&self, owner: &BareJid, registration: &Registration) -> bool {
        let status = self.status.as_deref();
        status.is_none_or(|status| status == registration.status.as_str())
            && self.user.as_ref().is_none_or(|user| user == owner)
    }
}

fn shown(owner: &BareJid, registration: &Registration, as_json: bool) -> String {
    if as_json {
        shown_as_json(owner, registration)
    } else {
        shown_as_text(owner, registration)
    }
}

fn shown_as_text(owner: &BareJid, registration: &Registration) -> String {
    let (status, service) = (registration.status, &registration.target.service);
    let resource = registration.resource.as_deref().unwrap_or("-");
    let enabled = date(registration.enabled_at);
    let trouble = status.trouble().map(in_words).unwrap_or_default();
    let status = status.as_str();
    format!("{owner}  {service}  {resource:?}  enabled {enabled}  {status}{trouble}")
}

fn in_words(trouble: Trouble) -> String {
    let (since, last) = (date(trouble.since), date(trouble.last));
    let days = counted(trouble.days, "day");
    let trouble = match trouble.refusals {
        0 => "not reached".to_owned(),
        refusals => counted(refusals, "refusal"),
    };
    format!(" since {since}: {trouble} on {days}, last {last}")
}

fn counted(number: u32, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

fn shown_as_json(owner: &BareJid, registration: &Registration) -> String {
    let trouble = registration.status.trouble();
    json!({
        "owner": owner.as_str(),
        "service": registration.target.service.as_str(),
        "resource": registration.resource,
        "enabled_at": date(registration.enabled_at),
        "status": registration.status.as_str(),
        "since": trouble.map(|trouble| date(trouble.since)),
        "last": trouble.map(|trouble| date(trouble.last)),
        "days": trouble.map(|trouble| trouble.days),
        "refusals": trouble.map(|trouble| trouble.refusals),
    })
    .to_string()
}

/// Returns the moment by UTC; the last there is, of one that no calendar has.
fn date(at: Timestamp) -> String {
    /// The end of the year 9999.
    const LAST: u64 = 253_402_300_799_000;
    let millis = Duration::from_millis(at.as_millis().min(LAST));
    format_rfc3339_seconds(SystemTime::UNIX_EPOCH + millis).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use push_core::registration::{Identity, PublishOptions, PubsubNode, Revision, Status, Target};

    fn registration(status: Status) -> Registration {
        Registration {
            target: Target {
                service: BareJid::new("push.example.net").unwrap(),
                node: PubsubNode::new("t0ken"),
            },
            options: PublishOptions::new(vec![("secret".into(), "hunter2".into())]),
            revision: Revision::new(1),
            status,
            resource: Some("phone".into()),
            identity: Identity::Server,
            enabled_at: Timestamp::from_millis(1_790_000_000_000),
        }
    }

    fn trouble(refusals: u32) -> Trouble {
        Trouble {
            since: Timestamp::from_millis(1_790_086_400_000),
            last: Timestamp::from_millis(u64::MAX),
            days: 3,
            refusals,
        }
    }

    #[test]
    fn a_line_has_the_status_with_its_dates_and_no_secret() {
        let owner = BareJid::new("alice@example.org").unwrap();
        let begin = r#"alice@example.org  push.example.net  "phone"  enabled 2026-09-21T14:13:20Z"#;
        let since = "since 2026-09-22T14:13:20Z";
        for (status, end) in [
            (Status::Active, "active".to_owned()),
            (
                Status::Failing(trouble(0)),
                format!("failing {since}: not reached on 3 days, last 9999-12-31T23:59:59Z"),
            ),
            (
                Status::Quarantined(trouble(4)),
                format!("quarantined {since}: 4 refusals on 3 days, last 9999-12-31T23:59:59Z"),
            ),
        ] {
            let line = shown(&owner, &registration(status), false);
            assert_eq!(line, format!("{begin}  {end}"));
            let json = shown(&owner, &registration(status), true);
            assert!(
                !json.contains("t0ken") && !json.contains("hunter2"),
                "{json}"
            );
            let json: serde_json::Value = serde_json::from_str(&json).unwrap();
            assert_eq!(json["status"], status.as_str());
            assert_eq!(json["since"].is_null(), status == Status::Active);
        }
    }
}
