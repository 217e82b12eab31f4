//! What a text may hold, counted before it is parsed: values cost memory, and long words are copied.

use super::tree::refuse;
use crate::error::Result;

/// Values that any text may hold: more weights than such files have.
const VALUES: usize = 1 << 23;

/// Bytes of a larger text for each of its values; a weight of six digits has nine with its comma.
const VALUE_BYTES: usize = 8;

/// Bytes of a text in quotes or of a number at most.
const LONGEST_WORD: usize = 16 << 20;

/// Refuses a text with too many values for its length, or with too long a word.
///
/// What is no JSON is counted as if it were: it is for the parser to refuse.
pub(super) fn check(text: &[u8]) -> Result<()> {
    let Counts { values, longest } = count(text);
    let most = VALUES.max(text.len() / VALUE_BYTES);
    if values > most {
        return refuse(format!("{values} values, expected at most {most} in a file of this size"));
    }
    if longest > LONGEST_WORD {
        return refuse(format!("a text or a number of {longest} bytes, expected at most {LONGEST_WORD}"));
    }
    Ok(())
}

struct Counts {
    /// Numbers, texts, lists and objects: commas and opening brackets outside of quotes, and one.
    values: usize,
    /// Bytes of the longest word.
    longest: usize,
}

fn count(text: &[u8]) -> Counts {
    let (mut values, mut longest, mut from, mut at) = (1, 0, 0, 0);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                let end = quoted(text, at + 1);
                longest = longest.max(end - at);
                (at, from) = (end, end);
                continue;
            }
            b',' | b'[' | b'{' => values += 1,
            b']' | b'}' | b':' | b' ' | b'\n' | b'\r' | b'\t' => {}
            _ => {
                at += 1;
                longest = longest.max(at - from);
                continue;
            }
        }
        at += 1;
        from = at;
    }
    Counts { values, longest }
}

/// The place behind the quote that ends what begins at `from`.
fn quoted(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len().max(from)
}

#[cfg(test)]
mod tests {
    use super::{Counts, check, count};

    #[test]
    fn values_and_words_are_counted_outside_and_inside_of_quotes() {
        for (text, values, longest) in [
            ("", 1, 0),
            ("[1, 22 ,-0.5]", 4, 4),
            (r#"{"a,b":1,"c\",\\":[true,null]}"#, 5, 8),
            (r#"["one\"#, 2, 5),
            (r#"["\""#, 2, 3),
        ] {
            let found = count(text.as_bytes());
            assert_eq!((found.values, found.longest), (values, longest), "{text}");
        }
        let Counts { values, longest } = count("1234,".repeat(1000).as_bytes());
        assert_eq!((values, longest), (1001, 4));
    }

    #[test]
    fn a_text_of_short_values_is_refused_by_its_length() {
        let list = |value: &str, bytes: usize| value.repeat(bytes / value.len());
        assert!(check(list("1,", 16_000_000).as_bytes()).is_ok());
        for (value, holds) in [("1,", false), ("0.125,", false), ("0.125000,", true), ("-0.123456,", true)] {
            let found = check(list(value, 80_000_000).as_bytes());
            assert_eq!(found.is_ok(), holds, "{value} {found:?}");
        }
        let long = |bytes: usize| format!("[\"{}\"]", "a".repeat(bytes));
        assert!(check(long((16 << 20) - 2).as_bytes()).is_ok());
        assert!(check(long((16 << 20) - 1).as_bytes()).is_err());
    }
}
