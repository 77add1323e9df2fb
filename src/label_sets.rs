//! Labels of images that have several: each stands for a set of classes.

use std::collections::HashMap;

/// The classes of each label, ascending; images with the same classes have the same label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSets {
    sets: Vec<Vec<u32>>,
}

impl LabelSets {
    /// The label of each of these sets of classes, in their order, and the sets.
    pub fn of(all: impl IntoIterator<Item = Vec<u32>>) -> (Vec<u32>, Self) {
        let mut places: HashMap<Vec<u32>, u32> = HashMap::new();
        let mut sets = Vec::new();
        let mut label = |mut set: Vec<u32>| {
            set.sort_unstable();
            set.dedup();
            let next = sets.len() as u32;
            *places.entry(set).or_insert_with_key(|set| {
                sets.push(set.clone());
                next
            })
        };
        let labels = all.into_iter().map(&mut label).collect();
        (labels, LabelSets { sets })
    }

    /// The classes of a label; none of one that is not there.
    pub fn classes(&self, label: u32) -> &[u32] {
        self.sets.get(label as usize).map_or(&[], Vec::as_slice)
    }

    /// Whether a label stands for a class, among others.
    pub fn has(&self, label: u32, class: usize) -> bool {
        let classes = self.classes(label);
        u32::try_from(class).is_ok_and(|class| classes.binary_search(&class).is_ok())
    }

    /// The same labels of classes that have other numbers elsewhere.
    pub fn renumbered(&self, number: impl Fn(u32) -> u32) -> Self {
        let renumbered = |set: &Vec<u32>| {
            let mut set: Vec<u32> = set.iter().map(|class| number(*class)).collect();
            set.sort_unstable();
            set
        };
        LabelSets {
            sets: self.sets.iter().map(renumbered).collect(),
        }
    }

    /// The classes' names as text: a JSON list, which any reader of tables can take apart.
    pub fn names(classes: &[u32], names: &[String]) -> String {
        let names = classes
            .iter()
            .filter_map(|class| names.get(*class as usize));
        serde_json::to_string(&names.collect::<Vec<_>>()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_with_the_same_classes_in_any_order_have_the_same_label() {
        let (labels, sets) = LabelSets::of([vec![2, 0], vec![1], vec![0, 2, 2], vec![]]);
        assert_eq!(labels, [0, 1, 0, 2]);
        assert_eq!(sets.classes(0), [0, 2]);
        assert!(sets.has(0, 2) && !sets.has(0, 1) && !sets.has(2, 0) && !sets.has(9, 0));
        let turned = sets.renumbered(|class| 2 - class);
        assert_eq!(
            (turned.classes(0), turned.classes(1)),
            (&[0, 2][..], &[1][..])
        );
        let names = ["a", "b", "\"c\""].map(String::from);
        assert_eq!(
            LabelSets::names(sets.classes(0), &names),
            r#"["a","\"c\""]"#
        );
    }
}
