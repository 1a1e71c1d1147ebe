//! Arithmetic whose result is the same bit pattern on every machine.
//!
//! Only +, -, *, / and bit operations are used: IEEE 754 fixes their results, while `exp` and `ln` of a system's
//! maths library differ between versions and processors, and nodes must agree on the hash of their result.

/// A small generator with a fixed algorithm (SplitMix64), because a library's may change between versions.
pub struct Random(u64);

impl Random {
    /// A stream that depends on `seed` alone.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in [0, bound); the bias of at most bound / 2^64 is of no consequence here.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// A number in [-1, 1) with 24 significant bits, so that it is exact in `f32`.
    pub fn signed_unit(&mut self) -> f32 {
        let steps = (self.next() >> 39) as i32 - (1 << 24);
        steps as f32 / (1 << 24) as f32
    }

    /// Fisher-Yates.
    pub fn shuffle(&mut self, items: &mut [usize]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

const LN_2_HIGH: f64 = 0.693_147_180_369_123_8; // the upper 33 bits, so that k * LN_2_HIGH is exact
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// e^x for x <= 0, within 1e-15 relative; 0 below -700.
pub fn exp_of_nonpositive(x: f64) -> f64 {
    if x < -700.0 {
        return 0.0;
    }
    let k = (x * std::f64::consts::LOG2_E - 0.5) as i64; // rounds towards zero: nearest for negative x
    let r = (x - k as f64 * LN_2_HIGH) - k as f64 * LN_2_LOW;
    // Taylor's series to the 14th power, by Horner: |r| <= 0.35, so the rest is below 1e-18.
    let mut sum = 1.0;
    for n in (1..=14).rev() {
        sum = 1.0 + sum * r / f64::from(n);
    }
    sum * f64::from_bits(((k + 1023) as u64) << 52)
}

/// The natural logarithm of a normal positive number, within 1e-15.
pub fn ln_of_positive(x: f64) -> f64 {
    let bits = x.to_bits();
    let mut exponent = (bits >> 52) as i64 - 1023;
    let mut mantissa = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52));
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa /= 2.0;
        exponent += 1;
    }
    // ln m = 2 artanh((m - 1) / (m + 1)), |t| <= 0.1716
    let t = (mantissa - 1.0) / (mantissa + 1.0);
    let t2 = t * t;
    let mut sum = 0.0;
    for n in (0..=12).rev() {
        sum = sum * t2 + 1.0 / f64::from(2 * n + 1);
    }
    2.0 * t * sum + exponent as f64 * std::f64::consts::LN_2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_and_ln_agree_with_the_library_to_fourteen_digits() {
        for step in 0..70_000 {
            let x = -f64::from(step) / 100.0;
            let (ours, reference) = (exp_of_nonpositive(x), x.exp());
            assert!(((ours - reference) / reference).abs() < 1e-14, "exp({x}) gave {ours}");
        }
        for step in 1..100_000 {
            let x = f64::from(step) / 1000.0;
            assert!((ln_of_positive(x) - x.ln()).abs() < 1e-14, "ln({x})");
        }
    }

    #[test]
    fn the_random_stream_is_pinned() {
        let mut random = Random::new(0);
        assert_eq!(random.next(), 0xE220_A839_7B1D_CDAF); // SplitMix64's published first output for seed 0
        assert!((0..10_000).all(|_| (-1.0..1.0).contains(&random.signed_unit())));
    }
}
