//! What wrappers put before or into the names of a network's tensors: `module.` (DataParallel), `_orig_mod.`
//! (torch.compile), `model.`, `backbone.` (Lightning and others).

use std::collections::{BTreeMap, BTreeSet};

use super::Misfit;

/// Segments that a wrapper adds at any place; timm's `clean_state_dict` takes them away too.
const WRAPPERS: [&str; 2] = ["module", "_orig_mod"];

/// A file's names without what wrappers added.
#[derive(Debug)]
pub(super) struct Plain {
    /// Plain name → the file's.
    pub names: BTreeMap<String, String>,
    /// The file's other names, which do not begin as the network's.
    pub others: Vec<String>,
    /// What the network's names begin with in the file; may be empty.
    pub prefix: String,
}

impl Plain {
    /// `anchors` are names of which the network has one, whoever named them.
    ///
    /// # Errors
    /// Two tensors that would have one name, and a network that is there several times.
    pub fn of<'a>(
        names: impl Iterator<Item = &'a str>,
        anchors: &[String],
    ) -> Result<Self, Misfit> {
        let mut unwrapped: BTreeMap<String, &str> = BTreeMap::new();
        for name in names {
            let plain = without_wrappers(name);
            if let Some(other) = unwrapped.insert(plain.clone(), name) {
                let [one, other] = [other.to_owned(), name.to_owned()];
                return Err(Misfit::Twice { one, other, plain });
            }
        }
        let prefix = prefix(unwrapped.keys(), anchors)?;
        let mut plain = Plain {
            names: BTreeMap::new(),
            others: Vec::new(),
            prefix,
        };
        for (name, in_file) in unwrapped {
            match name.strip_prefix(&plain.prefix) {
                Some(rest) => {
                    plain.names.insert(rest.to_owned(), in_file.to_owned());
                }
                None => plain.others.push(in_file.to_owned()),
            }
        }
        Ok(plain)
    }

    /// An example of a name that is read as another: the file's and the plain one.
    pub fn example(&self) -> Option<(&str, &str)> {
        let changed = self.names.iter().find(|(plain, name)| plain != name);
        changed.map(|(plain, name)| (name.as_str(), plain.as_str()))
    }

    /// A tensor of the file with the end `plain`, but another beginning than the network's.
    pub fn elsewhere(&self, plain: &str) -> Option<&str> {
        let all = self.others.iter().chain(self.names.values());
        let ends = |name: &&String| {
            let before = name.strip_suffix(plain);
            before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
        };
        all.map(|name| (name, name))
            .find(|(name, _)| ends(name))
            .map(|(_, name)| name.as_str())
    }
}

/// The name without wrappers' segments; a layer may itself be called like one.
fn without_wrappers(name: &str) -> String {
    let kept: Vec<&str> = name
        .split('.')
        .filter(|part| !WRAPPERS.contains(part))
        .collect();
    match kept.as_slice() {
        [] | [_] => name.to_owned(),
        kept => kept.join("."),
    }
}

/// What stands before the anchor; nothing where it stands alone, or is not there. Modules of the network may have tensors
/// that end like it (`conv1.weight`, `layer1.0.conv1.weight`): the shortest beginning is the network's.
fn prefix<'a>(
    names: impl Iterator<Item = &'a String>,
    anchors: &[String],
) -> Result<String, Misfit> {
    let before = |name: &'a String| {
        let before = |anchor: &String| name.strip_suffix(anchor.as_str());
        let mut found = anchors.iter().filter_map(before);
        found.find(|before| before.is_empty() || before.ends_with('.'))
    };
    // A beginning comes before what it is continued to.
    let found: BTreeSet<&str> = names.filter_map(before).collect();
    let mut networks: Vec<&str> = Vec::new();
    for prefix in found {
        if !networks.iter().any(|shorter| prefix.starts_with(shorter)) {
            networks.push(prefix);
        }
    }
    match networks.as_slice() {
        [] => Ok(String::new()),
        [only] => Ok((*only).to_owned()),
        several => Err(Misfit::Several {
            prefixes: several.iter().map(|prefix| format!("`{prefix}`")).collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(names: &[&str]) -> Result<Plain, Misfit> {
        let anchors = ["features.0.weight", "block1_conv1.weight"].map(str::to_owned);
        Plain::of(names.iter().copied(), &anchors)
    }

    #[test]
    fn what_wrappers_add_is_left_out() {
        for (before, others) in [
            ("module.", &[][..]),
            ("_orig_mod.module.", &[]),
            ("model.", &["fc.weight"]),
            ("state_dict.encoder.backbone.", &["head.weight", "epoch"]),
        ] {
            let names =
                ["features.0.weight", "features.3.bias"].map(|name| format!("{before}{name}"));
            let names: Vec<&str> = names
                .iter()
                .map(String::as_str)
                .chain(others.iter().copied())
                .collect();
            let plain = plain(&names).unwrap();
            assert_eq!(
                plain.names["features.3.bias"],
                format!("{before}features.3.bias")
            );
            assert_eq!(plain.others.len() + 2, names.len());
            assert_eq!(plain.example().unwrap().1, "features.0.weight");
        }
        let inside = plain(&["features.module.0.weight", "classifier.6.weight"]).unwrap();
        assert_eq!(
            inside.names["features.0.weight"],
            "features.module.0.weight"
        );
    }

    #[test]
    fn names_without_wrappers_stay_as_they_are() {
        let names = [
            "block1_conv1.weight",
            "module.weight",
            "model.weight",
            "x.block1_conv1.weight",
        ];
        let plain = plain(&names).unwrap();
        assert_eq!(plain.names.len(), names.len());
        assert!(plain.example().is_none() && plain.others.is_empty());
    }

    #[test]
    fn tensors_inside_that_end_like_the_first_are_no_networks() {
        let names = [
            "conv1.weight",
            "layer1.0.conv1.weight",
            "layer1.0.conv2.weight",
        ];
        for before in ["", "backbone.", "module.encoder."] {
            let names = names.map(|name| format!("{before}{name}"));
            let names = names.iter().map(String::as_str);
            let plain = Plain::of(names, &["conv1.weight".into()]).unwrap();
            assert_eq!(plain.names.len(), 3, "{before}");
            assert!(
                plain.names.contains_key("layer1.0.conv1.weight"),
                "{before}"
            );
        }
    }

    #[test]
    fn what_is_there_twice_is_refused() {
        let both = plain(&["features.0.weight", "module.features.0.weight"]).unwrap_err();
        assert!(
            both.to_string().contains("module.features.0.weight"),
            "{both}"
        );
        let several =
            plain(&["student.features.0.weight", "teacher.features.0.weight"]).unwrap_err();
        assert!(
            several.to_string().contains("`student.`, `teacher.`"),
            "{several}"
        );
    }
}
