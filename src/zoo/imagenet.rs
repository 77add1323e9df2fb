//! ImageNet's classes: what the outputs of an original classifier are called.

/// A line per class in the order of the outputs: synset, tab, name; `data/imagenet/README.md` says whose.
const CLASSES: &str = include_str!("../../data/imagenet/classes.tsv");

/// Classes of ImageNet, and so of every original classifier.
pub const IMAGENET_CLASSES: usize = 1000;

/// A class of ILSVRC 2012.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImagenetClass {
    /// WordNet's number, by which its folder is called: `n02124075`.
    pub synset: &'static str,
    /// `Egyptian cat`
    pub name: &'static str,
}

/// Every class, in the order of the outputs.
pub fn imagenet_classes() -> impl Iterator<Item = ImagenetClass> {
    let lines = CLASSES.lines().filter_map(|line| line.split_once('\t'));
    lines.map(|(synset, name)| ImagenetClass { synset, name })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_output_has_a_name_of_its_own() {
        let classes: Vec<ImagenetClass> = imagenet_classes().collect();
        assert_eq!(classes.len(), IMAGENET_CLASSES);
        let names: HashSet<&str> = classes.iter().map(|class| class.name).collect();
        let synsets: HashSet<&str> = classes.iter().map(|class| class.synset).collect();
        assert_eq!((names.len(), synsets.len()), (1000, 1000));
        // https://image-net.org/challenges/LSVRC/2012/browse-synsets, in torchvision's order
        for (output, synset, name) in [
            (0, "n01440764", "tench"),
            (285, "n02124075", "Egyptian cat"),
            (657, "n03773504", "missile"),
            (999, "n15075141", "toilet tissue"),
        ] {
            assert_eq!(
                (classes[output].synset, classes[output].name),
                (synset, name)
            );
        }
    }
}
