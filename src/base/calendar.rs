//! Wall time for readers: RFC 3339 with the zone of the whole country, written out.

use std::time::Duration;

/// Beijing time, all year round.
const ZONE_S: u64 = 8 * 3_600;

/// `2026-11-22T10:47:40.123+08:00` of a time since 1970.
pub(super) fn rfc3339(since_1970: Duration) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

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
