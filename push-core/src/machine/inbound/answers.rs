//! Questions to the component itself, and answers to its own IQs.

use crate::delivery::{DeliveryOutcome, Route};
use crate::xep::delegation::{DiscoNode, disco_node};
use crate::xep::disco::Info;
use crate::xep::error::{DefinedCondition, ErrorType, StanzaError};
use crate::xep::iq::{Answer, Iq, IqType};
use crate::xep::privilege;
use crate::xml::{ElementRef, Namespace};
use jid::BareJid;

/// Returns the outcome of a delivery from the answer to its IQ; none if the answer is not from whom it has to be.
pub(in crate::machine) fn outcome(
    route: Route,
    service: &BareJid,
    owner: &BareJid,
    from: &str,
    iq: Iq<'_>,
) -> Option<DeliveryOutcome> {
    match route {
        Route::Privileged if from == owner.as_str() => Some(privileged(iq, service)),
        Route::Component if from == service.as_str() => Some(plain(iq)),
        _ => None,
    }
}

/// The server wraps what the push service answered; what it does not wrap is its own refusal.
fn privileged(iq: Iq<'_>, service: &BareJid) -> DeliveryOutcome {
    let inner = privilege::answered(iq.element).and_then(Iq::read);
    match inner {
        Some(inner) if inner.element.attribute("from") == Some(service.as_str()) => plain(inner),
        Some(_) => DeliveryOutcome::Foreign,
        None => DeliveryOutcome::Undeliverable(iq.error()),
    }
}

fn plain(iq: Iq<'_>) -> DeliveryOutcome {
    match iq.kind {
        IqType::Error => DeliveryOutcome::Refused(iq.error()),
        _ => DeliveryOutcome::Accepted,
    }
}

/// Returns the answer to a question about the component itself (XEP-0030, XEP-0199).
pub(super) fn about_us(kind: IqType, child: Option<ElementRef<'_>>) -> Answer {
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
