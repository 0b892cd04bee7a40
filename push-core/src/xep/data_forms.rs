//! XEP-0004: data forms, as far as push needs them.

use crate::xml::{ElementRef, ElementSink, Namespace};

/// A `<x/>` of `jabber:x:data`, read.
#[derive(Clone, Copy, Debug)]
pub struct Form<'a>(ElementRef<'a>);

/// A field: its `var`, if any, and its values.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    /// The field's name.
    pub var: Option<&'a str>,
    /// Its values.
    pub values: Vec<std::borrow::Cow<'a, str>>,
}

impl<'a> Form<'a> {
    /// The first form among the children of `parent`.
    pub fn first_in(parent: ElementRef<'a>) -> Option<Self> {
        parent.child("x", Namespace::DataForms).map(Self)
    }

    /// The form's type: `form`, `submit`, `cancel` or `result`.
    pub fn kind(self) -> Option<&'a str> {
        self.0.attribute("type")
    }

    /// The fields in order.
    pub fn fields(self) -> impl Iterator<Item = Field<'a>> {
        let fields = self
            .0
            .children()
            .filter(|child| child.is("field", Namespace::DataForms));
        fields.map(|field| Field {
            var: field.attribute("var"),
            values: values(field),
        })
    }
}

fn values(field: ElementRef<'_>) -> Vec<std::borrow::Cow<'_, str>> {
    let values = field
        .children()
        .filter(|child| child.is("value", Namespace::DataForms));
    values.map(ElementRef::text).collect()
}

/// Writes a form of type submit: a hidden `FORM_TYPE`, then `fields`.
pub(crate) fn write_submit<'f>(
    sink: &mut dyn ElementSink,
    form_type: &str,
    fields: impl Iterator<Item = (&'f str, &'f str)>,
) {
    sink.start("x", Namespace::DataForms);
    sink.attribute("type", "submit");
    sink.start("field", Namespace::DataForms);
    sink.attribute("type", "hidden");
    sink.attribute("var", "FORM_TYPE");
    sink.leaf("value", Namespace::DataForms, form_type);
    sink.end();
    for (var, value) in fields {
        sink.start("field", Namespace::DataForms);
        sink.attribute("var", var);
        sink.leaf("value", Namespace::DataForms, value);
        sink.end();
    }
    sink.end();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::StanzaBuilder;
    use crate::xml::sample::element;

    #[test]
    fn a_written_form_reads_back() {
        let mut sink = StanzaBuilder::new();
        sink.start("parent", Namespace::Other);
        let fields = [("b", "1"), ("a", ""), ("b", " <&> ")];
        write_submit(&mut sink, "urn:example:form", fields.into_iter());
        sink.end();
        let stanza = sink.finish().unwrap();
        let form = Form::first_in(stanza.root()).unwrap();
        assert_eq!(form.kind(), Some("submit"));
        let mut read = form.fields();
        let first = read.next().unwrap();
        assert_eq!(
            (first.var, first.values),
            (Some("FORM_TYPE"), vec!["urn:example:form".into()])
        );
        let rest: Vec<_> = read
            .map(|field| (field.var.unwrap(), field.values[0].clone()))
            .collect();
        assert_eq!(rest, fields.map(|(var, value)| (var, value.into())));
    }

    #[test]
    fn only_the_first_form_and_only_fields_are_read() {
        let field = element("field", Namespace::DataForms)
            .child(element("value", Namespace::Other).text("not this"))
            .child(element("value", Namespace::DataForms).text("this"));
        let form = element("x", Namespace::DataForms)
            .child(element("title", Namespace::DataForms))
            .child(element("field", Namespace::Other))
            .child(field);
        let parent = element("enable", Namespace::Push)
            .child(element("x", Namespace::Other))
            .child(form)
            .child(element("x", Namespace::DataForms));
        let stanza = parent.stanza();
        let fields: Vec<_> = Form::first_in(stanza.root()).unwrap().fields().collect();
        assert_eq!(fields.len(), 1);
        assert_eq!(
            (fields[0].var, &*fields[0].values),
            (None, &["this".into()][..])
        );
    }
}
