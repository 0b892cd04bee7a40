//! `xmpp-push rules try`: what rules decide about one message.

use super::stanza;
use crate::args::{RulesTryArgs, SessionArg};
use crate::commands::output::print;
use crate::config::RulesFile;
use crate::exit::Failure;
use push_core::plugin::rules::{Push, To};
use push_core::plugin::{Missed, Plugin, Reason, RulesPlugin, Verdict};
use push_core::session::Session;
use push_core::xep::message::Message;
use push_core::{BareJid, Timestamp};
use serde_json::json;
use std::time::{Duration, SystemTime};

/// The decision about a message.
struct Decision {
    verdict: Verdict,
    /// The rule's notification and its text on the wire, if there is one.
    notification: Option<(Push, String)>,
}

/// Prints what the rules decide about the message in a file.
pub(super) fn run(args: &RulesTryArgs) -> Result<(), Failure> {
    let plugin = RulesFile::new(&args.file).read().map_err(Failure::Config)?;
    let stanza = stanza::read(&args.stanza)?;
    let bad = |reason| Failure::line(args.stanza.display(), 1, reason);
    let message = Message::read(stanza.root()).ok_or_else(|| bad("must be a message"))?;
    let message = message
        .unwrapped()
        .ok_or_else(|| bad("is the user's own message: those are never told"))?;
    let owner = message.element.attribute("to").and_then(owner);
    let owner = owner.ok_or_else(|| bad("has no address that it is to"))?;
    let sessions: Vec<Session> = args.session.iter().map(SessionArg::to_session).collect();
    let missed = Missed::new(&owner, args.cause(), now());
    let missed = missed.with_message(message, args.count);
    let missed = missed.with_sessions(&sessions, args.resource.as_deref());
    let decision = decide(&plugin, &missed);
    print(&if args.json {
        decision.as_json()
    } else {
        decision.as_text()
    });
    Ok(())
}

fn owner(to: &str) -> Option<BareJid> {
    BareJid::new(to.split('/').next()?).ok()
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let since = since.unwrap_or(Duration::ZERO);
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or_default())
}

fn decide(plugin: &RulesPlugin, missed: &Missed<'_>) -> Decision {
    let verdict = plugin.should_publish(missed);
    let push = plugin
        .push(verdict.reason())
        .filter(|_| verdict.is_publish());
    let notification = push.map(|push| {
        let notification = plugin.prepare_notification(&missed.with_reason(verdict.reason()));
        (push.clone(), stanza::written(&notification.content))
    });
    Decision {
        verdict,
        notification,
    }
}

impl Decision {
    fn as_text(&self) -> String {
        let reason = self.verdict.reason();
        let mut lines = match &self.notification {
            None => vec![format!("skip: {reason}")],
            Some((push, text)) => {
                let (to, class) = (word(push.to), push.class.as_str());
                let decided = format!("push: {reason}");
                vec![decided, format!("to: {to}; class: {class}"), text.clone()]
            }
        };
        if let Some(shadow) = self.verdict.shadow() {
            lines.push(format!("the shadow rules would decide otherwise: {shadow}"));
        }
        lines.join("\n")
    }

    fn as_json(&self) -> String {
        let push = self.notification.as_ref();
        let decided = json!({
            "decision": if push.is_some() { "push" } else { "skip" },
            "reason": self.verdict.reason().as_str(),
            "to": push.map(|(push, _)| word(push.to)),
            "class": push.map(|(push, _)| push.class.as_str()),
            "notification": push.map(|(_, text)| text),
            "shadow": self.verdict.shadow().map(Reason::as_str),
        });
        decided.to_string()
    }
}

fn word(to: To) -> &'static str {
    match to {
        To::All => "all",
        To::Session => "session",
        To::Absent => "absent",
    }
}
