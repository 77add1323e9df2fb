//! The name that was probably meant.

use strsim::damerau_levenshtein;

/// What other tools call our keys.
const SYNONYMS: [(&str, &str); 7] = [
    ("acc", "accuracy"),
    ("lr", "learning_rate"),
    ("wd", "weight_decay"),
    ("eps", "epsilon"),
    ("betas", "beta_1"),
    ("model", "arch"),
    ("gpu", "cuda"),
];

/// The candidate nearest to `name`, if one is near enough to be worth suggesting.
///
/// Near is: at most a third of the letters mistyped (Damerau and Levenshtein), or one containing the other.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let synonym = SYNONYMS.iter().find(|s| s.0 == name).map(|s| s.1);
    let distance = |candidate: &str| {
        let lower = candidate.to_lowercase();
        let allowed = (lower.chars().count().max(name.chars().count()) / 3).max(1);
        let distance = damerau_levenshtein(&lower, &name);
        let contains = |long: &str, short: &str| short.len() > 3 && long.contains(short);
        if synonym == Some(candidate) {
            Some(0)
        } else if distance <= allowed && distance < lower.chars().count() {
            Some(distance)
        } else if contains(&lower, &name) || contains(&name, &lower) {
            Some(100 + distance)
        } else {
            None
        }
    };
    candidates
        .into_iter()
        .filter_map(|candidate| Some((distance(candidate)?, candidate)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The candidate that `word` is probably a slip for: the same in another case, with a letter too many, too few or two of
/// them swapped, or mistyped in a letter of four at most.
///
/// For names that people give, such as classes, of which many differ in a letter: a `cab` is no `cat`.
pub fn slip<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let distance = |candidate: &str| {
        let lower = candidate.to_lowercase();
        let (long, short) = (lower.chars().count(), word.chars().count());
        let is_other_letter = long == short && letters(&lower) != letters(&word);
        let allowed = match long.max(short) {
            3.. if !is_other_letter => (long.max(short) / 4).max(1),
            length => length / 4,
        };
        Some(damerau_levenshtein(&lower, &word)).filter(|distance| *distance <= allowed)
    };
    candidates
        .into_iter()
        .filter_map(|candidate| Some((distance(candidate)?, candidate)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A word's letters in an order that tells nothing of theirs.
fn letters(word: &str) -> Vec<char> {
    let mut letters: Vec<char> = word.chars().collect();
    letters.sort_unstable();
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_no_other_word() {
        let classes = ["cab", "Dog", "horse"];
        for (typed, meant) in [
            ("cat", None),
            ("dog", Some("Dog")),
            ("dgo", Some("Dog")),
            ("hrose", Some("horse")),
            ("hores", Some("horse")),
            ("cabs", Some("cab")),
            ("mouse", None),
        ] {
            assert_eq!(slip(typed, classes), meant, "{typed}");
        }
    }

    #[test]
    fn typing_mistakes_parts_and_other_tools_names_are_understood() {
        let keys = ["epochs", "batch_size", "learning_rate", "horizontal_flip"];
        for (typed, meant) in [
            ("epocs", Some("epochs")),
            ("Epochs", Some("epochs")),
            ("num_epochs", Some("epochs")),
            ("batchsize", Some("batch_size")),
            ("lr", Some("learning_rate")),
            ("flip", Some("horizontal_flip")),
            ("zebra", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, keys), meant, "{typed}");
        }
        assert_eq!(nearest("sdg", ["sgd", "adam"]), Some("sgd"));
        assert_eq!(nearest("x", ["sgd"]), None);
    }
}
