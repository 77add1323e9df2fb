use super::*;
use crate::record::fixtures::{Sweep, floats, integers, sweep, texts};

const DEPTHS: [&str; 5] = ["none", "block2_pool", "block3_pool", "block4_pool", "all"];

fn depths_and_seeds() -> Sweep {
    sweep(
        vec![texts("freeze.through", &DEPTHS), integers("seed", 0..3)],
        30,
    )
}

/// The text of every `<text>` element; fails where tags or quotes do not match.
fn texts_of(svg: &str) -> Vec<String> {
    let (mut open, mut texts) = (Vec::new(), Vec::new());
    for part in svg.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect("a tag ends");
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        assert!(!text.contains('&') || text.contains(';'), "{text}");
        let name = tag.split([' ', '/']).find(|word| !word.is_empty()).unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "{tag}");
        } else if !tag.ends_with('/') {
            open.push(name);
        }
        if name == "text" && !tag.starts_with('/') {
            texts.push(text.trim().to_owned());
        }
    }
    assert!(open.is_empty(), "{open:?}");
    texts
}

fn assert_has(texts: &[String], expected: &[&str]) {
    for text in expected {
        assert!(
            texts.iter().any(|t| t == text),
            "{text} is not in {texts:?}"
        );
    }
}

#[test]
fn curves_have_title_labels_units_and_a_legend_of_the_runs() {
    let sweep = sweep(vec![texts("freeze.through", &DEPTHS)], 30);
    let texts = texts_of(&curves(&sweep.results()).unwrap());
    let labels = [
        "Accuracy",
        "Loss",
        "epoch",
        "accuracy (%)",
        "loss",
        "freeze.through",
    ];
    assert_has(&texts, &labels);
    assert_has(&texts, &DEPTHS);
    assert_has(
        &texts,
        &[
            "vgg16_freeze_depths: learning curves",
            "5 runs; training dashed, validation solid",
            "training",
            "validation",
        ],
    );
}

#[test]
fn many_runs_are_coloured_by_the_first_axis_that_is_not_the_seed() {
    let rates = [1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 0.1];
    let axes = vec![
        integers("seed", 0..5),
        floats("optimizer.learning_rate", &rates),
    ];
    let sweep = sweep(axes, 100);
    let svg = curves(&sweep.results()).unwrap();
    let texts = texts_of(&svg);
    assert_has(
        &texts,
        &["Training accuracy", "Validation accuracy", "Training loss"],
    );
    assert_has(
        &texts,
        &[
            "optimizer.learning_rate (a line a run)",
            "1e-5",
            "3e-4",
            "0.1",
        ],
    );
    let of_colour = |c: &str| {
        let lines = svg
            .lines()
            .filter(|l| l.starts_with("<polyline") && l.contains(c));
        lines.filter(|l| l.matches(',').count() == 100).count()
    };
    // Eight values, seven colours: the first and the last value share one, on five seeds and four plots.
    assert_eq!(of_colour("#0072B2"), 2 * 5 * 4);
    assert_eq!(of_colour("#E69F00"), 5 * 4);
}

#[test]
fn values_that_are_not_finite_leave_a_gap() {
    let whole = sweep(vec![], 9);
    let mut broken = sweep(vec![], 9);
    broken.epochs[4].epoch.training.loss = f64::NAN;
    broken.epochs[4].epoch.validation.as_mut().unwrap().accuracy = Some(f64::INFINITY);
    let solid_lines = |sweep: &Sweep| {
        let svg = curves(&sweep.results()).unwrap();
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        svg.lines()
            .filter(|l| l.matches(',').count() >= 4 && l.contains("#0072B2"))
            .count()
    };
    assert!(solid_lines(&broken) > solid_lines(&whole));
}

#[test]
fn one_epoch_is_a_mark_and_no_validation_is_said() {
    let mut sweep = sweep(vec![], 1);
    sweep.epochs[0].epoch.validation = None;
    let svg = curves(&sweep.results()).unwrap();
    // One in each of the two plots, one in the legend.
    assert_eq!(svg.matches("<circle").count(), 3);
    let texts = texts_of(&svg);
    assert!(
        texts.iter().any(|t| t.ends_with("; no validation images")),
        "{texts:?}"
    );
}

#[test]
fn an_axis_is_compared_in_the_order_of_its_values_with_means() {
    let sweep = depths_and_seeds();
    let texts = texts_of(&compare(&sweep.results(), &sweep.axes[0]).unwrap());
    let at = |name: &str| texts.iter().position(|t| t == name).unwrap();
    assert!(DEPTHS.windows(2).all(|pair| at(pair[0]) < at(pair[1])));
    assert_has(
        &texts,
        &[
            "vgg16_freeze_depths: accuracy by freeze.through",
            "15 finished runs, a point each; large mark and bar: mean ± standard deviation of the runs that share a value",
            "validation accuracy (best epoch)",
            "test accuracy",
            "accuracy (%)",
        ],
    );
}

#[test]
fn a_wide_numeric_axis_is_logarithmic_and_the_loss_stands_in_for_accuracy() {
    let mut sweep = sweep(
        vec![floats("optimizer.learning_rate", &[1e-4, 1e-3, 1e-2])],
        3,
    );
    for row in &mut sweep.epochs {
        row.epoch.validation.as_mut().unwrap().accuracy = None;
    }
    sweep.runs.iter_mut().for_each(|run| run.test = None);
    let texts = texts_of(&compare(&sweep.results(), &sweep.axes[0]).unwrap());
    let expected = [
        "optimizer.learning_rate (log scale)",
        "1e-4",
        "0.001",
        "0.01",
        "loss",
    ];
    assert_has(&texts, &expected);
    assert!(!texts.iter().any(|t| t == "test loss"));
}

#[test]
fn names_are_escaped_and_shortened() {
    let long = "a<b>&\"\u{7}".repeat(20);
    let sweep = sweep(vec![texts("freeze.through", &[&long, "x"])], 2);
    let texts = texts_of(&curves(&sweep.results()).unwrap());
    let label = texts
        .iter()
        .find(|t| t.starts_with("a&lt;b&gt;&amp;&quot; "))
        .unwrap();
    assert!(label.contains('…'));
    texts_of(&compare(&sweep.results(), &sweep.axes[0]).unwrap());
}

#[test]
fn every_swept_axis_gets_a_file_and_the_same_rows_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let charts = folder.path().join("charts");
    let sweep = depths_and_seeds();
    let read = |paths: &[PathBuf]| -> Vec<Vec<u8>> {
        paths.iter().map(|p| fs::read(p).unwrap()).collect()
    };
    let paths = write_charts(&charts, &sweep.results()).unwrap();
    let first = read(&paths);
    assert_eq!(
        read(&write_charts(&charts, &sweep.results()).unwrap()),
        first
    );
    let mut names: Vec<_> = fs::read_dir(&charts)
        .unwrap()
        .map(|f| f.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "compare_freeze.through.svg",
            "compare_seed.svg",
            "curves.svg"
        ]
    );
}

#[test]
fn before_the_first_epoch_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let charts = folder.path().join("charts");
    let sweep = sweep(vec![], 0);
    assert!(write_charts(&charts, &sweep.results()).unwrap().is_empty());
    assert!(!charts.exists());
}

#[test]
fn keys_become_safe_file_names() {
    assert_eq!(file_name("freeze.through"), "compare_freeze.through.svg");
    assert_eq!(file_name("a/../b c"), "compare_a_.._b_c.svg");
}
