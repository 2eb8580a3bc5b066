//! The two tags of the policy documents, letter for letter.

/// The tag on a 12345 work order whose matter was handed to 110.
pub const TRANSFERRED_TO_110: &str = "已转110受理";

/// The tag on a 110 record whose matter was handed to 12345.
pub const TRANSFERRED_TO_12345: &str = "已转12345热线受理";

/// The text for a hotline for which nothing else is configured.
pub fn usual(hotline: &str) -> String {
    prescribed(hotline).map_or_else(|| format!("已转{hotline}受理"), str::to_owned)
}

/// The text that the policy prescribes for what was handed to that hotline; `None` where it prescribes nothing.
pub fn prescribed(hotline: &str) -> Option<&'static str> {
    match hotline {
        "110" => Some(TRANSFERRED_TO_110),
        "12345" => Some(TRANSFERRED_TO_12345),
        _ => None,
    }
}
