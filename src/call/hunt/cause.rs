//! What a failure of a callee means for the hunt: whose fault it is decides where it goes on (trap T36, F8).

use crate::sip::fact::Failure;

/// Where a hunt goes on after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Further {
    /// The way to the callee failed, not the callee: another gateway to the same callee.
    Gateway,
    /// The callee has said no: it is not rung again in this round, over whatever trunk.
    OtherCallee,
    /// This trunk cannot serve the number: no other gateway of it will, but another trunk may.
    OtherStep,
}

impl Further {
    /// After a final response to our INVITE, a time-out, or a transport failure.
    pub(super) fn after(failure: &Failure) -> Self {
        match failure.cause.q850 {
            // ITU-T Q.850: no circuit, network out of order, temporary failure, congestion, circuit not available,
            // resources unavailable. They outweigh the status: gateways map them to anything from 480 to 503.
            Some(34 | 38 | 41 | 42 | 44 | 47) => return Self::Gateway,
            // User busy: some gateways say so in a 480 or 500.
            Some(17) => return Self::OtherCallee,
            Some(_) | None => {}
        }
        match failure.code {
            // 408 is a time-out, ours or a proxy's; 430 a lost flow (RFC 5626 11.6). 488, 415 and 606 are a gateway's
            // own idea of codecs: its neighbour may have another.
            408 | 415 | 430 | 488 | 606 => Self::Gateway,
            486 | 600 | 603 | 607 | 608 => Self::OtherCallee,
            500..=599 => Self::Gateway,
            // 480 nobody there, 404, 410, 484, 604 no such number, 401, 403, 407 not for us, 3xx a redirection that is
            // never followed (V20), and whatever else: the neighbour gateway has the same numbers and the same rules.
            _ => Self::OtherStep,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::fact::Cause;

    fn after(code: u16, q850: Option<u8>) -> Further {
        Further::after(&Failure { code, cause: Cause { sip: Some(code), q850 }, retry_after: None })
    }

    #[test]
    fn each_cause_goes_on_where_it_should() {
        for code in [408, 415, 430, 488, 500, 502, 503, 504, 513, 580, 606] {
            assert_eq!(after(code, None), Further::Gateway, "{code}");
        }
        for code in [486, 600, 603, 607, 608] {
            assert_eq!(after(code, None), Further::OtherCallee, "{code}");
        }
        for code in [300, 302, 401, 403, 404, 407, 410, 480, 482, 483, 484, 487, 604] {
            assert_eq!(after(code, None), Further::OtherStep, "{code}");
        }
    }

    #[test]
    fn congestion_by_q850_outweighs_every_status() {
        for q850 in [34, 38, 41, 42, 44, 47] {
            for code in [404, 480, 486, 500, 503, 600, 603] {
                assert_eq!(after(code, Some(q850)), Further::Gateway, "{code} with Q.850 {q850}");
            }
        }
        assert_eq!(after(500, Some(17)), Further::OtherCallee);
        assert_eq!(after(503, Some(16)), Further::Gateway);
    }
}
