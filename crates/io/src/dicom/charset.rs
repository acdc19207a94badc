//! Text of data elements by SpecificCharacterSet (PS3.3 C.12.1.1.2, PS3.5 6.1): single-byte sets, UTF-8, GB 18030, and
//! the switches of ISO 2022. The tables are those of `encoding_rs`.

use encoding_rs::Encoding;

/// The character sets that a data set declares.
#[derive(Debug, Clone, Default)]
pub(super) struct CharacterSets {
    /// What the bytes from 0x80 on are before any switch.
    first: Upper,
    /// A set of the whole text, without switches.
    whole: Option<&'static Encoding>,
}

/// What the bytes from 0x80 on mean.
#[derive(Debug, Clone, Copy, Default)]
enum Upper {
    /// Nothing was declared: UTF-8 where the whole text is, else Latin-1, as many files are written.
    #[default]
    Undeclared,
    Latin1,
    Single(&'static Encoding),
    /// Two bytes a character, both from 0x80 on.
    Double(&'static Encoding),
}

/// What the bytes below 0x80 mean.
#[derive(Clone, Copy, PartialEq)]
enum Lower {
    Ascii,
    /// JIS X 0201: ASCII but for two characters.
    Romaji,
    /// JIS X 0208, two bytes a character.
    Kanji,
    /// JIS X 0212, two bytes a character.
    SupplementaryKanji,
}

impl CharacterSets {
    /// The sets that a value of SpecificCharacterSet names.
    pub fn declared(value: &str) -> Self {
        let mut terms = value.split('\\').map(number);
        let first = terms.next().flatten();
        if let Some(whole) = first.and_then(whole_text) {
            return Self {
                whole: Some(whole),
                ..Self::default()
            };
        }
        // A file whose only set for other characters is one with switches often lacks the switch.
        let upper = first.and_then(upper);
        let second = terms.flatten().find_map(upper_of_switched);
        Self {
            first: upper.or(second).unwrap_or_default(),
            whole: None,
        }
    }

    /// A value as text, without the padding at its ends. Control characters, which no terminal may receive, are U+FFFD,
    /// or a space where they end a line.
    pub fn decode(&self, bytes: &[u8]) -> String {
        let text = match self.whole {
            Some(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
            None => self.switched(bytes),
        };
        printable(text.trim_matches([' ', '\0']))
    }

    fn switched(&self, bytes: &[u8]) -> String {
        let escapes = bytes.contains(&ESCAPE);
        if let (Upper::Undeclared, false) = (self.first, escapes) {
            return match std::str::from_utf8(bytes) {
                Ok(text) => text.to_owned(),
                Err(_) => latin1(bytes),
            };
        }
        let (mut lower, mut above) = (Lower::Ascii, self.first);
        let (mut text, mut rest) = (String::new(), bytes);
        while let [byte, tail @ ..] = rest {
            let pair = [*byte, tail.first().copied().unwrap_or(0)];
            if *byte == ESCAPE {
                let length = switch(tail, &mut lower, &mut above);
                rest = &tail[length..];
                continue;
            }
            let mut taken = 1;
            match (*byte, lower, above) {
                (0x21..0x7F, Lower::Kanji, _) => {
                    taken = 2;
                    decode_into(&mut text, encoding_rs::EUC_JP, &pair.map(|b| b | 0x80));
                }
                (0x21..0x7F, Lower::SupplementaryKanji, _) => {
                    taken = 2;
                    let bytes = [0x8F, pair[0] | 0x80, pair[1] | 0x80];
                    decode_into(&mut text, encoding_rs::EUC_JP, &bytes);
                }
                (0x7E, Lower::Romaji, _) => text.push('\u{203E}'),
                (0..0x80, ..) => {
                    // PS3.5 6.1.2.5.3: what ends a line, a value or a part of a name ends the switches too.
                    if matches!(byte, b'\\' | b'^' | b'=' | b'\r' | b'\n' | b'\t' | 0x0C) {
                        (lower, above) = (Lower::Ascii, self.first);
                    }
                    text.push(char::from(*byte));
                }
                (_, _, Upper::Single(encoding)) => decode_into(&mut text, encoding, &[*byte]),
                (_, _, Upper::Double(encoding)) => {
                    taken = 2;
                    decode_into(&mut text, encoding, &pair);
                }
                _ => text.push(char::from(*byte)),
            }
            rest = rest.get(taken..).unwrap_or_default();
        }
        text
    }
}

const ESCAPE: u8 = 0x1B;

/// The number of a defined term, however it is spelt: `ISO_IR 100`, `ISO 2022 IR 100`, `ISO-IR-100`; 30 and 31 stand for
/// GB 18030 and GBK.
fn number(term: &str) -> Option<u16> {
    let plain: String = term
        .chars()
        .filter(|c| !matches!(c, ' ' | '_' | '-'))
        .map(|c| c.to_ascii_uppercase())
        .collect();
    match plain.as_str() {
        "GB18030" => return Some(30),
        "GBK" => return Some(31),
        "UTF8" => return Some(192),
        _ => {}
    }
    let digits = plain
        .strip_prefix("ISO2022IR")
        .or_else(|| plain.strip_prefix("ISOIR"))?;
    digits.parse().ok()
}

fn whole_text(number: u16) -> Option<&'static Encoding> {
    match number {
        192 => Some(encoding_rs::UTF_8),
        30 => Some(encoding_rs::GB18030),
        31 => Some(encoding_rs::GBK),
        _ => None,
    }
}

fn upper(number: u16) -> Option<Upper> {
    Some(match number {
        6 | 100 => Upper::Latin1,
        101 => Upper::Single(encoding_rs::ISO_8859_2),
        109 => Upper::Single(encoding_rs::ISO_8859_3),
        110 => Upper::Single(encoding_rs::ISO_8859_4),
        126 => Upper::Single(encoding_rs::ISO_8859_7),
        127 => Upper::Single(encoding_rs::ISO_8859_6),
        138 => Upper::Single(encoding_rs::ISO_8859_8),
        144 => Upper::Single(encoding_rs::ISO_8859_5),
        // Equal to ISO 8859-9 from 0xA0 on, and to TIS 620; below are control characters.
        148 => Upper::Single(encoding_rs::WINDOWS_1254),
        166 => Upper::Single(encoding_rs::WINDOWS_874),
        203 => Upper::Single(encoding_rs::ISO_8859_15),
        // Its bytes from 0xA1 to 0xDF are JIS X 0201's katakana.
        13 => Upper::Single(encoding_rs::SHIFT_JIS),
        _ => return upper_of_switched(number),
    })
}

/// The sets of two bytes a character, which stand above 0x80.
fn upper_of_switched(number: u16) -> Option<Upper> {
    match number {
        58 => Some(Upper::Double(encoding_rs::GBK)),
        149 => Some(Upper::Double(encoding_rs::EUC_KR)),
        _ => None,
    }
}

/// Applies the switch that follows an escape, and gives its length; 0 for an unknown one, of which only the escape is
/// left out.
fn switch(tail: &[u8], lower: &mut Lower, above: &mut Upper) -> usize {
    match tail {
        [b'(', b'B', ..] => *lower = Lower::Ascii,
        [b'(', b'J', ..] => *lower = Lower::Romaji,
        [b'$', b'B' | b'@', ..] => *lower = Lower::Kanji,
        [b'$', b'(', b'D', ..] => {
            *lower = Lower::SupplementaryKanji;
            return 3;
        }
        [b'$', b')', last @ (b'C' | b'A'), ..] => {
            let number = if *last == b'C' { 149 } else { 58 };
            *above = upper_of_switched(number).unwrap_or(*above);
            return 3;
        }
        [b')', b'I', ..] => *above = upper(13).unwrap_or(*above),
        [b'-', last, ..] => {
            let number = match last {
                b'A' => 100,
                b'B' => 101,
                b'C' => 109,
                b'D' => 110,
                b'F' => 126,
                b'G' => 127,
                b'H' => 138,
                b'L' => 144,
                b'M' => 148,
                b'T' => 166,
                b'b' => 203,
                _ => return 0,
            };
            *above = upper(number).unwrap_or(*above);
        }
        _ => return 0,
    }
    2
}

fn decode_into(text: &mut String, encoding: &'static Encoding, bytes: &[u8]) {
    text.push_str(&encoding.decode_without_bom_handling(bytes).0);
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&b| char::from(b)).collect()
}

/// A text without control characters.
fn printable(text: &str) -> String {
    let shown = |c: char| match c {
        '\r' | '\n' | '\t' | '\u{c}' => ' ',
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standard_are_read() {
        // PS3.5 annexes H, I and J.
        let japanese =
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B";
        let sets = CharacterSets::declared("\\ISO 2022 IR 87");
        assert_eq!(
            sets.decode(japanese),
            "Yamada^Tarou=山田^太郎=やまだ^たろう"
        );
        let half = b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J";
        let sets = CharacterSets::declared("ISO 2022 IR 13\\ISO 2022 IR 87");
        assert_eq!(sets.decode(half), "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎");
        let korean = b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf";
        let sets = CharacterSets::declared("\\ISO 2022 IR 149");
        assert_eq!(sets.decode(korean), "Hong^Gildong=洪^吉洞=홍^길동");
        let utf8 = "Wang^XiaoDong=王^小東";
        let sets = CharacterSets::declared("ISO_IR 192");
        assert_eq!(sets.decode(utf8.as_bytes()), utf8);
        let chinese = b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab";
        assert_eq!(
            CharacterSets::declared("GB18030").decode(chinese),
            "Wang^XiaoDong=王^小东"
        );
        let simplified = b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab";
        let sets = CharacterSets::declared("\\ISO 2022 IR 58");
        assert_eq!(sets.decode(simplified), "Zhang^XiaoDong=张^小东");
    }

    #[test]
    fn single_byte_sets_are_read_with_and_without_switches() {
        for (term, bytes, text) in [
            ("ISO_IR 100", &b"Buc^J\xe9r\xf4me"[..], "Buc^Jérôme"),
            ("ISO_IR 101", b"Wa\xb3\xeasa", "Wałęsa"),
            (
                "ISO_IR 126",
                b"\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2",
                "Διονυσιος",
            ),
            ("ISO_IR 127", b"\xe2\xc8\xc7\xe6\xea", "قباني"),
            ("ISO_IR 138", b"\xf9\xf8\xe5\xef", "שרון"),
            (
                "ISO_IR 144",
                b"\xbb\xee\xda\xe1\xd5\xdc\xd1\xe3\xe0\xd3",
                "Люксембург",
            ),
            ("ISO_IR 148", b"\xc7avu\xfeo\xf0lu", "Çavuşoğlu"),
            ("ISO_IR 166", b"\xb9\xd2\xc1\xca\xa1\xd8\xc5", "นามสกุล"),
            ("ISO_IR 203", b"\xa4", "€"),
        ] {
            assert_eq!(CharacterSets::declared(term).decode(bytes), text, "{term}");
        }
        let sets = CharacterSets::declared("ISO 2022 IR 100\\ISO 2022 IR 144");
        assert_eq!(sets.decode(b"\xe9 \x1b-L\xbb\xee\x1b-A \xe9"), "é Лю é");
        // A delimiter ends the switch.
        assert_eq!(sets.decode(b"\x1b-L\xbb^\xe9"), "Л^é");
    }

    #[test]
    fn undeclared_bytes_are_utf8_or_latin1_and_declared_lies_are_marked() {
        let none = CharacterSets::default();
        assert_eq!(none.decode("Schädel µ".as_bytes()), "Schädel µ");
        assert_eq!(none.decode(b"Sch\xe4del"), "Schädel");
        let utf8 = CharacterSets::declared("ISO_IR 192");
        assert_eq!(utf8.decode(b"Sch\xe4del"), "Sch\u{FFFD}del");
        // Without the switch that the standard wants.
        let sets = CharacterSets::declared("\\ISO 2022 IR 58");
        assert_eq!(sets.decode(b"\xcd\xb7\xc2\xad"), "头颅");
    }

    #[test]
    fn control_characters_are_never_given_and_no_bytes_panic() {
        let sets = CharacterSets::declared("ISO_IR 100");
        assert_eq!(
            sets.decode(b"a\x1b[31mb\x07\x9bc\nd"),
            "a[31mb\u{FFFD}\u{FFFD}c d"
        );
        for term in [
            "",
            "ISO_IR 13",
            "\\ISO 2022 IR 87\\ISO 2022 IR 159",
            "GB18030",
            "nonsense",
        ] {
            let sets = CharacterSets::declared(term);
            for first in 0..=255u8 {
                for second in [0, 0x1B, b'$', b'(', 0x5C, 0x80, 0xFF] {
                    let text = sets.decode(&[0x1B, b'$', b'B', first, second, first]);
                    assert!(!text.chars().any(char::is_control), "{text:?}");
                }
            }
        }
    }
}
