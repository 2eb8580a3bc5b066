//! G.711: A-law and mu-law, and the direct way from one to the other.

/// The A-law code of silence.
pub const SILENCE_PCMA: u8 = 0xd5;

/// The mu-law code of silence.
pub const SILENCE_PCMU: u8 = 0xff;

/// Linear value of each A-law code.
pub const PCMA_TO_LINEAR: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = decode_pcma(code as u8);
        code += 1;
    }
    table
};

/// Linear value of each mu-law code.
pub const PCMU_TO_LINEAR: [i16; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = decode_pcmu(code as u8);
        code += 1;
    }
    table
};

/// The mu-law code nearest to each A-law code.
pub const PCMA_TO_PCMU: [u8; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = encode_pcmu(PCMA_TO_LINEAR[code]);
        code += 1;
    }
    table
};

/// The A-law code nearest to each mu-law code.
pub const PCMU_TO_PCMA: [u8; 256] = {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = encode_pcma(PCMU_TO_LINEAR[code]);
        code += 1;
    }
    table
};

/// One 16-bit sample as A-law (ITU-T G.711 table 1): sign, three bits of exponent, four of mantissa, even bits inverted.
pub const fn encode_pcma(sample: i16) -> u8 {
    let (sign, magnitude) = if sample >= 0 { (0x80, sample) } else { (0, !sample) };
    let magnitude = (magnitude >> 3) as u16;
    // Below 64 the two lowest segments are one straight line.
    let code = if magnitude < 64 {
        magnitude >> 1
    } else {
        let exponent = magnitude.ilog2() - 4;
        ((exponent as u16) << 4) | ((magnitude >> exponent) & 0x0f)
    };
    (sign | code as u8) ^ 0x55
}

/// One 16-bit sample as mu-law (ITU-T G.711 table 2): biased by 132, all bits inverted.
pub const fn encode_pcmu(sample: i16) -> u8 {
    const BIAS: u16 = 132;
    const CLIP: u16 = 32_635;
    let (sign, magnitude) = if sample >= 0 { (0, sample) } else { (0x80, !sample) };
    let magnitude = if magnitude as u16 > CLIP { CLIP } else { magnitude as u16 } + BIAS;
    let exponent = magnitude.ilog2() - 7;
    let mantissa = (magnitude >> (exponent + 3)) & 0x0f;
    !(sign | ((exponent as u8) << 4) | mantissa as u8)
}

const fn decode_pcma(code: u8) -> i16 {
    let code = code ^ 0x55;
    let exponent = (code >> 4) & 0x07;
    let step = (((code & 0x0f) as i16) << 4) + 8;
    let magnitude = if exponent == 0 { step } else { (step + 0x100) << (exponent - 1) };
    if code & 0x80 == 0 { -magnitude } else { magnitude }
}

const fn decode_pcmu(code: u8) -> i16 {
    let code = !code;
    let exponent = (code >> 4) & 0x07;
    let magnitude = (((((code & 0x0f) as i16) << 3) + 132) << exponent) - 132;
    if code & 0x80 == 0 { magnitude } else { -magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_laws_agree_with_an_independent_codec() {
        for code in 0..=u8::MAX {
            assert_eq!(PCMA_TO_LINEAR[usize::from(code)], audio_codec_algorithms::decode_alaw(code), "A-law {code:#x}");
            assert_eq!(
                PCMU_TO_LINEAR[usize::from(code)],
                audio_codec_algorithms::decode_ulaw(code),
                "mu-law {code:#x}"
            );
        }
        for sample in i16::MIN..=i16::MAX {
            assert_eq!(encode_pcma(sample), audio_codec_algorithms::encode_alaw(sample), "A-law of {sample}");
            assert_eq!(encode_pcmu(sample), audio_codec_algorithms::encode_ulaw(sample), "mu-law of {sample}");
        }
    }

    #[test]
    fn a_code_survives_decoding_and_encoding() {
        for code in 0..=u8::MAX {
            assert_eq!(encode_pcma(PCMA_TO_LINEAR[usize::from(code)]), code);
            let back = encode_pcmu(PCMU_TO_LINEAR[usize::from(code)]);
            // Mu-law has two zeros; the negative one comes back as the positive one.
            assert!(back == code || (code, back) == (0x7f, 0xff), "{code:#x} came back as {back:#x}");
        }
    }

    #[test]
    fn a_change_of_law_moves_a_sample_by_less_than_one_step() {
        for code in 0..=255_usize {
            let (before, after) = (PCMA_TO_LINEAR[code], PCMU_TO_LINEAR[usize::from(PCMA_TO_PCMU[code])]);
            let step = (f64::from(before).abs() / 16.0).max(16.0);
            assert!((f64::from(before) - f64::from(after)).abs() <= step, "{code:#x}: {before} became {after}");
            let (before, after) = (PCMU_TO_LINEAR[code], PCMA_TO_LINEAR[usize::from(PCMU_TO_PCMA[code])]);
            assert!((f64::from(before) - f64::from(after)).abs() <= step, "{code:#x}: {before} became {after}");
        }
    }

    #[test]
    fn silence_is_quiet() {
        assert!(PCMA_TO_LINEAR[usize::from(SILENCE_PCMA)].abs() <= 8);
        assert_eq!(PCMU_TO_LINEAR[usize::from(SILENCE_PCMU)], 0);
    }
}
