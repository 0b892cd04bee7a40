//! Where outgoing stanzas are written.

use super::Namespace;

/// Takes elements in document order.
///
/// A transport escapes and writes them straight into its socket's buffer; [`StanzaBuilder`]
/// makes a readable stanza of them. Calls must nest: attributes come right after their `start`,
/// each `start` has its `end`.
///
/// [`StanzaBuilder`]: super::StanzaBuilder
pub trait ElementSink {
    /// Opens an element. The namespace is declared where it differs from the parent's.
    fn start(&mut self, name: &str, namespace: Namespace);
    /// An attribute without namespace of the element just opened; `value` is not escaped yet.
    fn attribute(&mut self, name: &str, value: &str);
    /// Character data of the open element, not escaped yet.
    fn text(&mut self, text: &str);
    /// Closes the element opened last.
    fn end(&mut self);

    /// An attribute that is left out when there is no value.
    fn optional(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.attribute(name, value);
        }
    }

    /// An attribute holding a decimal number.
    fn number(&mut self, name: &str, value: u64) {
        let mut digits = [0_u8; 20];
        self.attribute(name, decimal(value, &mut digits));
    }

    /// An element with nothing but text.
    fn leaf(&mut self, name: &str, namespace: Namespace, text: &str) {
        self.start(name, namespace);
        self.text(text);
        self.end();
    }
}

/// A value that knows its XML.
pub trait WriteXml {
    /// Writes the value as one element (or a run of them) into `sink`.
    fn write_xml(&self, sink: &mut dyn ElementSink);
}

/// Writes `value` into the end of `digits` without allocating.
fn decimal(mut value: u64, digits: &mut [u8; 20]) -> &str {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(value % 10).unwrap_or_default();
        value /= 10;
        if value == 0 {
            break;
        }
    }
    std::str::from_utf8(&digits[at..]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn numbers_are_written_in_decimal() {
        for value in [0, 7, 10, 4_294_967_296, u64::MAX] {
            assert_eq!(decimal(value, &mut [0; 20]), value.to_string());
        }
    }
}
