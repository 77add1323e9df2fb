use super::*;
use crate::metric::ACCURACY;
use crate::store::Status;
use crate::store::fixtures::{Sweep, floats, integers, sweep, texts};

/// The charts of a made-up sweep, by file.
fn charts(axes: Vec<crate::store::Axis>) -> Vec<(String, String)> {
    charts_of(&sweep(axes, 6))
}

fn charts_of(sweep: &Sweep) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("made_up");
    std::fs::create_dir(&folder).unwrap();
    sweep.write(&folder);
    let experiment = Experiment::read(&folder).unwrap();
    let chart = |chart: Chart| (chart.file.clone(), chart.standalone());
    all(&experiment).into_iter().map(chart).collect()
}

fn names(charts: &[(String, String)]) -> Vec<&str> {
    charts.iter().map(|(file, _)| file.as_str()).collect()
}

fn named<'a>(charts: &'a [(String, String)], file: &str) -> &'a str {
    let found = charts.iter().find(|(name, _)| name == file);
    &found.unwrap_or_else(|| panic!("no {file}")).1
}

#[test]
fn one_run_has_its_curves_and_nothing_to_compare() {
    let charts = charts(vec![]);
    assert_eq!(names(&charts), ["curves.svg"]);
    let svg = &charts[0].1;
    // Training and validation, accuracy and loss, and the legend.
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
    assert_eq!(rates.matches("mark s0 faint").count(), 6, "a mark per run");
    assert!(rates.contains("over seed (n = 2)"), "what bars are over");
    assert!(charts[0].1.contains("band s0"), "a band over the seeds");
}

#[test]
fn bars_end_inside_the_frame() {
    let mut made = sweep(
        vec![
            texts("freeze.through", &["none", "all"]),
            integers("seed", 0..3),
        ],
        6,
    );
    let charts = charts_of(&made);
    let svg = named(&charts, "compare_freeze.through.svg");
    // A bar in two halves, each with a cap, at each of two values.
    assert_eq!(ends_of(svg, "line class=\"line s0\"").len(), 2 * 2 * 2);

    // 0.9 ± 0.17: more than all.
    for (run, accuracy) in made.runs.iter_mut().zip([1.0, 1.0, 0.7].repeat(2)) {
        run.test.as_mut().unwrap().set(&ACCURACY, accuracy);
    }
    let charts = charts_of(&made);
    let svg = named(&charts, "compare_freeze.through.svg");
    let bars = ends_of(svg, "line class=\"line s0\"");
    assert_eq!(bars.len(), 2 * 3, "the upper halves have no cap: {svg}");
    let top = attribute(svg.split("<rect class=\"frame\"").nth(1).unwrap(), "y");
    let highest = bars.iter().flatten().copied().fold(f64::MAX, f64::min);
    assert_eq!(highest, top, "{svg}");
}

/// The number that an attribute of the first of these tags is.
fn attribute(tags: &str, name: &str) -> f64 {
    let rest = tags.split_once(&format!(" {name}=\"")).unwrap().1;
    rest.split_once('"').unwrap().0.parse().unwrap()
}

/// The heights of both ends of every line whose tag begins so.
fn ends_of(svg: &str, tag: &str) -> Vec<[f64; 2]> {
    let tag = format!("<{tag}");
    let lines = svg.split(tag.as_str()).skip(1);
    lines
        .map(|line| ["y1", "y2"].map(|name| attribute(line, name)))
        .collect()
}

#[test]
fn lines_lead_through_amounts_and_depths_but_not_through_names() {
    let charts = charts(vec![
        texts("optimizer.name", &["sgd", "adam", "rmsprop"]),
        integers("training.batch_size", [8, 16, 32]),
        texts("freeze.through", &["none", "all"]),
    ]);
    let lines = |file: &str| {
        let svg = named(&charts, file);
        svg.matches("<polyline class=\"line faint").count()
    };
    assert_eq!(lines("compare_optimizer.name.svg"), 0);
    assert!(lines("compare_training.batch_size.svg") > 0);
    assert!(lines("compare_freeze.through.svg") > 0);
}

#[test]
fn seeds_have_no_order_and_no_line() {
    let made = sweep(
        vec![
            texts("freeze.through", &["none", "all"]),
            integers("seed", 0..3),
        ],
        6,
    );
    let charts = charts_of(&made);
    assert!(!names(&charts).contains(&"compare_seed.svg"));
    let folder = tempfile::tempdir().unwrap();
    made.write(folder.path());
    let files = files(&Experiment::read(folder.path()).unwrap());
    let seeds = files.iter().find(|chart| chart.file == "compare_seed.svg");
    let svg = seeds.unwrap().standalone();
    assert!(!svg.contains("<polyline") && !svg.contains("<line class=\"line"));
    assert_eq!(svg.matches("\"mark s").count(), 6 + 2, "a mark per run");
}

/// Seven settings at each value: too many for colours, and for plots of their own.
#[test]
fn settings_that_differ_in_other_axes_are_not_pooled_as_noise() {
    let charts = charts(vec![
        integers("training.batch_size", 1..8),
        integers("head.1.units", 1..8),
        integers("seed", 0..2),
    ]);
    let svg = named(&charts, "compare_training.batch_size.svg");
    assert!(svg.contains("differ in head.1.units"), "{svg}");
    assert_eq!(svg.matches("class=\"average\"").count(), 7);
    // Each of 49 settings has a bar over its own two seeds.
    let bars = svg.matches("<line class=\"line s0\"").count();
    assert!((49 * 2..=49 * 4).contains(&bars), "{bars}");
    assert!(svg.contains("over seed (n = 2)"));
}

#[test]
fn three_axes_are_shown_together_and_each_in_plots_of_their_own() {
    let charts = charts(vec![
        texts(
            "freeze.through",
            &["none", "block2_pool", "block4_pool", "all"],
        ),
        floats("optimizer.learning_rate", &[1e-4, 1e-3, 1e-2]),
        integers("training.batch_size", [16, 32]),
    ]);
    let svg = named(&charts, "parallel.svg");
    // 24 settings, and the legend: five coloured, the others grey.
    assert_eq!(svg.matches("<polyline class=\"line best s").count(), 5);
    assert_eq!(
        svg.matches("<polyline class=\"line others\"").count(),
        19 + 1
    );
    assert_eq!(
        named(&charts, "curves.svg")
            .matches("class=\"frame\" x=")
            .count(),
        2 * 12
    );
    assert!(named(&charts, "curves.svg").contains("The best 12 of 24 settings are shown."));
}

#[test]
fn colours_of_a_heat_map_are_the_same_in_the_dark_and_explained_by_values() {
    let mut made = sweep(
        vec![
            texts("freeze.through", &["none", "all"]),
            integers("training.batch_size", [16, 32]),
            integers("training.epochs", [3, 6]),
        ],
        6,
    );
    made.runs[0].status = Status::Failed;
    let charts = charts_of(&made);
    let svg = named(&charts, "heat_freeze.through_training.batch_size.svg");
    assert!(!svg.contains("darker") && svg.contains("higher is better"));
    // The best cell is the light end of the scale, the worst the dark one.
    assert!(svg.contains("fill=\"#fde725\"") && svg.contains("fill=\"#440154\""));
    assert!(svg.contains("mean over 2 settings, which differ in training.epochs"));
    assert!(svg.contains("* lacks settings that other cells have"));
}

#[test]
fn an_axis_that_does_not_start_at_0_says_so() {
    let charts = charts(vec![texts("optimizer.name", &["sgd", "adam"])]);
    let svg = named(&charts, "compare_optimizer.name.svg");
    assert!(svg.contains("it does not start at 0"), "{svg}");
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

/// Of charts that are made again, everything that a look at them decided on. After a change: look at them as pictures,
/// then `INSTA_UPDATE=always cargo test --release --lib charts::`.
#[test]
fn charts_are_drawn_as_they_were_when_they_were_looked_at() {
    let made = sweep(
        vec![
            texts("freeze.through", &["none", "all"]),
            floats("optimizer.learning_rate", &[1e-4, 1e-2]),
            integers("seed", 0..2),
        ],
        3,
    );
    for (file, svg) in charts_of(&made) {
        let drawn = svg.replace(STYLE, "").replace("><", ">\n<");
        insta::assert_snapshot!(file, drawn);
    }
}
