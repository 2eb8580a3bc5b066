//! Our own instant: nanoseconds since the start of the daemon's time line.
//!
//! `std::time::Instant` cannot be serialised or stepped by a test; only `engine::clock` converts from the system.

use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::calendar::Moment;

/// A point on the daemon's monotonic time line, in nanoseconds since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Instant(u64);

impl Instant {
    /// The start of the time line.
    pub const START: Self = Self(0);

    /// The instant `nanoseconds` after the start.
    pub const fn from_nanos(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// Nanoseconds since the start.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Time since `earlier`; zero if `earlier` lies in the future.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// Saturates at the end of the time line (584 years), so that no peer's number can wrap it.
    fn add(self, span: Duration) -> Self {
        let nanoseconds = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanoseconds))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, span: Duration) {
        *self = *self + span;
    }
}

impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

/// A day of the week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Weekday {
    /// 星期一, where the week begins (ISO 8601).
    #[default]
    Monday,
    /// 星期二
    Tuesday,
    /// 星期三
    Wednesday,
    /// 星期四
    Thursday,
    /// 星期五
    Friday,
    /// 星期六
    Saturday,
    /// 星期日
    Sunday,
}

impl Weekday {
    /// All of them, in the order of ISO 8601.
    pub const ALL: [Self; 7] =
        [Self::Monday, Self::Tuesday, Self::Wednesday, Self::Thursday, Self::Friday, Self::Saturday, Self::Sunday];

    /// The three letters that stand for it in configuration and on the command line.
    pub const fn short(self) -> &'static str {
        match self {
            Self::Monday => "Mon",
            Self::Tuesday => "Tue",
            Self::Wednesday => "Wed",
            Self::Thursday => "Thu",
            Self::Friday => "Fri",
            Self::Saturday => "Sat",
            Self::Sunday => "Sun",
        }
    }

    /// The day that the three letters stand for, in any case.
    pub fn of_short(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|day| day.short().eq_ignore_ascii_case(text))
    }

    /// The day before.
    pub const fn before(self) -> Self {
        match self {
            Self::Monday => Self::Sunday,
            Self::Tuesday => Self::Monday,
            Self::Wednesday => Self::Tuesday,
            Self::Thursday => Self::Wednesday,
            Self::Friday => Self::Thursday,
            Self::Saturday => Self::Friday,
            Self::Sunday => Self::Saturday,
        }
    }
}

/// What the clock on the wall showed at an instant: turns instants into what people read. A jump of the wall clock gives
/// a new one and moves no instant (F21).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WallClock {
    /// The instant.
    pub at: Instant,
    /// Milliseconds since 1970-01-01 00:00 UTC.
    pub unix_ms: u64,
}

impl WallClock {
    /// What it shows, or showed, at an instant.
    pub fn moment(self, instant: Instant) -> Moment {
        let milliseconds = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let ahead = milliseconds(instant.since(self.at));
        let behind = milliseconds(self.at.since(instant));
        Moment { unix_ms: self.unix_ms.saturating_add(ahead).saturating_sub(behind) }
    }

    /// The moment of the week at that instant.
    pub fn local_time(self) -> LocalTime {
        LocalTime::of_unix(self.unix_ms / 1_000)
    }
}

/// A moment of the week as the clock on the wall shows it: what opening hours are compared with. Beijing time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LocalTime {
    /// The day.
    pub weekday: Weekday,
    /// The minute of the day, 0 to 1439.
    pub minute: u16,
}

impl LocalTime {
    /// Beijing time is eight hours ahead of UTC all the year round.
    const AHEAD_S: u64 = 8 * 3_600;

    /// The moment of the week at `seconds` after 1970-01-01 00:00 UTC.
    pub const fn of_unix(seconds: u64) -> Self {
        let seconds = seconds.saturating_add(Self::AHEAD_S);
        // 1970-01-01 was a Thursday.
        let weekday = match (seconds / 86_400) % 7 {
            0 => Weekday::Thursday,
            1 => Weekday::Friday,
            2 => Weekday::Saturday,
            3 => Weekday::Sunday,
            4 => Weekday::Monday,
            5 => Weekday::Tuesday,
            _ => Weekday::Wednesday,
        };
        // At most 1439.
        Self { weekday, minute: ((seconds % 86_400) / 60) as u16 }
    }
}

impl std::str::FromStr for LocalTime {
    type Err = BadLocalTime;

    /// Reads `Mon 03:00`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (day, clock) = text.trim().split_once(' ').ok_or(BadLocalTime)?;
        let weekday = Weekday::of_short(day).ok_or(BadLocalTime)?;
        let minute = minute_of(clock.trim()).filter(|minute| *minute < 1_440).ok_or(BadLocalTime)?;
        Ok(Self { weekday, minute })
    }
}

impl std::fmt::Display for LocalTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:02}:{:02}", self.weekday.short(), self.minute / 60, self.minute % 60)
    }
}

/// A text that is no moment of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a moment of the week, such as \"Mon 03:00\"")]
pub struct BadLocalTime;

/// The minutes of `HH:MM`, 00:00 to 24:00.
pub fn minute_of(clock: &str) -> Option<u16> {
    let (hours, minutes) = clock.split_once(':')?;
    let number = |text: &str| {
        let plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        if plain { text.parse::<u16>().ok() } else { None }
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (minutes < 60 && (hours < 24 || (hours == 24 && minutes == 0))).then_some(hours * 60 + minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moment_of_the_week_is_beijing_time() {
        // 2026-11-22 was a Sunday.
        assert_eq!(LocalTime::of_unix(1_795_305_600).to_string(), "Sun 08:00");
        assert_eq!(LocalTime::of_unix(1_795_305_600 - 8 * 3_600 - 1).to_string(), "Sat 23:59");
        assert_eq!(LocalTime::of_unix(0).to_string(), "Thu 08:00");
    }

    #[test]
    fn a_moment_is_read_as_it_is_written() {
        for text in ["Mon 03:00", "Sun 23:59", "Fri 00:00"] {
            assert_eq!(text.parse::<LocalTime>().unwrap().to_string(), text);
        }
        for bad in ["", "Mon", "Mon 24:00", "Mon 3:00", "Mon 03:60", "Moon 03:00", "03:00", "Mon +1:00", "Mon 03:00x"] {
            assert_eq!(bad.parse::<LocalTime>(), Err(BadLocalTime), "{bad}");
        }
    }
}
