//! e^x for the softmax, without branches, so that the compiler makes vectors of it.

/// e^x for x ≤ 0, within 2 ulp; 0 below −64, where it is less than 2e-28 of the row's highest, and further on would
/// make gradients subnormal, which are slow.
#[inline]
pub(super) fn exponential(x: f32) -> f32 {
    // e^x = 2ⁿ·e^r with n = x/ln 2, rounded: adding 1.5·2²³ leaves the nearest integer in the low mantissa bits.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts, the high one of 9 bits, so that n·high is exact (Cody & Waite 1980).
    const LN_2: [f32; 2] = [355.0 / 512.0, -2.121_944_4e-4];
    let limited = x.max(-64.0);
    let shifted = limited * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = limited - n * LN_2[0] - n * LN_2[1];
    // (e^r − 1 − r)/r² for |r| ≤ ln 2/2, as Cephes has it.
    let series = 1.987_569_1e-4 * r + 1.398_199_9e-3;
    let series = series * r + 8.333_452e-3;
    let series = series * r + 4.166_579_6e-2;
    let series = series * r + 1.666_666_5e-1;
    let series = series * r + 0.5;
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(1f32.to_bits()));
    let exponential = (series * (r * r) + r + 1.0) * power;
    if x < -64.0 { 0.0 } else { exponential }
}

#[cfg(test)]
mod tests {
    use super::exponential;

    #[test]
    fn an_exponential_is_within_two_ulp_from_minus_64_to_0() {
        let bits = (0..=64f32.to_bits()).step_by(61);
        for x in bits.map(|bits| -f32::from_bits(bits)) {
            let (found, expected) = (exponential(x), f64::from(x).exp());
            let power_of_two = f32::from_bits((expected as f32).to_bits() & 0x7f80_0000);
            let ulp = f64::from(power_of_two * f32::EPSILON);
            assert!((f64::from(found) - expected).abs() <= 2.0 * ulp, "e^{x}: {found}, expected {expected}");
        }
    }

    #[test]
    fn what_is_far_below_is_nothing() {
        for x in [-64.01, -1e3, -1e30, f32::MIN, f32::NEG_INFINITY] {
            assert_eq!(exponential(x), 0.0, "e^{x}");
        }
    }
}
