//! Amounts as people type them, and back: tokens with the mint's decimals, or base units.

use std::time::Duration;

/// What was typed; it becomes base units once the mint's decimals are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amount(String);

/// Reads an amount argument: digits with an optional fraction.
pub fn parse_amount(text: &str) -> Result<Amount, String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if digits(whole) && digits(fraction) {
        Ok(Amount(text.to_owned()))
    } else {
        Err("an amount is digits with an optional fraction, as 100 or 1.5".to_owned())
    }
}

impl Amount {
    /// An amount as somebody would type it; `raw` as base units.
    pub fn exact(base_units: u64, decimals: u8, raw: bool) -> Self {
        Self(if raw { base_units.to_string() } else { tokens(base_units, decimals) })
    }

    /// Base units of a mint with `decimals`; `raw` when base units were typed.
    pub fn base_units(&self, decimals: u8, raw: bool) -> Result<u64, String> {
        let text = &self.0;
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let fraction = fraction.trim_end_matches('0');
        let decimals = if raw { 0 } else { usize::from(decimals) };
        if fraction.len() > decimals {
            return Err(match raw {
                true => format!("{text} is no whole number of base units"),
                false => format!("{text} has more decimals than the mint's {decimals}"),
            });
        }
        format!("{whole}{fraction:0<decimals$}").parse().map_err(|_| format!("{text} is more than an amount can be"))
    }
}

/// Base units as tokens, without trailing zeros: `1500000` of 6 decimals is `1.5`.
pub fn tokens(base_units: u64, decimals: u8) -> String {
    let decimals = usize::from(decimals);
    let digits = format!("{base_units:0>width$}", width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

/// Reads a length of time: `90s`, `5m`, `1h`, `30d`, or seconds.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || "a length of time is a number with s, m, h or d, as 90s, 5m, 1h or 30d".to_owned();
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let factor = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(factor).map(Duration::from_secs).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str, decimals: u8, raw: bool) -> Result<u64, String> {
        parse_amount(text)?.base_units(decimals, raw)
    }

    #[test]
    fn tokens_become_base_units_exactly() {
        assert_eq!(units("100", 6, false), Ok(100_000_000));
        assert_eq!(units("1.5", 6, false), Ok(1_500_000));
        assert_eq!(units("0.000001", 6, false), Ok(1));
        assert_eq!(units("1.50", 1, false), Ok(15));
        assert_eq!(units("7", 0, false), Ok(7));
        assert_eq!(units("18446744073709551615", 0, false), Ok(u64::MAX));
        assert_eq!(units("100", 6, true), Ok(100));
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in ["", ".", "1.", ".5", "-1", "1e6", "1,5", "0x10", "1.2.3"] {
            assert!(parse_amount(text).is_err(), "{text}");
        }
        assert!(units("0.0000001", 6, false).is_err());
        assert!(units("18446744073710", 6, false).is_err());
        assert!(units("1.5", 6, true).is_err());
    }

    #[test]
    fn base_units_are_shown_as_typed() {
        assert_eq!(tokens(1_500_000, 6), "1.5");
        assert_eq!(tokens(1, 6), "0.000001");
        assert_eq!(tokens(0, 6), "0");
        assert_eq!(tokens(42, 0), "42");
        assert_eq!(tokens(u64::MAX, 0), u64::MAX.to_string());
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(parse_duration("1h"), Ok(Duration::from_secs(3600)));
        assert_eq!(parse_duration("90"), Ok(Duration::from_secs(90)));
        assert!(parse_duration("1w").is_err() && parse_duration("h").is_err());
    }
}
