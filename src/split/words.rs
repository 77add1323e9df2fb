//! Words by which folders and files name the part of a dataset that they hold.
//!
//! Those of Hugging Face's `datasets` (`SPLIT_KEYWORDS` and `NON_WORDS_CHARS` in its `data_files.py`), in any case,
//! set off by `-`, `_`, `.`, a space, a digit or a capital (`trainA`); and such a word with `set` or `data` behind it (`trainset`).

use unicode_normalization::UnicodeNormalization;

/// A part of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartName {
    Training,
    Validation,
    Test,
}

impl PartName {
    /// The word for people: `training`.
    pub fn as_str(self) -> &'static str {
        match self {
            PartName::Training => "training",
            PartName::Validation => "validation",
            PartName::Test => "test",
        }
    }
}

const WORDS: [(&str, PartName); 10] = [
    ("train", PartName::Training),
    ("training", PartName::Training),
    ("validation", PartName::Validation),
    ("valid", PartName::Validation),
    ("val", PartName::Validation),
    ("dev", PartName::Validation),
    ("test", PartName::Test),
    ("testing", PartName::Test),
    ("eval", PartName::Test),
    ("evaluation", PartName::Test),
];

/// What may stand behind such a word without making another thing of it.
const FILLERS: [&str; 14] = [
    "set", "data", "dataset", "split", "part", "folder", "images", "image", "imgs", "img",
    "photos", "pictures", "files", "of",
];

/// What a name says of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// Nothing else: `train`, `Test2`, `training_set`.
    Plainly(PartName),
    /// A part's word among others: `seg_train`, and also `train_station`.
    AmongOthers(PartName),
    /// Words of several parts: `train_val`.
    Several,
}

impl Says {
    pub fn part(self) -> Option<PartName> {
        match self {
            Says::Plainly(part) | Says::AmongOthers(part) => Some(part),
            Says::Several => None,
        }
    }
}

/// A name in Unicode's composed form, as different systems write it differently.
pub fn composed(name: &str) -> String {
    name.nfc().collect()
}

/// Whether a character sets words off: as Hugging Face's, and brackets and the like, as in `cat (train)`.
fn is_between(c: char) -> bool {
    !c.is_alphabetic()
}

/// A name in lower case, a capital behind a small letter set off: `trainA` is `train a`.
fn apart(name: &str) -> String {
    let name = composed(name);
    let mut apart = String::with_capacity(name.len());
    let mut is_small = false;
    for c in name.chars() {
        if is_small && c.is_uppercase() {
            apart.push(' ');
        }
        is_small = c.is_lowercase();
        apart.extend(c.to_lowercase());
    }
    apart
}

/// A name's words for a part and its other words: `test_red_cat` gives `test` and `red_cat`.
pub fn in_words(name: &str) -> (String, String) {
    let name = apart(name);
    let words = name.split(is_between).filter(|word| !word.is_empty());
    let (parts, others): (Vec<&str>, Vec<&str>) = words.partition(|word| part(word).is_some());
    (parts.join("_"), others.join("_"))
}

/// What a folder's or file's name says of a part; nothing without such a word.
pub fn says(name: &str) -> Option<Says> {
    let name = apart(name);
    let words: Vec<&str> = name.split(is_between).filter(|w| !w.is_empty()).collect();
    let found: Vec<Option<PartName>> = words.iter().map(|word| part(word)).collect();
    let mut parts = found.iter().flatten();
    let first = *parts.next()?;
    if parts.any(|part| *part != first) {
        return Some(Says::Several);
    }
    let is_plain = found[0].is_some() && words[1..].iter().all(|word| FILLERS.contains(word));
    Some(match is_plain {
        true => Says::Plainly(first),
        false => Says::AmongOthers(first),
    })
}

/// The ways to take a name of one word for a part's word and a class, in small letters: `traincat` gives `train` and `cat`,
/// `cattest` too.
pub fn halves(name: &str) -> impl Iterator<Item = (String, String)> {
    /// A shorter rest makes another word: `trainer`, `tester`.
    const SHORTEST: usize = 3;
    let name = composed(name).to_lowercase();
    let is_word = name.chars().all(char::is_alphabetic);
    let half = move |(word, _): (&str, PartName)| {
        let rest = name
            .strip_prefix(word)
            .or_else(|| name.strip_suffix(word))?;
        let is_class = is_word && rest.chars().count() >= SHORTEST && part(rest).is_none();
        is_class.then(|| (word.to_owned(), rest.to_owned()))
    };
    WORDS.into_iter().filter_map(half)
}

/// The part that a word names.
pub fn part_of(word: &str) -> Option<PartName> {
    part(word)
}

fn part(word: &str) -> Option<PartName> {
    let known = |word: &str| WORDS.iter().find(|(known, _)| *known == word);
    let shorter = ["set", "data"]
        .iter()
        .find_map(|end| word.strip_suffix(end));
    let found = known(word).or_else(|| known(shorter?));
    found.map(|(_, part)| *part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_hugging_faces_in_any_case_and_set_off() {
        use PartName::*;
        for (name, expected) in [
            ("train", Some(Says::Plainly(Training))),
            ("Training", Some(Says::Plainly(Training))),
            ("training_set", Some(Says::Plainly(Training))),
            ("TrainSet", Some(Says::Plainly(Training))),
            ("Test2", Some(Says::Plainly(Test))),
            ("test.2024", Some(Says::Plainly(Test))),
            ("01-eval", Some(Says::Plainly(Test))),
            ("VALID", Some(Says::Plainly(Validation))),
            ("dev", Some(Says::Plainly(Validation))),
            ("train (1)", Some(Says::Plainly(Training))),
            ("cat (train)", Some(Says::AmongOthers(Training))),
            ("trainA", Some(Says::AmongOthers(Training))),
            ("TestDog", Some(Says::AmongOthers(Test))),
            ("seg_train", Some(Says::AmongOthers(Training))),
            ("train station", Some(Says::AmongOthers(Training))),
            ("train_val", Some(Says::Several)),
            ("trainer", None),
            ("contest", None),
            ("values", None),
            ("device", None),
            ("2024", None),
            ("", None),
        ] {
            assert_eq!(says(name), expected, "{name}");
        }
    }

    #[test]
    fn names_are_compared_in_composed_form() {
        assert_eq!(composed("Cafe\u{301}"), "Café");
    }
}
