//! What is logged of a run, under the names that our own tables and specs have for it.

use serde_json::Value;

use crate::metric::{self, METRICS, Metrics};
use crate::spec::Run;
use crate::train::Epoch;

/// The numbers of an epoch by their columns in `metrics.parquet`, and `per_class/<class>`; those that are not finite are
/// left out.
pub(super) fn of_epoch(epoch: &Epoch, classes: &[String]) -> Vec<(String, f64)> {
    let mut scalars = of_metrics("", &epoch.training, classes);
    if let Some(validation) = &epoch.validation {
        scalars.extend(of_metrics("val_", validation, classes));
    }
    let others = [
        ("learning_rate", epoch.learning_rate),
        ("seconds", epoch.seconds),
        ("images_per_second", epoch.images_per_second),
        ("peak_memory_mib", epoch.peak_memory_mib),
    ];
    scalars.extend(others.map(|(name, value)| (name.to_owned(), value)));
    scalars.retain(|(_, value)| value.is_finite());
    scalars
}

/// The numbers of the test by their columns in `runs.parquet`, and `test_per_class/<class>`.
pub(super) fn of_test(test: &Metrics, classes: &[String]) -> Vec<(String, f64)> {
    let mut scalars = of_metrics("test_", test, classes);
    scalars.retain(|(_, value)| value.is_finite());
    scalars
}

fn of_metrics(prefix: &str, metrics: &Metrics, classes: &[String]) -> Vec<(String, f64)> {
    let named = metric::all().filter_map(|metric| {
        let value = metrics.number(metric)?;
        Some((format!("{prefix}{}", metric.name), value))
    });
    let of_classes = METRICS.into_iter().flat_map(|metric| {
        let each = metrics.each(metric).unwrap_or_default();
        classes.iter().zip(each).map(move |(class, value)| {
            let name = format!("{prefix}{}/{}", metric.name, plain(class));
            (name, *value)
        })
    });
    named.chain(of_classes).collect()
}

/// A class's name with the characters only that trackers allow in the names of metrics.
fn plain(class: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_- .".contains(c);
    let plain = class.chars().map(|c| if allowed(c) { c } else { '_' });
    let plain: String = plain.collect();
    // A path's part that leads elsewhere is refused.
    match plain.as_str() {
        "." | ".." => "_".repeat(plain.len()),
        _ => plain,
    }
}

/// The keys of a run's resolved spec with their values, and its axes; without what is no part of the run itself.
pub(super) fn parameters(run: &Run) -> Vec<(String, String)> {
    let spec = run.spec.without_logistics().to_json();
    let spec: Value = serde_json::from_str(&spec).unwrap_or_default();
    let mut leaves = Vec::new();
    collect("", &spec, &mut leaves);
    leaves.retain(|(key, _)| key != "name");
    for (axis, value) in &run.point {
        if !leaves.iter().any(|(key, _)| key == axis) {
            leaves.push((axis.clone(), value.to_string()));
        }
    }
    leaves
}

fn collect(key: &str, value: &Value, leaves: &mut Vec<(String, String)>) {
    let below = |part: &str| match key {
        "" => part.to_owned(),
        key => format!("{key}.{part}"),
    };
    match value {
        Value::Object(object) => {
            for (part, value) in object {
                collect(&below(part), value, leaves);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (index, value) in items.iter().enumerate() {
                collect(&below(&index.to_string()), value, leaves);
            }
        }
        Value::Null => {}
        Value::String(text) => leaves.push((key.to_owned(), text.clone())),
        other => leaves.push((key.to_owned(), other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{ACCURACY, PER_CLASS};
    use crate::spec::AxisValue;

    #[test]
    fn numbers_have_the_names_of_the_tables() {
        let part = |loss| {
            Metrics::of_loss(loss)
                .with(&ACCURACY, 0.5)
                .with_each(&PER_CLASS, vec![0.25, f64::NAN])
        };
        let epoch = Epoch {
            epoch: 1,
            stage: None,
            training: part(2.0),
            validation: Some(part(3.0)),
            learning_rate: 1e-3,
            seconds: 4.0,
            images_per_second: 5.0,
            peak_memory_mib: f64::NAN,
        };
        let classes = ["a/b".to_owned(), "..".to_owned()];
        let names = |scalars: Vec<(String, f64)>| -> Vec<String> {
            scalars.into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(
            names(of_epoch(&epoch, &classes)),
            [
                "loss",
                "accuracy",
                "per_class/a_b",
                "val_loss",
                "val_accuracy",
                "val_per_class/a_b",
                "learning_rate",
                "seconds",
                "images_per_second"
            ]
        );
        let test = of_test(&part(2.0), &classes);
        assert_eq!(test[2], ("test_per_class/a_b".to_owned(), 0.25));
        assert_eq!(plain(".."), "__");
    }

    #[test]
    fn parameters_are_the_leaves_of_the_spec_and_the_axes() {
        let spec = "name = 'x'\ntracking = { tensorboard = true }\nhead = [{ layer = 'flatten' }]\n\
            [dataset]\nname = 'digits'\nclasses = [1, 2]\n[backbone]\narch = 'vgg11'";
        let point = vec![
            ("seed".into(), AxisValue::Integer(0)),
            ("optimizer".into(), AxisValue::Text("{ … }".into())),
        ];
        let run = Run::new(point, toml::from_str(spec).unwrap());
        let found = parameters(&run);
        let value = |key: &str| found.iter().find(|(k, _)| k == key).map(|(_, v)| &**v);
        assert_eq!(value("seed"), Some("0"));
        assert_eq!(value("dataset.classes"), Some("[1,2]"));
        assert_eq!(value("head.0.layer"), Some("flatten"));
        assert_eq!(value("optimizer.learning_rate"), Some("0.001"));
        assert_eq!(value("optimizer"), Some("{ … }"));
        assert_eq!(value("name"), None);
        assert!(!found.iter().any(|(key, _)| key.starts_with("tracking")));
        let seeds = found.iter().filter(|(key, _)| key == "seed");
        assert_eq!(seeds.count(), 1);
    }
}
