//! Names of runs: readable, and different where the result may differ.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::contents::{Contents, decisive};
use super::key;
use super::paths;
use super::run::{AxisValue, Run};
use super::setting::Setting;
use super::types::Spec;
use super::values::Weights;
use crate::text::hex;

/// Characters of the readable part at most.
const PREFIX: usize = 80;

/// Digits of the fingerprint in a name.
const DIGITS: usize = 8;

/// The run's name: its point, and the first digits of the fingerprint of everything that decides its result.
fn run_id(point: &[(String, AxisValue)], fingerprint: &str) -> String {
    let parts: Vec<String> = point
        .iter()
        .map(|(axis, value)| format!("{}={}", short_key(axis, point), short_value(axis, value)))
        .collect();
    let text = match parts.as_slice() {
        [] => "run".to_owned(),
        parts => parts.join(","),
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._=,-".contains(c);
    let prefix: String = text
        .chars()
        .take(PREFIX)
        .map(|c| if allowed(c) { c } else { '_' })
        .collect();
    let short: String = fingerprint.chars().take(DIGITS).collect();
    format!("{prefix}-{short}")
}

/// The digits at the end of a run's id, which are the same whatever the axes that it is named by; the whole id where it
/// has none, as ids of others may.
pub fn digits_of(id: &str) -> &str {
    let is_digit = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    match id.rsplit_once('-') {
        Some((_, digits)) if digits.len() == DIGITS && digits.chars().all(is_digit) => digits,
        _ => id,
    }
}

/// The key's end from its last name on, as far as no other axis ends so.
fn short_key<'a>(axis: &'a str, point: &[(String, AxisValue)]) -> &'a str {
    let end = last_name(axis);
    let same = |(other, _): &&(String, AxisValue)| last_name(other) == end;
    match point.iter().filter(same).count() {
        1 => end,
        _ => axis,
    }
}

fn last_name(axis: &str) -> &str {
    let is_name = |part: &str| part.parse::<usize>().is_err();
    let starts = axis.rmatch_indices('.').map(|(at, _)| at + 1).chain([0]);
    starts
        .map(|start| &axis[start..])
        .find(|end| is_name(end.split('.').next().unwrap_or(end)))
        .unwrap_or(axis)
        .trim_matches('"')
}

/// The value, a path by its last part only.
fn short_value(axis: &str, value: &AxisValue) -> String {
    let name = |path: &str| match Path::new(path).file_name() {
        Some(name) => name.to_string_lossy().into_owned(),
        None => path.to_owned(),
    };
    let plain = key::parse(axis).map_or_else(|_| axis.to_owned(), |path| path.join("."));
    match value {
        AxisValue::Text(text) if paths::is_path(&plain, text) => {
            let inner: Option<toml::Value> = toml::from_str(&format!("v = {text}")).ok();
            let experiment = inner
                .as_ref()
                .and_then(|v| v.get("v")?.get("experiment")?.as_str());
            name(experiment.unwrap_or(text))
        }
        AxisValue::Text(list) if paths::is_globs(&plain) => match globs(list).as_deref() {
            Some([]) => "nothing".into(),
            Some(globs) => globs.join(","),
            None => list.clone(),
        },
        AxisValue::Float(number) => short_number(*number),
        value => value.to_string(),
    }
}

/// A number in as few characters as tell it; those of a usual size as they have always been written.
fn short_number(number: f64) -> String {
    /// Longer ones are very large, very small or have many digits.
    const USUAL: usize = 17;
    let (plain, scientific) = (number.to_string(), format!("{number:e}"));
    match plain.len() > USUAL && scientific.len() < plain.len() {
        true => scientific,
        false => plain,
    }
}

/// The texts of a list that is written as TOML.
fn globs(list: &str) -> Option<Vec<String>> {
    let table: toml::Table = toml::from_str(&format!("v = {list}")).ok()?;
    table.get("v")?.clone().try_into().ok()
}

/// Hex digits of the SHA-256 of everything that decides a result.
pub(super) fn fingerprint(spec: &Spec, contents: &Contents) -> String {
    let mut canonical = decisive(spec, contents);
    // Architectures whose tensors once started otherwise.
    let is_drawn = spec.backbone.weights == Weights::Random;
    if is_drawn && spec.backbone.arch.family.initializer().is_some() {
        canonical["backbone"]["initializer"] = "timm".into();
    }
    canonical.sort_all_objects();
    hex(Sha256::digest(canonical.to_string()))
}

impl Run {
    /// Names the run by what the files of its spec hold instead of where they lie.
    pub fn identify(&mut self, contents: &Contents) {
        self.fingerprint = fingerprint(&self.spec, contents);
        self.id = run_id(&self.point, &self.fingerprint);
    }

    /// Everything that decides the result, as it is recorded.
    pub fn setting(&self) -> Setting {
        Setting::of(&self.spec.to_json(), Some(&self.contents))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_contents_take_the_place_of_paths() {
        let id = |path: &str, digest: Option<&str>| {
            let text = format!(
                "name = 'x'\ndataset = {{ name = 'mnist', path = '{path}' }}\nbackbone = {{ arch = 'vgg11' }}"
            );
            let contents = digest.map(|digest| ("dataset.path".to_owned(), digest.to_owned()));
            let spec = toml::from_str(&text).unwrap();
            run_id(&[], &fingerprint(&spec, &contents.into_iter().collect()))
        };
        assert_ne!(id("/a", None), id("/b", None));
        assert_eq!(id("/a", Some("1")), id("/b", Some("1")));
        assert_ne!(id("/a", Some("1")), id("/a", Some("2")));
    }

    fn prefix(point: &[(&str, AxisValue)]) -> String {
        let point: Vec<(String, AxisValue)> = point
            .iter()
            .map(|(k, v)| (k.to_string(), v.clone()))
            .collect();
        let text = "name = \"x\"\ndataset = { name = \"mnist\" }\nbackbone = { arch = \"vgg11\" }";
        let spec = toml::from_str(text).unwrap();
        let id = run_id(&point, &fingerprint(&spec, &Contents::new()));
        let (prefix, hash) = id.rsplit_once('-').unwrap();
        assert!(
            hash.len() == 8 && hash.chars().all(|c| c.is_ascii_hexdigit()),
            "{id}"
        );
        prefix.to_owned()
    }

    #[test]
    fn prefixes_are_short_readable_and_safe() {
        let text = |s: &str| AxisValue::Text(s.into());
        assert_eq!(prefix(&[]), "run");
        let point = [
            ("freeze.through", text("block4_pool")),
            ("seed", AxisValue::Integer(0)),
        ];
        assert_eq!(prefix(&point), "through=block4_pool,seed=0");
        let ambiguous = [
            ("dataset.name", text("mnist")),
            ("optimizer.name", text("sgd")),
        ];
        assert_eq!(prefix(&ambiguous), "dataset.name=mnist,optimizer.name=sgd");
        assert_eq!(
            prefix(&[("dataset.classes.0", text("a/b ö"))]),
            "classes.0=a_b__"
        );
        for (number, expected) in [
            (1e30, "1e30"),
            (-1e-20, "-1e-20"),
            (1e-5, "0.00001"),
            (0.1 + 0.2, "0.30000000000000004"),
        ] {
            let point = [("optimizer.learning_rate", AxisValue::Float(number))];
            assert_eq!(prefix(&point), format!("learning_rate={expected}"));
        }
        let weights = text("{ experiment = \"/a/b/pre.toml\" }");
        assert_eq!(prefix(&[("backbone.weights", weights)]), "weights=pre.toml");
        assert_eq!(prefix(&[("dataset.path", text("/a/b/data"))]), "path=data");
        assert_eq!(
            prefix(&[("backbone.arch", text(&"x".repeat(200)))]).len(),
            PREFIX
        );
    }
}
