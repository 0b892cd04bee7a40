//! The component's own stanzas: discovery, delegation, privileges, answers, and the feed without an adapter.

use super::Machine;
use super::feed::Arrived;
use super::link::{adapter_host, is_link};
use super::requests::ReplyTo;
use crate::Timestamp;
use crate::action::{Action, Outbound};
use crate::link::Outcome;
use crate::registration::Identity;
use crate::report::Report;
use crate::session::Cause;
use crate::xep::delegation::{
    self, DelegatedAnswer, DiscoNode, disco_node, forwarded_request, is_delegation,
};
use crate::xep::disco::Info;
use crate::xep::error::{DefinedCondition, ErrorType, StanzaError};
use crate::xep::iq::{Answer, Iq, IqAnswer, IqType};
use crate::xep::push::{RequestError, read_request};
use crate::xep::{forwarding, privilege};
use crate::xml::{ElementRef, Namespace};
use jid::{BareJid, Jid};

impl Machine {
    pub(super) fn stanza(&mut self, now: Timestamp, stanza: ElementRef<'_>) {
        let from = stanza.attribute("from").unwrap_or_default();
        match stanza.name() {
            "message" => self.message(now, from, stanza),
            "iq" => {
                if let Some(iq) = Iq::read(stanza) {
                    self.iq(now, from, iq);
                }
            }
            _ => {}
        }
    }

    fn message(&mut self, now: Timestamp, from: &str, message: ElementRef<'_>) {
        if let Some(host) = adapter_host(from).and_then(|host| self.hosts.find(host)) {
            return match message.attribute("type") {
                Some("error") => self.no_adapter(now, host),
                _ => self.link_message(now, host, message),
            };
        }
        if is_link(message) {
            return self.report(Report::Untrusted { what: "link" });
        }
        let Some(host) = self.hosts.find(from) else {
            return;
        };
        if let Some(announced) = delegation::delegation(message) {
            return self.delegated(host, announced);
        }
        if privilege::grants_publish(message) == Some(true) {
            return self.offer_identity(host, Identity::User);
        }
        self.tapped(now, host, message);
    }

    /// XEP-0355 §4.2.
    fn delegated(&mut self, host: usize, announced: ElementRef<'_>) {
        let ours = delegation::delegated(announced).any(|namespace| namespace == Namespace::Push);
        if ours && !std::mem::replace(&mut self.hosts[host].delegated, true) {
            let host = self.hosts[host].domain.to_string();
            self.report(Report::Delegated { host });
        }
    }

    /// A missed message a server forwards by its own means (XEP-0297); the resource it was sent to says why.
    fn tapped(&mut self, now: Timestamp, host: usize, message: ElementRef<'_>) {
        let Some(inner) = forwarding::forwarded(message) else {
            return;
        };
        let to = inner.attribute("to").and_then(|to| Jid::new(to).ok());
        let Some(to) = to
            .filter(|to| to.domain().as_str() == &*self.hosts[host].domain && to.node().is_some())
        else {
            return self.report(Report::Untrusted {
                what: "forwarded message",
            });
        };
        if self.waiting() >= self.policy().max_queue {
            return self.report(Report::Overloaded);
        }
        let tap = message
            .attribute("to")
            .and_then(|to| to.split_once('/'))
            .map_or("offline", |(_, tap)| tap);
        let resource = to.resource().map(jid::ResourceRef::as_str);
        let (cause, resource) = match tap {
            "queued" => (Cause::Queued, resource),
            _ => (Cause::Offline, None),
        };
        let sessions = Vec::new();
        let arrived = Arrived {
            host,
            cause,
            resource,
            count: 1,
            sessions,
            message: Some(inner),
            ticket: None,
        };
        self.missed(now, &to.to_bare(), arrived);
    }

    fn iq(&mut self, now: Timestamp, from: &str, iq: Iq<'_>) {
        match iq.kind {
            IqType::Result | IqType::Error => self.answered(now, from, iq),
            IqType::Get | IqType::Set => match iq.element.only_child() {
                Some(child) if is_delegation(child.namespace()) => {
                    self.delegated_request(now, from, iq, child);
                }
                child => {
                    let answer = own_answer(iq.kind, child);
                    let answer = answer_to(&self.settings.component, from, iq, answer);
                    self.actions
                        .push_back(Action::Send(Outbound::Answer(answer)));
                }
            },
        }
    }

    /// XEP-0355 §4.3. Everything is answered, errors inside of the wrapper.
    fn delegated_request(
        &mut self,
        now: Timestamp,
        from: &str,
        outer: Iq<'_>,
        wrapper: ElementRef<'_>,
    ) {
        let Some(host) = self.hosts.find(from) else {
            self.report(Report::Untrusted {
                what: "delegated request",
            });
            let error = StanzaError::new(ErrorType::Cancel, DefinedCondition::NotAllowed);
            let answer = answer_to(&self.settings.component, from, outer, Answer::Error(error));
            return self
                .actions
                .push_back(Action::Send(Outbound::Answer(answer)));
        };
        let inner = forwarded_request(wrapper).and_then(Iq::read);
        let sender = inner.and_then(|iq| Jid::new(iq.element.attribute("from")?).ok());
        let (Some(inner), Some(sender)) = (inner, sender) else {
            let error = StanzaError::new(ErrorType::Modify, DefinedCondition::BadRequest);
            let answer = answer_to(&self.settings.component, from, outer, Answer::Error(error));
            return self
                .actions
                .push_back(Action::Send(Outbound::Answer(answer)));
        };
        let owner = sender.to_bare();
        let to = inner.element.attribute("to");
        let reply = DelegatedAnswer {
            from: self.settings.component.clone(),
            to: from.to_owned(),
            id: outer.id.to_owned(),
            version: wrapper.namespace(),
            inner: IqAnswer {
                from: to.unwrap_or(owner.as_str()).to_owned(),
                to: sender.to_string(),
                id: inner.id.to_owned(),
                answer: Answer::Done,
            },
        };
        let parsed = self.own_request(host, inner, to, &owner);
        let resource = sender.resource().map(jid::ResourceRef::as_str);
        self.requested(
            now,
            host,
            &owner,
            resource,
            parsed,
            ReplyTo::Delegation(Box::new(reply)),
        );
    }

    fn own_request(
        &self,
        host: usize,
        iq: Iq<'_>,
        to: Option<&str>,
        owner: &BareJid,
    ) -> Result<crate::xep::push::Request, RequestError> {
        let own = to.is_none_or(|to| BareJid::new(to).is_ok_and(|to| to == *owner));
        if !own || owner.domain().as_str() != &*self.hosts[host].domain || owner.node().is_none() {
            return Err(RequestError::NotOwner);
        }
        if iq.kind != IqType::Set {
            return Err(RequestError::NotSet);
        }
        let payload = iq.element.only_child().ok_or(RequestError::Malformed(
            "the request has not exactly one child",
        ))?;
        read_request(payload, &self.policy().request)
    }

    /// The answer to a publish of our own; matched by id and sender.
    fn answered(&mut self, now: Timestamp, from: &str, iq: Iq<'_>) {
        let Some((id, service, owner, identity)) = self.publishes.own(iq.id) else {
            return;
        };
        let outcome = match identity {
            Identity::User if from == owner.as_str() => privileged_outcome(iq, service),
            Identity::Component if from == service.as_str() => outcome(iq),
            _ => return,
        };
        self.published(now, id, &outcome);
    }
}

/// The server wraps what the push service answered; what it does not wrap is its own refusal.
fn privileged_outcome(iq: Iq<'_>, service: &BareJid) -> Outcome {
    let inner = privilege::answered(iq.element).and_then(Iq::read);
    match inner {
        Some(inner) if inner.element.attribute("from") == Some(service.as_str()) => outcome(inner),
        Some(_) => Outcome::Foreign,
        None => Outcome::Undeliverable(iq.error()),
    }
}

fn outcome(iq: Iq<'_>) -> Outcome {
    match iq.kind {
        IqType::Error => Outcome::Refused(iq.error()),
        _ => Outcome::Done,
    }
}

fn answer_to(component: &str, from: &str, iq: Iq<'_>, answer: Answer) -> IqAnswer {
    IqAnswer {
        from: iq.element.attribute("to").unwrap_or(component).to_owned(),
        to: from.to_owned(),
        id: iq.id.to_owned(),
        answer,
    }
}

/// What the component says of itself.
fn own_answer(kind: IqType, child: Option<ElementRef<'_>>) -> Answer {
    let unavailable = StanzaError::new(ErrorType::Cancel, DefinedCondition::ServiceUnavailable);
    let Some(child) = child.filter(|_| kind == IqType::Get) else {
        return Answer::Error(unavailable);
    };
    if child.is("ping", Namespace::Ping) {
        return Answer::Done;
    }
    if !child.is("query", Namespace::DiscoInfo) {
        return Answer::Error(unavailable);
    }
    let node = child.attribute("node").filter(|node| !node.is_empty());
    let features = match node.map(disco_node) {
        None => vec![Namespace::DiscoInfo.uri(), Namespace::Ping.uri()],
        Some(Some(DiscoNode::Account)) => vec![Namespace::Push.uri()],
        Some(Some(DiscoNode::Server)) => Vec::new(),
        Some(None) => {
            let missing = StanzaError::new(ErrorType::Cancel, DefinedCondition::ItemNotFound);
            return Answer::Error(missing);
        }
    };
    let identity = node
        .is_none()
        .then_some(("component", "generic", "xmpp-push"));
    Answer::Info(Info {
        node: node.map(str::to_owned),
        identity,
        features,
    })
}
