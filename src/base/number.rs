//! A telephone number as one value, however a network writes it: the forms of Chinese networks and the world's.
//!
//! Carriers write the same citizen as `13800001111`, `013800001111`, `+8613800001111` or `008613800001111`. Two
//! spellings of one number are equal here, and each can be written again in the form that a peer wants.
//!
//! What could be two numbers stays as it is: `86755110` over a trunk of 0755 is a local number and not the 110 of 0755,
//! which is `0755110` or `+86755110`; `0998110` is the short code of another place; seven or eight digits without an
//! area code are local to somewhere; `0110`, `12800001111` and `00` are nothing that a network gives out.

use serde::{Deserialize, Serialize};

use super::pii::Pii;

/// The longest text that is looked at: E.164 has 15 digits, the rest is prefixes and punctuation.
const MAX_TEXT: usize = 64;

/// The numbers of the emergency services: police, fire, ambulance, traffic police. Lists made elsewhere leave 122 out.
pub const EMERGENCY: [&str; 4] = ["110", "119", "120", "122"];

/// A number, normalised. Never fails to exist: what is no number is kept as what it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Number {
    form: Form,
    /// National digits without trunk prefix, or all digits, or the text; see [`Form`].
    digits: Pii,
}

/// What kind of number it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Form {
    /// Eleven digits, 13x to 19x.
    Mobile,
    /// Area code (区号) without its 0, and seven or eight digits.
    Fixed,
    /// Seven or eight digits whose area code nobody told us.
    Local,
    /// 400 and 800 numbers: ten digits, the same from everywhere.
    Service,
    /// 110, 12345, 95xxx, 96xxx ..: never with a country code.
    Short,
    /// Fifteen digits from 700: an intermediate number that stands for another (工信部 trial of 2025-07).
    Intermediate,
    /// Country code and number of another country.
    International,
    /// The caller's number is withheld, or unknown to the network.
    Withheld,
    /// Anything else, kept as text.
    Odd,
}

impl Number {
    /// Reads a number. `area` is the area code of the trunk, with or without its 0, for numbers written locally.
    pub fn parse(text: &str, area: Option<&str>) -> Self {
        let text: String = text.trim().chars().take(MAX_TEXT).collect();
        // RFC 3966 5.1.1: visual separators mean nothing.
        let bare: String = text.chars().filter(|c| !matches!(c, '-' | '.' | '(' | ')' | ' ')).collect();
        let digits = bare.strip_prefix('+').unwrap_or(&bare);
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Self::of_digits(&bare, area).unwrap_or_else(|| Self::new(Form::Odd, bare));
        }
        let withheld = ["", "anonymous", "unknown", "unavailable", "restricted", "private", "withheld"];
        match withheld.iter().any(|word| bare.eq_ignore_ascii_case(word)) {
            true => Self::new(Form::Withheld, ""),
            false => Self::new(Form::Odd, text),
        }
    }

    /// What kind it is.
    pub const fn form(&self) -> Form {
        self.form
    }

    /// With country code: `+8613800001111`, `+8675512345678`; short and service numbers stay bare. Empty if withheld.
    pub fn international(&self) -> Pii {
        let digits = self.digits.reveal();
        match self.form {
            Form::Mobile | Form::Fixed | Form::Intermediate => Pii::new(format!("+86{digits}")),
            Form::International => Pii::new(format!("+{digits}")),
            Form::Local | Form::Service | Form::Short | Form::Withheld | Form::Odd => self.digits.clone(),
        }
    }

    /// As dialled within the country: `13800001111`, `075512345678`, `00442012345678`. Empty if withheld.
    pub fn national(&self) -> Pii {
        let digits = self.digits.reveal();
        match self.form {
            Form::Fixed => Pii::new(format!("0{digits}")),
            Form::International => Pii::new(format!("00{digits}")),
            Form::Mobile
            | Form::Local
            | Form::Service
            | Form::Short
            | Form::Intermediate
            | Form::Withheld
            | Form::Odd => self.digits.clone(),
        }
    }

    fn new(form: Form, digits: impl Into<String>) -> Self {
        Self { form, digits: Pii::new(digits) }
    }

    fn of_digits(text: &str, area: Option<&str>) -> Option<Self> {
        if let Some(abroad) = text.strip_prefix('+').or_else(|| text.strip_prefix("00")) {
            return match abroad.strip_prefix("86") {
                Some(home) => Self::of_home(home, area),
                None => (7..=15).contains(&abroad.len()).then(|| Self::new(Form::International, abroad)),
            };
        }
        if let Some(trunk) = text.strip_prefix('0') {
            return Self::of_national(trunk).or_else(|| Self::of_short(trunk, area));
        }
        // 86 without a plus is a country code only if a whole national number follows; 86xxxxxx is a local number.
        let home = text.strip_prefix("86").and_then(Self::of_national);
        home.or_else(|| is_mobile(text).then(|| Self::new(Form::Mobile, text)))
            .or_else(|| Self::of_anywhere(text))
            .or_else(|| Self::of_local(text, area))
    }

    /// What follows the country code. Some networks leave the 0 of the area code in: `+86 0755 ..`.
    fn of_home(digits: &str, area: Option<&str>) -> Option<Self> {
        let national = digits.strip_prefix('0').unwrap_or(digits);
        Self::of_national(national).or_else(|| Self::of_anywhere(digits)).or_else(|| Self::of_short(national, area))
    }

    /// A short code with the trunk's own area code before it: `898110` over a trunk of 0898 is 110. With another area
    /// code it is the short code of another place, and stays as it is.
    fn of_short(digits: &str, area: Option<&str>) -> Option<Self> {
        let area = area.map(|area| area.trim_start_matches('0')).filter(|area| !area.is_empty())?;
        let number = Self::of_anywhere(digits.strip_prefix(area)?)?;
        match number.form {
            Form::Short => Some(number),
            Form::Mobile
            | Form::Fixed
            | Form::Local
            | Form::Service
            | Form::Intermediate
            | Form::International
            | Form::Withheld
            | Form::Odd => None,
        }
    }

    /// A national number without its 0: a mobile, or area code and number.
    fn of_national(digits: &str) -> Option<Self> {
        // 10 and 2x are the area codes of two digits, all others have three.
        let area = if digits.starts_with("10") || digits.starts_with('2') { 2 } else { 3 };
        let fixed = !digits.starts_with('0') && (digits.len() == area + 7 || digits.len() == area + 8);
        let service = digits.starts_with("400") || digits.starts_with("800");
        let one = digits.starts_with('1') && !digits.starts_with("10");
        if is_mobile(digits) {
            return Some(Self::new(Form::Mobile, digits));
        }
        (fixed && !service && !one).then(|| Self::new(Form::Fixed, digits))
    }

    /// Numbers that are the same from everywhere.
    fn of_anywhere(digits: &str) -> Option<Self> {
        let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| digits.starts_with(prefix));
        let form = match digits.len() {
            10 if starts(&["400", "800"]) => Form::Service,
            15 if starts(&["700"]) => Form::Intermediate,
            3..=6 if starts(&["1"]) => Form::Short,
            5..=8 if starts(&["95"]) => Form::Short,
            5..=6 if starts(&["96"]) => Form::Short,
            _ => return None,
        };
        Some(Self::new(form, digits))
    }

    fn of_local(digits: &str, area: Option<&str>) -> Option<Self> {
        if !(7..=8).contains(&digits.len()) || digits.starts_with(['0', '1', '9']) {
            return None;
        }
        match area {
            Some(area) => Self::of_national(&format!("{}{digits}", area.trim_start_matches('0'))),
            None => Some(Self::new(Form::Local, digits)),
        }
    }
}

fn is_mobile(digits: &str) -> bool {
    digits.len() == 11 && matches!(digits.as_bytes(), [b'1', b'3'..=b'9', ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_that_networks_write_is_understood() {
        let shenzhen = Some("0755");
        for (text, area, form, international, national) in [
            ("13800001111", None, Form::Mobile, "+8613800001111", "13800001111"),
            ("013800001111", None, Form::Mobile, "+8613800001111", "13800001111"),
            ("+8613800001111", None, Form::Mobile, "+8613800001111", "13800001111"),
            ("8613800001111", None, Form::Mobile, "+8613800001111", "13800001111"),
            ("008613800001111", None, Form::Mobile, "+8613800001111", "13800001111"),
            ("+86 138-0000-1111", None, Form::Mobile, "+8613800001111", "13800001111"),
            ("19900001111", None, Form::Mobile, "+8619900001111", "19900001111"),
            ("075512345678", None, Form::Fixed, "+8675512345678", "075512345678"),
            ("+8675512345678", None, Form::Fixed, "+8675512345678", "075512345678"),
            ("8675512345678", None, Form::Fixed, "+8675512345678", "075512345678"),
            ("(0898)6123456", None, Form::Fixed, "+868986123456", "08986123456"),
            ("01062345678", None, Form::Fixed, "+861062345678", "01062345678"),
            ("+861062345678", None, Form::Fixed, "+861062345678", "01062345678"),
            ("+862161234567", None, Form::Fixed, "+862161234567", "02161234567"),
            ("26001234", shenzhen, Form::Fixed, "+8675526001234", "075526001234"),
            ("26001234", Some("755"), Form::Fixed, "+8675526001234", "075526001234"),
            ("86001234", shenzhen, Form::Fixed, "+8675586001234", "075586001234"),
            ("6123456", None, Form::Local, "6123456", "6123456"),
            ("110", shenzhen, Form::Short, "110", "110"),
            ("+86110", None, Form::Short, "110", "110"),
            ("0755110", shenzhen, Form::Short, "110", "110"),
            ("+86755110", shenzhen, Form::Short, "110", "110"),
            ("+860755110", shenzhen, Form::Short, "110", "110"),
            ("0086755110", shenzhen, Form::Short, "110", "110"),
            ("075512345", shenzhen, Form::Short, "12345", "12345"),
            ("+86 0755 12345678", None, Form::Fixed, "+8675512345678", "075512345678"),
            // Of another place, or of no place: it stays as it is.
            ("0998110", shenzhen, Form::Odd, "0998110", "0998110"),
            ("0755110", None, Form::Odd, "0755110", "0755110"),
            ("86755110", shenzhen, Form::Fixed, "+8675586755110", "075586755110"),
            ("119", None, Form::Short, "119", "119"),
            ("120", None, Form::Short, "120", "120"),
            ("122", None, Form::Short, "122", "122"),
            ("755110", shenzhen, Form::Odd, "755110", "755110"),
            ("12345", None, Form::Short, "12345", "12345"),
            ("12333", None, Form::Short, "12333", "12333"),
            ("96110", None, Form::Short, "96110", "96110"),
            ("95588", None, Form::Short, "95588", "95588"),
            ("95105105", None, Form::Short, "95105105", "95105105"),
            ("10086", None, Form::Short, "10086", "10086"),
            ("4008123456", None, Form::Service, "4008123456", "4008123456"),
            ("+868008123456", None, Form::Service, "8008123456", "8008123456"),
            ("700123456789012", None, Form::Intermediate, "+86700123456789012", "700123456789012"),
            ("0044201234567", None, Form::International, "+44201234567", "0044201234567"),
            ("+852 2123 4567", None, Form::International, "+85221234567", "0085221234567"),
            ("anonymous", None, Form::Withheld, "", ""),
            ("Unknown", None, Form::Withheld, "", ""),
            ("", None, Form::Withheld, "", ""),
            ("zhang-san", None, Form::Odd, "zhang-san", "zhang-san"),
            ("+", None, Form::Odd, "+", "+"),
            ("12800001111", None, Form::Odd, "12800001111", "12800001111"),
            ("00", None, Form::Odd, "00", "00"),
            ("0110", None, Form::Odd, "0110", "0110"),
        ] {
            let number = Number::parse(text, area);
            assert_eq!(number.form(), form, "{text}");
            assert_eq!(number.international().reveal(), international, "{text}");
            assert_eq!(number.national().reveal(), national, "{text}");
        }
    }

    #[test]
    fn spellings_of_one_number_are_equal_and_masked() {
        let number = Number::parse("013800001111", None);
        assert_eq!(number, Number::parse("+86-138-0000-1111", Some("021")));
        assert!(!format!("{number:?}").contains("0000"), "{number:?}");
    }

    #[test]
    fn no_text_breaks_it() {
        for text in ["\u{0}", "1".repeat(1 << 20).as_str(), "+".repeat(99).as_str(), "一一〇", "0", "86", "0086", "+86"]
        {
            let number = Number::parse(text, Some(""));
            assert!(number.national().reveal().chars().count() <= MAX_TEXT, "{text}");
        }
    }
}
