//! XEP-0357: enable and disable (§5, §6).

use crate::registration::{PublishOptions, PubsubNode, Target};
use crate::xep::data_forms::Form;
use crate::xep::error::{DefinedCondition, ErrorType, StanzaError};
use crate::xep::pubsub::PUBLISH_OPTIONS;
use crate::xml::{ElementRef, Namespace};
use jid::{BareJid, Jid};
use thiserror::Error;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Notify this target from now on, replacing what was known of it.
    Enable {
        /// Where to.
        target: Target,
        /// What comes with each publish.
        options: PublishOptions,
    },
    /// Stop notifying a service, or one node of it.
    Disable {
        /// The push service.
        service: BareJid,
        /// Only this node.
        node: Option<PubsubNode>,
    },
}

/// Bounds on what one request may hold. Sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLimits {
    /// Length of the service's bare JID; longer ones do not fit a database key.
    pub service: usize,
    /// Length of the node.
    pub node: usize,
    /// Number of fields of the form.
    pub fields: usize,
    /// Names and values of the form, together.
    pub options: usize,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self {
            service: 512,
            node: crate::registration::MAX_NODE,
            fields: 32,
            options: 8192,
        }
    }
}

/// Why a request is not carried out; by who is at fault.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// The client sent what XEP-0357 does not allow.
    #[error("{0}")]
    Malformed(&'static str),
    /// The request is for an account that is not the sender's.
    #[error("push can only be enabled and disabled for your own account")]
    NotOwner,
    /// The IQ is a `get`.
    #[error("enable and disable are requests of type set")]
    NotSet,
    /// Something is longer than this service keeps.
    #[error("{what} is over the limit of {limit}")]
    TooLarge {
        /// What is too long or too many.
        what: &'static str,
        /// The most there may be; bytes unless `what` says otherwise.
        limit: usize,
    },
    /// The store cannot be asked right now.
    #[error("the registration cannot be stored right now, try again later")]
    Unavailable,
    /// The store will not take it, or it cannot be read.
    #[error("the registration cannot be stored")]
    Refused,
    /// Too many requests wait.
    #[error("too busy, try again later")]
    Busy,
}

impl From<&RequestError> for StanzaError {
    /// The one place where condition and type are chosen.
    fn from(error: &RequestError) -> Self {
        use {DefinedCondition as Condition, ErrorType as Type};
        let (kind, condition) = match error {
            RequestError::Malformed(_) => (Type::Modify, Condition::BadRequest),
            RequestError::NotOwner | RequestError::NotSet => (Type::Cancel, Condition::NotAllowed),
            RequestError::TooLarge { .. } => (Type::Modify, Condition::NotAcceptable),
            RequestError::Unavailable => (Type::Wait, Condition::ServiceUnavailable),
            RequestError::Refused => (Type::Wait, Condition::InternalServerError),
            RequestError::Busy => (Type::Wait, Condition::ResourceConstraint),
        };
        Self::new(kind, condition).with_text(error.to_string())
    }
}

/// Reads the `<enable/>` or `<disable/>` of a request of type set.
pub fn read_request(
    element: ElementRef<'_>,
    limits: &RequestLimits,
) -> Result<Request, RequestError> {
    if element.is("enable", Namespace::Push) {
        let service = service(element, limits)?;
        let node = node(element, limits)?.ok_or(RequestError::Malformed("enable needs a node"))?;
        let options = Form::first_in(element)
            .map(|form| options(form, limits))
            .transpose()?;
        let options = options.unwrap_or_default();
        return Ok(Request::Enable {
            target: Target { service, node },
            options,
        });
    }
    if element.is("disable", Namespace::Push) {
        let service = service(element, limits)?;
        return Ok(Request::Disable {
            service,
            node: node(element, limits)?,
        });
    }
    Err(RequestError::Malformed("neither enable nor disable"))
}

fn service(element: ElementRef<'_>, limits: &RequestLimits) -> Result<BareJid, RequestError> {
    let text = element.attribute("jid").filter(|text| !text.is_empty());
    let text = text.ok_or(RequestError::Malformed(
        "the jid of the push service is missing",
    ))?;
    let jid = Jid::new(text)
        .map_err(|_| RequestError::Malformed("the jid of the push service is not a JID"))?;
    let service = jid.into_bare();
    at_most(
        limits.service,
        service.as_str().len(),
        "the jid of the push service",
    )?;
    Ok(service)
}

fn node(
    element: ElementRef<'_>,
    limits: &RequestLimits,
) -> Result<Option<PubsubNode>, RequestError> {
    let Some(node) = element.attribute("node") else {
        return Ok(None);
    };
    if node.is_empty() {
        return Err(RequestError::Malformed("the node is empty"));
    }
    at_most(limits.node, node.len(), "the node")?;
    Ok(Some(PubsubNode::new(node)))
}

fn options(form: Form<'_>, limits: &RequestLimits) -> Result<PublishOptions, RequestError> {
    if form.kind() != Some("submit") {
        return Err(RequestError::Malformed("the form is not of type submit"));
    }
    let mut form_type = None;
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut size = 0;
    for field in form.fields() {
        let Some(var) = field.var else { continue };
        let [value] = field.values.as_slice() else {
            return Err(RequestError::Malformed(
                "a field of the form has not exactly one value",
            ));
        };
        if var == "FORM_TYPE" {
            form_type = Some(value.clone());
            continue;
        }
        size += var.len() + value.len();
        at_most(limits.options, size, "the form")?;
        match fields.iter_mut().find(|(have, _)| have == var) {
            Some((_, have)) => *have = value.clone().into_owned(),
            None => fields.push((var.to_owned(), value.clone().into_owned())),
        }
        at_most(
            limits.fields,
            fields.len(),
            "the number of fields of the form",
        )?;
    }
    match form_type.as_deref() {
        Some(PUBLISH_OPTIONS) => Ok(PublishOptions::new(fields)),
        Some(_) => Err(RequestError::Malformed(
            "the FORM_TYPE is not that of publish-options",
        )),
        None => Err(RequestError::Malformed("the form has no FORM_TYPE")),
    }
}

fn at_most(limit: usize, size: usize, what: &'static str) -> Result<(), RequestError> {
    if size > limit {
        Err(RequestError::TooLarge { what, limit })
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::sample::{Sample, element};

    fn read(request: &Sample) -> Result<Request, RequestError> {
        read_request(request.stanza().root(), &RequestLimits::default())
    }

    fn enable() -> Sample {
        element("enable", Namespace::Push)
            .with("jid", "Push.example.net/x")
            .with("node", "n")
    }

    fn field(var: &str, value: &str) -> Sample {
        element("field", Namespace::DataForms)
            .with("var", var)
            .child(element("value", Namespace::DataForms).text(value))
    }

    fn form() -> Sample {
        element("x", Namespace::DataForms)
            .with("type", "submit")
            .child(field("FORM_TYPE", PUBLISH_OPTIONS))
    }

    #[test]
    fn an_enable_is_read_with_its_options_in_order() {
        let form = form()
            .child(field("z", "1"))
            .child(field("a", " 2 "))
            .child(field("z", "3"));
        let Ok(Request::Enable { target, options }) = read(&enable().child(form)) else {
            unreachable!()
        };
        assert_eq!(
            (target.service.as_str(), target.node.as_str()),
            ("push.example.net", "n")
        );
        let fields: Vec<_> = options.fields().collect();
        assert_eq!(fields, [("z", "3"), ("a", " 2 ")]);
    }

    #[test]
    fn a_disable_without_node_means_the_service() {
        let disable = element("disable", Namespace::Push).with("jid", "push.example.net");
        assert!(matches!(
            read(&disable),
            Ok(Request::Disable { node: None, .. })
        ));
        let one = disable.with("node", "n");
        assert!(matches!(
            read(&one),
            Ok(Request::Disable { node: Some(_), .. })
        ));
    }

    #[test]
    fn limits_count_names_and_values_together() {
        let limits = RequestLimits {
            options: 10,
            ..RequestLimits::default()
        };
        let request = |value: &str| enable().child(form().child(field("four", value))).stanza();
        assert!(read_request(request("123456").root(), &limits).is_ok());
        let over = read_request(request("1234567").root(), &limits);
        assert_eq!(
            over,
            Err(RequestError::TooLarge {
                what: "the form",
                limit: 10
            })
        );
    }

    #[test]
    fn each_fault_has_its_condition() {
        use {DefinedCondition as Condition, ErrorType as Type};
        for (error, kind, condition) in [
            (
                RequestError::Malformed("x"),
                Type::Modify,
                Condition::BadRequest,
            ),
            (RequestError::NotOwner, Type::Cancel, Condition::NotAllowed),
            (RequestError::NotSet, Type::Cancel, Condition::NotAllowed),
            (
                RequestError::TooLarge {
                    what: "x",
                    limit: 1,
                },
                Type::Modify,
                Condition::NotAcceptable,
            ),
            (
                RequestError::Unavailable,
                Type::Wait,
                Condition::ServiceUnavailable,
            ),
            (
                RequestError::Refused,
                Type::Wait,
                Condition::InternalServerError,
            ),
            (
                RequestError::Busy,
                Type::Wait,
                Condition::ResourceConstraint,
            ),
        ] {
            let stanza_error = StanzaError::from(&error);
            assert_eq!(
                (stanza_error.kind, stanza_error.condition),
                (kind, condition)
            );
            assert_eq!(stanza_error.text.as_deref(), Some(&*error.to_string()));
        }
    }
}
