//! The name that was probably meant.

use strsim::damerau_levenshtein;

/// What other tools call our keys.
const SYNONYMS: [(&str, &str); 6] = [
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

#[cfg(test)]
mod tests {
    use super::*;

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
