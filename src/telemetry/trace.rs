//! W3C Trace Context: the trace that a request belongs to, so that its log line can be found from the caller's.

/// What `traceparent` says: `00-<trace id>-<parent id>-<flags>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TraceParent {
    trace: [u8; 32],
    parent: [u8; 16],
}

impl TraceParent {
    /// Reads the header's value. What is malformed is `None`, and is then as if it were not there (§3.2.2.5).
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        // A later version may add fields behind another hyphen; version 00 has none.
        let (known, more) = value.split_at_checked(55)?;
        let [v0, v1, b'-', ids @ .., f0, f1] = known else { return None };
        let is_hex = |bytes: &[u8]| bytes.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let version = [*v0, *v1];
        if !is_hex(&version) || version == *b"ff" || !is_hex(&[*f0, *f1]) {
            return None;
        }
        if !(more.is_empty() || version != *b"00" && more[0] == b'-') {
            return None;
        }
        let (trace, rest) = ids.split_at_checked(32)?;
        let [b'-', parent @ .., b'-'] = rest else { return None };
        let is_id = |id: &[u8]| is_hex(id) && id.iter().any(|byte| *byte != b'0');
        if !is_id(trace) || !is_id(parent) {
            return None;
        }
        Some(Self { trace: trace.try_into().ok()?, parent: parent.try_into().ok()? })
    }

    /// The whole trace's id.
    pub(crate) fn trace_id(&self) -> &str {
        std::str::from_utf8(&self.trace).unwrap_or_default()
    }

    /// The id of the caller's span.
    pub(crate) fn parent_id(&self) -> &str {
        std::str::from_utf8(&self.parent).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const PARENT: &str = "00f067aa0ba902b7";

    #[test]
    fn a_traceparent_is_taken_up_and_a_malformed_one_is_not() {
        for good in [
            format!("00-{TRACE}-{PARENT}-01"),
            format!("00-{TRACE}-{PARENT}-00"),
            format!("01-{TRACE}-{PARENT}-01"),
            format!("01-{TRACE}-{PARENT}-01-more"),
        ] {
            let found = TraceParent::parse(good.as_bytes()).unwrap();
            assert_eq!((found.trace_id(), found.parent_id()), (TRACE, PARENT), "{good}");
        }
        for bad in [
            String::new(),
            "00".to_owned(),
            format!("ff-{TRACE}-{PARENT}-01"),
            format!("00-{TRACE}-{PARENT}-01-more"),
            format!("01-{TRACE}-{PARENT}-01more"),
            format!("00-{TRACE}-{PARENT}-0g"),
            format!("00-{}-{PARENT}-01", TRACE.to_uppercase()),
            format!("00-{}-{PARENT}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00_{TRACE}-{PARENT}-01"),
            format!("00-{TRACE}_{PARENT}-01"),
            format!("00-{TRACE}-{PARENT}_01"),
        ] {
            assert_eq!(TraceParent::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            prop_assert!(TraceParent::parse(&bytes).is_none());
        }
    }
}
