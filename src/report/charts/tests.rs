use super::*;
use crate::record::fixtures::{floats, integers, sweep, texts};

/// The charts of a made-up sweep, by file.
fn charts(axes: Vec<crate::record::Axis>) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("made_up");
    std::fs::create_dir(&folder).unwrap();
    sweep(axes, 6).write(&folder);
    let experiment = Experiment::read(&folder).unwrap();
    let chart = |chart: Chart| (chart.file, chart.svg.standalone());
    all(&experiment).into_iter().map(chart).collect()
}

fn names(charts: &[(String, String)]) -> Vec<&str> {
    charts.iter().map(|(file, _)| file.as_str()).collect()
}

#[test]
fn one_run_has_its_curves_and_nothing_to_compare() {
    let charts = charts(vec![]);
    assert_eq!(names(&charts), ["curves.svg"]);
    let svg = &charts[0].1;
    // Training and validation, accuracy and loss.
    assert_eq!(svg.matches("<polyline class=\"line s").count(), 4 + 2);
}

#[test]
fn every_axis_and_every_pair_of_axes_has_a_chart() {
    let charts = charts(vec![
        texts("freeze.through", &["none", "block2_pool", "all"]),
        floats("optimizer.learning_rate", &[1e-5, 1e-4, 1e-2]),
        integers("seed", 0..2),
    ]);
    let expected = [
        "curves.svg",
        "compare_freeze.through.svg",
        "compare_optimizer.learning_rate.svg",
        "heat_freeze.through_optimizer.learning_rate.svg",
        "time.svg",
    ];
    assert_eq!(names(&charts), expected);
    let rates = &charts[2].1;
    assert!(rates.contains("optimizer.learning_rate (log scale)"));
    assert_eq!(rates.matches("mark s0 faint").count(), 6, "a mark a run");
    assert!(charts[0].1.contains("band s0"), "a band over the seeds");
}

#[test]
fn bars_end_inside_the_frame() {
    let charts = charts(vec![
        texts("freeze.through", &["none", "all"]),
        integers("seed", 0..3),
    ]);
    let (file, svg) = &charts[1];
    assert_eq!(file, "compare_freeze.through.svg");
    let lines = svg.split("<line class=\"line s0\"").skip(1);
    // A bar in two halves, each with a cap, at each of two values.
    assert_eq!(lines.count(), 2 * 2 * 2, "{svg}");
}

#[test]
fn forty_settings_have_a_small_plot_each() {
    let charts = charts(vec![
        texts(
            "freeze.through",
            &["none", "block2_pool", "block4_pool", "all"],
        ),
        integers("training.batch_size", 1..11),
    ]);
    assert_eq!(charts[0].1.matches("class=\"frame\" x=").count(), 2 * 40);
}

#[test]
fn names_from_a_spec_cannot_break_a_chart() {
    let charts = charts(vec![
        texts("dataset.path", &["<a&b>", "\"c\u{7}\""]),
        integers("seed", 0..2),
    ]);
    for (file, svg) in charts {
        assert!(!svg.contains("<a&b>") && !svg.contains('\u{7}'), "{file}");
    }
}

#[test]
fn the_same_tables_give_the_same_bytes() {
    let axes = || {
        vec![
            texts("freeze.through", &["none", "all"]),
            integers("seed", 0..3),
        ]
    };
    assert!(charts(axes()) == charts(axes()));
}
