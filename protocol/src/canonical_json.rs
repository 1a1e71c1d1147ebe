//! JSON with one encoding per value, after RFC 8785: no white space, object keys sorted by UTF-16 code units, shortest
//! numbers in ECMAScript's form, only the escapes that JSON demands.

use std::fmt::Write;

use serde_json::Value;

/// The largest integer that every JSON implementation holds exactly.
pub const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Why a value has no canonical form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the number {0} is outside of what every JSON implementation holds exactly (up to 2^53 - 1)")]
pub struct UnsafeNumber(pub String);

/// The canonical text of a value.
pub fn to_string(value: &Value) -> Result<String, UnsafeNumber> {
    let mut out = String::new();
    write_value(&mut out, value)?;
    Ok(out)
}

fn write_value(out: &mut String, value: &Value) -> Result<(), UnsafeNumber> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => out.push_str(&number_text(number)?),
        Value::String(text) => write_string(out, text),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_value(out, item)?;
            }
            out.push(']');
        }
        Value::Object(object) => {
            // Not the map's own order: another crate of the build may switch it to insertion order.
            let mut entries: Vec<_> = object.iter().collect();
            entries.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (i, (key, item)) in entries.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_string(out, key);
                out.push(':');
                write_value(out, item)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if c < ' ' => {
                // writing to a String cannot fail
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn number_text(number: &serde_json::Number) -> Result<String, UnsafeNumber> {
    if let Some(n) = number.as_u64() {
        return if n <= MAX_SAFE_INTEGER { Ok(n.to_string()) } else { Err(UnsafeNumber(number.to_string())) };
    }
    if let Some(n) = number.as_i64() {
        let safe = n.unsigned_abs() <= MAX_SAFE_INTEGER;
        return if safe { Ok(n.to_string()) } else { Err(UnsafeNumber(number.to_string())) };
    }
    match number.as_f64() {
        // written without an exponent it would read back as an integer, which must be safe
        Some(f) if f.is_finite() && (f.abs() <= MAX_SAFE_INTEGER as f64 || f.abs() >= 1e21 || f.fract() != 0.0) => {
            Ok(float_text(f))
        }
        _ => Err(UnsafeNumber(number.to_string())),
    }
}

/// ECMAScript's `Number::toString`: the shortest digits that read back as the same number.
fn float_text(f: f64) -> String {
    if f == 0.0 {
        return "0".to_owned();
    }
    let scientific = format!("{:e}", f.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    // the value is 0.digits x 10^point
    let point = exponent.parse::<i32>().unwrap_or(0) + 1;
    let len = digits.len() as i32;
    let text = if len <= point && point <= 21 {
        format!("{digits}{}", "0".repeat((point - len) as usize))
    } else if 0 < point && point <= 21 {
        let (whole, fraction) = digits.split_at(point as usize);
        format!("{whole}.{fraction}")
    } else if -6 < point && point <= 0 {
        format!("0.{}{digits}", "0".repeat(-point as usize))
    } else {
        let sign = if point > 0 { '+' } else { '-' };
        let (first, rest) = digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        format!("{first}{dot}{rest}e{sign}{}", (point - 1).abs())
    };
    if f < 0.0 { format!("-{text}") } else { text }
}
