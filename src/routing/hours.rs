//! Opening hours: on which days, from when to when.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::base::time::{LocalTime, Weekday, minute_of};

/// The most spans of one target: more is no opening hours but a calendar.
const MAX_SPANS: usize = 28;

/// When a target may be called, as the clock on the wall shows it. Written `"Mon-Fri 09:30-19:30"`, or several of these.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Hours(Vec<Span>);

/// One line of opening hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    first: Weekday,
    last: Weekday,
    /// Minutes of the day; `to` at or before `from` lies on the next day.
    from: u16,
    to: u16,
}

/// A text that says no opening hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no opening hours, such as \"Mon-Fri 09:30-19:30\" or \"Sat 22:00-06:00\" (days Mon Tue Wed Thu Fri Sat Sun)")]
pub struct BadHours;

impl Hours {
    /// Opening hours from their lines.
    pub fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<Self, BadHours> {
        let spans: Vec<Span> = lines.into_iter().map(Span::parse).collect::<Option<_>>().ok_or(BadHours)?;
        if spans.is_empty() || spans.len() > MAX_SPANS { Err(BadHours) } else { Ok(Self(spans)) }
    }

    /// Whether they are open.
    pub fn contains(&self, at: LocalTime) -> bool {
        self.0.iter().any(|span| span.contains(at))
    }
}

impl Span {
    fn parse(text: &str) -> Option<Self> {
        let (days, clock) = text.trim().split_once(' ')?;
        let (first, last) = days.split_once('-').unwrap_or((days, days));
        let (from, to) = clock.trim().split_once('-')?;
        let (from, to) = (minute_of(from).filter(|minute| *minute < 1_440)?, minute_of(to)?);
        // From a minute to the same minute could be a whole day or nothing: 00:00-24:00 says the first.
        (from != to).then_some(())?;
        Some(Self { first: Weekday::of_short(first)?, last: Weekday::of_short(last)?, from, to })
    }

    fn contains(&self, at: LocalTime) -> bool {
        if self.from < self.to {
            return self.has(at.weekday) && (self.from..self.to).contains(&at.minute);
        }
        // Over midnight: the night belongs to the day on which it begins.
        (self.has(at.weekday) && at.minute >= self.from) || (self.has(at.weekday.before()) && at.minute < self.to)
    }

    /// Whether a day lies between the first and the last, over the end of the week if need be (`Sat-Mon`).
    fn has(&self, day: Weekday) -> bool {
        if self.first <= self.last {
            (self.first..=self.last).contains(&day)
        } else {
            day >= self.first || day <= self.last
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.first.short())?;
        if self.first != self.last {
            write!(f, "-{}", self.last.short())?;
        }
        let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        write!(f, " {}-{}", clock(self.from), clock(self.to))
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, span) in self.0.iter().enumerate() {
            write!(f, "{}{span}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl FromStr for Hours {
    type Err = BadHours;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse([text])
    }
}

/// Opening hours as they are written: one line, or several.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    One(String),
    Several(Vec<String>),
}

impl TryFrom<Written> for Hours {
    type Error = BadHours;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        match written {
            Written::One(line) => Self::parse([line.as_str()]),
            Written::Several(lines) => Self::parse(lines.iter().map(String::as_str)),
        }
    }
}

impl From<Hours> for Written {
    fn from(hours: Hours) -> Self {
        match hours.0.as_slice() {
            [one] => Self::One(one.to_string()),
            several => Self::Several(several.iter().map(Span::to_string).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(hours: &str, at: &str) -> bool {
        hours.parse::<Hours>().unwrap().contains(at.parse().unwrap())
    }

    #[test]
    fn hours_hold_from_their_first_minute_to_before_their_last() {
        for (hours, at, is_open) in [
            ("Mon-Fri 09:30-19:30", "Mon 09:30", true),
            ("Mon-Fri 09:30-19:30", "Fri 19:29", true),
            ("Mon-Fri 09:30-19:30", "Fri 19:30", false),
            ("Mon-Fri 09:30-19:30", "Mon 09:29", false),
            ("Mon-Fri 09:30-19:30", "Sat 12:00", false),
            ("Sat 00:00-24:00", "Sat 23:59", true),
            ("Sat 00:00-24:00", "Sun 00:00", false),
            ("Sat-Mon 08:00-09:00", "Sun 08:30", true),
            ("Sat-Mon 08:00-09:00", "Tue 08:30", false),
        ] {
            assert_eq!(open(hours, at), is_open, "{hours} at {at}");
        }
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins() {
        for (at, is_open) in [
            ("Fri 22:00", true),
            ("Sat 05:59", true),
            ("Sat 06:00", false),
            ("Sat 22:30", false),
            ("Fri 05:00", true),
            ("Mon 05:00", false),
            ("Mon 22:00", true),
            ("Mon 21:59", false),
        ] {
            assert_eq!(open("Mon-Fri 22:00-06:00", at), is_open, "{at}");
        }
        assert!(open("Sun 22:00-06:00", "Mon 05:00"), "over the end of the week");
    }

    #[test]
    fn hours_are_read_as_they_are_written() {
        #[derive(Serialize, Deserialize)]
        struct Row {
            hours: Hours,
        }
        for text in ["hours = \"Mon-Fri 09:30-19:30\"\n", "hours = [\"Mon 22:00-06:00\", \"Sat-Sun 00:00-24:00\"]\n"] {
            let row: Row = toml::from_str(text).unwrap();
            assert_eq!(toml::to_string(&row).unwrap(), text);
        }
        for bad in [
            "",
            "Mon",
            "09:00-10:00",
            "Mon 09:00",
            "Mon 9:00-10:00",
            "Mon 09:00-09:00",
            "Mon 24:00-10:00",
            "Mo 09:00-10:00",
            "Mon-Fri-Sat 09:00-10:00",
            "Mon 09:00-25:00",
        ] {
            assert_eq!(bad.parse::<Hours>(), Err(BadHours), "{bad}");
        }
        assert_eq!(Hours::parse([]), Err(BadHours));
    }
}
