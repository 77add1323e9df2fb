//! Names that a Parquet file gives to its labels, as Hugging Face's `datasets` writes them.
//!
//! The file's metadata has, under `huggingface`, the features of its columns; a `ClassLabel` has `names` by label. Where
//! they say another order than the dataset's, a label means its name.

use polars::io::parquet::metadata::FileMetadata;
use serde_json::Value;

/// The dataset's label for each of a file's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mapping {
    labels: Vec<i64>,
    /// Where none of the names is one of the dataset's: what is to be said of it.
    pub note: Option<String>,
}

impl Mapping {
    /// The dataset's label; one that has no name stays what it is.
    pub fn label(&self, found: i64) -> i64 {
        let place = usize::try_from(found).ok();
        let label = place.and_then(|i| self.labels.get(i));
        label.copied().unwrap_or(found)
    }
}

/// How the labels of a column are to be read; `None` where they are the dataset's own.
///
/// # Errors
/// Names of which some are the dataset's, and that do not tell each label apart.
pub(super) fn mapping(
    metadata: &FileMetadata,
    column: &str,
    classes: &[&str],
) -> Result<Option<Mapping>, String> {
    match names(metadata, column) {
        Some(names) => {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            of_names(&names, classes)
        }
        None => Ok(None),
    }
}

/// The names that the file's metadata has for the labels in a column, by label.
pub(super) fn names(metadata: &FileMetadata, column: &str) -> Option<Vec<String>> {
    let pairs = metadata.key_value_metadata().as_deref().unwrap_or_default();
    let text = pairs.iter().find(|pair| pair.key == "huggingface")?;
    let info: Value = serde_json::from_str(text.value.as_ref()?).ok()?;
    let feature = info.get("info")?.get("features")?.get(column)?;
    // Of a list, its values' feature: `{"feature": …, "_type": "List"}`, or `[…]`.
    let feature = feature
        .get("feature")
        .or_else(|| feature.get(0))
        .unwrap_or(feature);
    let names = feature.get("names")?.as_array()?.iter();
    names.map(|name| Some(name.as_str()?.to_owned())).collect()
}

/// What is compared of a name.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

fn of_names(names: &[&str], classes: &[&str]) -> Result<Option<Mapping>, String> {
    let known: Vec<String> = classes.iter().map(|class| plain(class)).collect();
    // Names that are numbers are labels; their order as text may be another.
    let place = |name: &&str| {
        let number = name
            .parse()
            .ok()
            .filter(|&label: &usize| label < classes.len());
        let named = known.iter().position(|class| *class == plain(name));
        named.or(number)
    };
    let places: Vec<Option<usize>> = names.iter().map(place).collect();
    let labels: Vec<usize> = places
        .iter()
        .enumerate()
        .map(|(i, p)| p.unwrap_or(i))
        .collect();
    let mut once = labels.clone();
    once.sort_unstable();
    once.dedup();
    let (count, known) = (names.len(), places.iter().flatten().count());
    let shown = |names: &[&str]| names[..names.len().min(5)].join(", ");
    let (theirs, ours) = (shown(names), shown(classes));
    if known == 0 {
        // Names of no meaning here: labels are the dataset's own.
        let note =
            format!("its labels are named {theirs}, …; they are taken by number for {ours}, …");
        return Ok(Some(Mapping {
            labels: Vec::new(),
            note: Some(note),
        }));
    }
    if count > classes.len() || once.len() != labels.len() || known * 2 < count {
        return Err(format!(
            "its labels are named {theirs}, …; the dataset's classes are {ours}, …"
        ));
    }
    let is_same = labels.iter().enumerate().all(|(i, label)| i == *label);
    let labels = labels.into_iter().map(|label| label as i64).collect();
    Ok((!is_same).then_some(Mapping { labels, note: None }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASSES: [&str; 4] = ["airplane", "T-shirt/top", "cat", "dog"];

    #[test]
    fn labels_mean_their_names() {
        let of = |names: &[&str]| of_names(names, &CLASSES);
        assert_eq!(of(&CLASSES), Ok(None));
        assert_eq!(
            of(&["Airplane", "t_shirt_top", "cat", "dgo"]),
            Ok(None),
            "a slip"
        );
        let other = of(&["dog", "cat", "airplane", "T-shirt/top"])
            .unwrap()
            .unwrap();
        assert_eq!([0, 1, 2, 3].map(|i| other.label(i)), [3, 2, 0, 1]);
        assert_eq!(other.label(9), 9, "refused where labels are looked at");
        let foreign = of(&["rose", "tulip", "lily", "aster"]).unwrap().unwrap();
        assert_eq!(foreign.label(2), 2);
        assert!(foreign.note.unwrap().contains("named rose, tulip"));
        assert!(of(&["rose", "tulip", "lily", "cat"]).is_err());
        assert!(of(&["dog", "dog", "cat", "airplane"]).is_err());
    }

    #[test]
    fn numbers_as_names_are_labels_also_sorted_as_text() {
        let classes: Vec<String> = (0..12).map(|i| format!("class {i}x")).collect();
        let classes: Vec<&str> = classes.iter().map(String::as_str).collect();
        let mut names: Vec<String> = (0..12).map(|i| i.to_string()).collect();
        names.sort();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mapping = of_names(&names, &classes).unwrap().unwrap();
        assert_eq!([0, 1, 2, 3, 4].map(|i| mapping.label(i)), [0, 1, 10, 11, 2]);
    }
}
