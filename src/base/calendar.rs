//! Wall time for readers: RFC 3339 with the zone of the whole country, written out.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Beijing time, all year round.
const ZONE_S: u64 = 8 * 3_600;

/// A moment by the wall clock, in milliseconds since 1970; written as RFC 3339.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment {
    /// Milliseconds since 1970-01-01 00:00 UTC.
    pub unix_ms: u64,
}

/// A text that is no moment of RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a time such as \"2026-11-22T10:47:40.123+08:00\"")]
pub struct BadMoment;

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&rfc3339(Duration::from_millis(self.unix_ms)))
    }
}

impl FromStr for Moment {
    type Err = BadMoment;

    /// Reads RFC 3339 with any zone, from 1970 on. A leap second is the second after it.
    fn from_str(text: &str) -> Result<Self, BadMoment> {
        read(text).map(|unix_ms| Self { unix_ms }).ok_or(BadMoment)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// `2026-11-22T10:47:40.123+08:00` of a time since 1970.
pub fn rfc3339(since_1970: Duration) -> String {
    let seconds = since_1970.as_secs().saturating_add(ZONE_S);
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    let millis = since_1970.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}+08:00")
}

/// Year, month and day of a number of days since 1970 in the Gregorian calendar, counted in eras of 400 years that
/// begin on 1 March, so that the leap day is the last of its year.
const fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// Days since 1970 of a day of the Gregorian calendar: [`civil`] the other way round.
const fn days_of(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    era * 146_097 + of_era - 719_468
}

fn read(text: &str) -> Option<u64> {
    let (date, rest) = text.split_at_checked(10)?;
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (clock, rest) = rest.split_at_checked(8)?;
    let number = |text: &str, from: usize, to: usize| {
        let digits = text.get(from..to)?;
        if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse::<u64>().ok() } else { None }
    };
    let (year, month, day) = (number(date, 0, 4)?, number(date, 5, 7)?, number(date, 8, 10)?);
    let (hour, minute, second) = (number(clock, 0, 2)?, number(clock, 3, 5)?, number(clock, 6, 8)?);
    let marks = [date.get(4..5)?, date.get(7..8)?, clock.get(2..3)?, clock.get(5..6)?];
    if marks != ["-", "-", ":", ":"]
        || year < 1_970
        || civil(days_of(year, month.clamp(1, 12), day.max(1))) != (year, month, day)
    {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let zone = rest.trim_start_matches(|letter: char| letter == '.' || letter.is_ascii_digit());
    let fraction = rest.get(..rest.len() - zone.len())?;
    let thousandths = match fraction.strip_prefix('.') {
        Some(digits) if !digits.is_empty() && !digits.contains('.') => number(&format!("{digits:0<3}"), 0, 3)?,
        None if fraction.is_empty() => 0,
        Some(_) | None => return None,
    };
    let seconds = days_of(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    let seconds = match zone.split_at_checked(1)? {
        ("Z" | "z", "") => seconds,
        (sign @ ("+" | "-"), offset) if offset.len() == 5 && offset.get(2..3) == Some(":") => {
            let ahead = number(offset, 0, 2)? * 3_600 + number(offset, 3, 5)? * 60;
            if sign == "+" { seconds.checked_sub(ahead)? } else { seconds + ahead }
        }
        _ => return None,
    };
    Some(seconds * 1_000 + thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_as_it_is_written_in_whatever_zone() {
        for unix_ms in [0, 1, 951_753_600_007, 1_798_732_799_999, 4_107_513_600_000] {
            assert_eq!(Moment { unix_ms }.to_string().parse(), Ok(Moment { unix_ms }));
        }
        for same in ["2026-11-22T02:47:40Z", "2026-11-22t10:47:40.000999+08:00", "2026-11-21 21:17:40-05:30"] {
            assert_eq!(same.parse(), Ok(Moment { unix_ms: 1_795_315_660_000 }), "{same}");
        }
        for odd in ["", "2026-11-22", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z"] {
            assert_eq!(odd.parse::<Moment>(), Err(BadMoment), "{odd}");
        }
        for odd in ["2026-11-22T24:00:00Z", "2026-11-22T10:47:40", "2026-11-22T10:47:40.+08:00", "1969-12-31T23:59:59Z"]
        {
            assert_eq!(odd.parse::<Moment>(), Err(BadMoment), "{odd}");
        }
        for odd in ["2026-11-22T10:47:40+8:00", "1970-01-01T00:00:00+08:00", "二〇二六-11-22T10:47:40Z"] {
            assert_eq!(odd.parse::<Moment>(), Err(BadMoment), "{odd}");
        }
    }

    #[test]
    fn leap_days_year_ends_and_the_zone() {
        let at = |seconds: u64, ms| rfc3339(Duration::from_millis(seconds * 1_000 + ms));
        assert_eq!(at(0, 0), "1970-01-01T08:00:00.000+08:00");
        assert_eq!(at(951_753_600, 7), "2000-02-29T00:00:00.007+08:00");
        assert_eq!(at(1_798_732_799, 999), "2026-12-31T23:59:59.999+08:00");
        assert_eq!(at(1_798_732_800, 0), "2027-01-01T00:00:00.000+08:00");
        assert_eq!(at(4_107_513_600, 0), "2100-03-01T00:00:00.000+08:00");
    }
}
