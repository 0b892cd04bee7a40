//! Stanzas that come in: what each of them is, and whether its sender may send it.

mod answers;
#[cfg(test)]
mod tests;

pub(super) use answers::outcome;

use super::hosts::Hosts;
use super::values::{Asked, ReplyTo};
use crate::ids::HostId;
use crate::link::{LinkRequest, MissedMessage};
use crate::session::Cause;
use crate::xep::delegation::{self, DelegatedAnswer, forwarded_request, is_delegation};
use crate::xep::error::{DefinedCondition, ErrorType, StanzaError};
use crate::xep::iq::{Answer, Iq, IqAnswer, IqType};
use crate::xep::push::{Request, RequestError, RequestLimits, read_request};
use crate::xep::{forwarding, privilege};
use crate::xml::{ElementRef, Namespace};
use jid::{BareJid, Jid};

/// A stanza, told apart.
#[derive(Debug)]
pub(super) enum Inbound<'a> {
    /// From the adapter of a host.
    Link(HostId, ElementRef<'a>),
    /// A host has no adapter: a message of ours came back.
    NoAdapter(HostId),
    /// A host delegates `urn:xmpp:push:0` to us (XEP-0355 §4.2).
    Delegated(HostId),
    /// A host lets us send IQs in its users' names (XEP-0356).
    Privileged(HostId),
    /// A missed message that a server forwards by its own means (XEP-0297).
    Missed(HostId, BareJid, MissedMessage<'a>),
    /// A client's request that a server hands over (XEP-0355 §4.3).
    Request(HostId, Box<Asked>),
    /// The answer to the component's IQ of this number, from this address.
    Answer(u64, &'a str, Iq<'a>),
    /// A question that is answered at once.
    Reply(IqAnswer),
    /// It claims what its sender may not; a question is answered all the same.
    Untrusted(&'static str, Option<IqAnswer>),
    /// Not for us.
    Other,
}

/// Tells stanzas apart by what is believed of their senders.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inspector<'a> {
    hosts: &'a Hosts,
    component: &'a str,
    instance: &'a str,
    limits: &'a RequestLimits,
}

impl<'a> Inspector<'a> {
    /// Returns an inspector for a component that serves `hosts`; the ids of its own IQs begin with `instance`.
    pub(super) fn new(
        hosts: &'a Hosts,
        component: &'a str,
        instance: &'a str,
        limits: &'a RequestLimits,
    ) -> Self {
        Self {
            hosts,
            component,
            instance,
            limits,
        }
    }

    /// Tells what a stanza is.
    pub(super) fn read<'s>(&self, stanza: ElementRef<'s>) -> Inbound<'s> {
        let from = stanza.attribute("from").unwrap_or_default();
        match stanza.name() {
            "message" => self.message(from, stanza),
            "iq" => Iq::read(stanza).map_or(Inbound::Other, |iq| self.iq(from, iq)),
            _ => Inbound::Other,
        }
    }

    fn message<'s>(&self, from: &str, message: ElementRef<'s>) -> Inbound<'s> {
        if let Some(host) = adapter_host(from).and_then(|host| self.hosts.find(host)) {
            return match message.attribute("type") {
                Some("error") => Inbound::NoAdapter(host),
                _ => Inbound::Link(host, message),
            };
        }
        if is_link(message) {
            return Inbound::Untrusted("link", None);
        }
        let Some(host) = self.hosts.find(from) else {
            return Inbound::Other;
        };
        if let Some(announced) = delegation::delegation(message) {
            let mut delegated = delegation::delegated(announced);
            let is_push = delegated.any(|namespace| namespace == Namespace::Push);
            return if is_push {
                Inbound::Delegated(host)
            } else {
                Inbound::Other
            };
        }
        if privilege::grants_publish(message) == Some(true) {
            return Inbound::Privileged(host);
        }
        forwarding::forwarded(message).map_or(Inbound::Other, |inner| {
            self.tapped(host, message.attribute("to"), inner)
        })
    }

    /// The resource that a forwarded message was sent to says why it was missed.
    fn tapped<'s>(&self, host: HostId, tap: Option<&str>, inner: ElementRef<'s>) -> Inbound<'s> {
        let to = inner.attribute("to").unwrap_or_default();
        let Some(owner) = self.user_of(host, to) else {
            return Inbound::Untrusted("forwarded message", None);
        };
        let resource = to.split_once('/').map(|(_, resource)| resource);
        let tap = tap.and_then(|to| to.split_once('/'));
        let (cause, resource) = match tap {
            Some((_, "queued")) => (Cause::Queued, resource),
            _ => (Cause::Offline, None),
        };
        let arrived = MissedMessage {
            resource,
            message: Some(inner),
            ..MissedMessage::new(cause)
        };
        Inbound::Missed(host, owner, arrived)
    }

    /// Returns the account of an address at a host.
    fn user_of(&self, host: HostId, address: &str) -> Option<BareJid> {
        let jid = Jid::new(address).ok()?.into_bare();
        let of_host = jid.domain().as_str() == &**self.hosts.domain(host);
        (of_host && jid.node().is_some()).then_some(jid)
    }

    fn iq<'s>(&self, from: &'s str, iq: Iq<'s>) -> Inbound<'s> {
        if matches!(iq.kind, IqType::Result | IqType::Error) {
            let number = iq.id.strip_prefix(self.instance);
            let number = number.and_then(|rest| rest.strip_prefix('-')?.parse().ok());
            return number.map_or(Inbound::Other, |number| Inbound::Answer(number, from, iq));
        }
        let child = iq.element.only_child();
        if let Some(wrapper) = child.filter(|child| is_delegation(child.namespace())) {
            return self.delegated(from, iq, wrapper);
        }
        Inbound::Reply(self.answer(from, iq, answers::about_us(iq.kind, child)))
    }

    /// Reads a request that a server hands over. Everything is answered, errors inside the wrapper.
    fn delegated<'s>(&self, from: &str, outer: Iq<'s>, wrapper: ElementRef<'s>) -> Inbound<'s> {
        let Some(host) = self.hosts.find(from) else {
            let error = StanzaError::new(ErrorType::Cancel, DefinedCondition::NotAllowed);
            let answer = self.answer(from, outer, Answer::Error(error));
            return Inbound::Untrusted("delegated request", Some(answer));
        };
        let inner = forwarded_request(wrapper).and_then(Iq::read);
        let sender = inner.and_then(|iq| Jid::new(iq.element.attribute("from")?).ok());
        let (Some(inner), Some(sender)) = (inner, sender) else {
            let error = StanzaError::new(ErrorType::Modify, DefinedCondition::BadRequest);
            return Inbound::Reply(self.answer(from, outer, Answer::Error(error)));
        };
        let owner = sender.to_bare();
        let to = inner.element.attribute("to");
        let reply = DelegatedAnswer {
            from: self.component.to_owned(),
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
        let asked = Asked {
            request: self.own_request(host, inner, to, &owner),
            resource: sender.resource().map(|of| of.as_str().to_owned()),
            reply: ReplyTo::Delegation(Box::new(reply)),
            owner,
        };
        Inbound::Request(host, Box::new(asked))
    }

    /// Reads a request that must be for the sender's own account.
    fn own_request(
        &self,
        host: HostId,
        iq: Iq<'_>,
        to: Option<&str>,
        owner: &BareJid,
    ) -> Result<Request, RequestError> {
        let is_own = to.is_none_or(|to| BareJid::new(to).is_ok_and(|to| to == *owner));
        if !is_own || self.user_of(host, owner.as_str()).is_none() {
            return Err(RequestError::NotOwner);
        }
        if iq.kind != IqType::Set {
            return Err(RequestError::NotSet);
        }
        let payload = iq.element.only_child();
        let payload = payload.ok_or(RequestError::Malformed(
            "the request has not exactly one child",
        ))?;
        read_request(payload, self.limits)
    }

    fn answer(&self, from: &str, iq: Iq<'_>, answer: Answer) -> IqAnswer {
        let asked = iq.element.attribute("to");
        IqAnswer {
            from: asked.unwrap_or(self.component).to_owned(),
            to: from.to_owned(),
            id: iq.id.to_owned(),
            answer,
        }
    }
}

/// Reads a request that an adapter relays, which has checked that it is for the sender's own account.
pub(super) fn link_request(
    asked: &LinkRequest<'_>,
    domain: &str,
    reply: ReplyTo,
    limits: &RequestLimits,
) -> Result<Asked, (ReplyTo, RequestError)> {
    let Some(owner) = owner(asked.user, domain) else {
        let error = RequestError::Malformed("the user is not one of this host");
        return Err((reply, error));
    };
    let payload = asked.payload;
    let payload = payload.ok_or(RequestError::Malformed("the request is empty"));
    Ok(Asked {
        owner,
        resource: asked.resource.map(str::to_owned),
        request: payload.and_then(|payload| read_request(payload, limits)),
        reply,
    })
}

/// Returns the account that an adapter means by a localpart.
pub(super) fn owner(user: &str, domain: &str) -> Option<BareJid> {
    let owner = BareJid::new(&format!("{user}@{domain}")).ok()?;
    // Whatever is in the name: it is of this host.
    (owner.node().is_some() && owner.domain().as_str() == domain).then_some(owner)
}

/// Returns the host part of `HOST/xmpp-push`, if that is the shape of an address.
fn adapter_host(address: &str) -> Option<&str> {
    let host = address.strip_suffix(crate::link::RESOURCE)?;
    host.strip_suffix('/')
}

/// Returns whether a message holds anything of the link.
fn is_link(message: ElementRef<'_>) -> bool {
    let mut children = message.children();
    children.any(|child| child.namespace() == Namespace::Link)
}
