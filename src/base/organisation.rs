//! Codes of organisations (组织机构编码), as the records of both platforms carry them.

/// The signs of a unified social credit code, in the order of their values (GB 32100-2015 table 2): digits and capital
/// letters without I, O, S, V and Z.
const SIGNS: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";

/// How many values a sign can have.
const VALUES: usize = 31;

/// Whether this is a unified social credit code (统一社会信用代码, GB 32100-2015): 18 signs, the last of which checks the
/// others.
pub fn is_credit_code(code: &str) -> bool {
    let Some((body, check)) = code.split_at_checked(17) else { return false };
    let value = |sign: char| SIGNS.find(sign);
    let mut weight = 1;
    let mut sum = 0;
    for sign in body.chars() {
        let Some(value) = value(sign) else { return false };
        sum += value * weight;
        weight = weight * 3 % VALUES;
    }
    let mut rest = check.chars();
    match (rest.next().and_then(value), rest.next()) {
        (Some(check), None) => check == (VALUES - sum % VALUES) % VALUES,
        (_, Some(_)) | (None, _) => false,
    }
}

/// Whether this is the code of a police organ (公安机关机构代码): 12 digits.
pub fn is_police_code(code: &str) -> bool {
    code.len() == 12 && code.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_sign_of_a_credit_code_checks_the_others() {
        // The example of the standard, one with a letter at its end, and a made-up one of a government.
        for good in ["91350100M000100Y43", "91110000802100433B", "11650000000000000Q"] {
            assert!(is_credit_code(good), "{good}");
            for (at, sign) in good.char_indices() {
                let other = if sign == '0' { "1" } else { "0" };
                let mut changed = good.to_owned();
                changed.replace_range(at..=at, other);
                assert!(!is_credit_code(&changed), "{changed}");
            }
        }
        for odd in ["", "91350100M000100Y4", "91350100M000100Y433", "91350100m000100y43", "一一一一一一一一一"]
        {
            assert!(!is_credit_code(odd), "{odd}");
        }
    }

    #[test]
    fn a_police_code_is_twelve_digits() {
        assert!(is_police_code("370500000000"));
        for odd in ["", "37050000000", "3705000000000", "37050000000A", "３７０５００"] {
            assert!(!is_police_code(odd), "{odd}");
        }
    }
}
