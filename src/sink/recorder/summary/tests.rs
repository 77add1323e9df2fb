use super::*;
use crate::metric::ACCURACY;
use crate::store::fixtures::{Sweep, integers, sweep, texts};

fn with_results(mut sweep: Sweep, accuracies: &[f64]) -> Sweep {
    for (run, accuracy) in sweep.runs.iter_mut().zip(accuracies) {
        run.test.as_mut().unwrap().set(&ACCURACY, *accuracy);
        run.best_epoch = Some(2);
    }
    for run in &mut sweep.runs {
        run.validation.as_mut().unwrap().set(&ACCURACY, 0.5);
    }
    sweep
}

#[test]
fn runs_are_listed_best_first_and_failures_last_with_their_error() {
    let axes = vec![texts("freeze.through", &["none", "block4_pool", "all"])];
    let mut sweep = with_results(sweep(axes, 3), &[0.5, 0.875, 0.6]);
    let failed = &mut sweep.runs[0];
    failed.status = Status::Failed;
    failed.error = Some("the loss is NaN\nin epoch 2".into());
    failed.test = None;
    failed.validation = None;
    failed.best_epoch = None;
    failed.trainable_parameters = None;
    sweep.epochs.retain(|row| !row.run.starts_with("none"));
    let expected = "\
through      status    epochs  best_epoch  val_accuracy  test_accuracy  trainable  seconds
block4_pool  finished       3           2         50.0%          87.5%    134,410     37.5
all          finished       3           2         50.0%          60.0%    134,410     37.5
none         failed         3           –             –              –          –     37.5
through=none failed: the loss is NaN
";
    assert_eq!(summary(&sweep.results(), WIDTH), expected);
}

#[test]
fn the_order_is_that_of_the_validation_images() {
    let axes = vec![texts("freeze.through", &["none", "all"])];
    let mut sweep = with_results(sweep(axes, 1), &[0.9, 0.1]);
    let validation = sweep.runs[1].validation.as_mut();
    validation.unwrap().set(&ACCURACY, 0.75);
    let text = summary(&sweep.results(), WIDTH);
    assert!(
        text.find("all").unwrap() < text.find("none").unwrap(),
        "{text}"
    );
}

#[test]
fn a_narrow_table_shows_the_run_and_no_status_where_all_finished() {
    let sweep = with_results(sweep(vec![], 2), &[0.25]);
    let expected = "\
run    epochs  best_epoch  val_accuracy  test_accuracy  trainable  seconds
-0000       2           2         50.0%          25.0%    134,410     25.0
";
    assert_eq!(summary(&sweep.results(), WIDTH), expected);
}

#[test]
fn a_wide_table_fits_into_100_columns() {
    let long = ["squeezenet_fire10_expand3x3_and_more", "x"];
    let keys = ["a.first_key", "a.second_key", "a.third_key", "a.fourth_key"];
    let mut axes: Vec<_> = keys.iter().map(|key| texts(key, &long)).collect();
    axes.push(integers("seed", 0..2));
    let text = summary(&sweep(axes, 1).results(), WIDTH);
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
    assert!(
        text.contains("val_accuracy") && text.contains("seed"),
        "{text}"
    );
}

#[test]
fn without_accuracy_the_loss_decides() {
    let mut sweep = sweep(vec![integers("seed", 0..2)], 1);
    for (run, loss) in sweep.runs.iter_mut().zip([0.75, 0.25]) {
        run.test = Some(Metrics::of_loss(loss));
    }
    for run in &mut sweep.runs {
        run.validation = None;
    }
    let text = summary(&sweep.results(), WIDTH);
    let losses: Vec<&str> = text
        .lines()
        .filter_map(|line| {
            line.split("  ")
                .find(|c| c.contains("0.") && c.trim().len() == 6)
        })
        .collect();
    assert_eq!(
        losses.iter().map(|l| l.trim()).collect::<Vec<_>>(),
        ["0.2500", "0.7500"]
    );
    assert!(text.contains("test_loss"), "{text}");
}

#[test]
fn the_validation_numbers_are_those_of_the_saved_model() {
    let mut sweep = with_results(sweep(vec![], 3), &[0.25]);
    // Its best epoch was a better one.
    sweep.epochs[1]
        .epoch
        .validation
        .as_mut()
        .unwrap()
        .set(&ACCURACY, 0.9);
    let text = summary(&sweep.results(), WIDTH);
    assert!(text.contains("50.0%") && !text.contains("90.0%"), "{text}");
}

#[test]
fn runs_tested_on_different_images_are_not_ranked_against_each_other() {
    let axes = vec![
        integers("dataset.test_limit", [10, 20]),
        integers("seed", 0..2),
    ];
    let mut sweep = with_results(sweep(axes, 1), &[0.5, 0.6, 0.7, 0.8]);
    for run in &mut sweep.runs {
        run.validation = run.test.clone();
    }
    for (run, limit) in sweep.runs.iter_mut().zip([10, 10, 20, 20]) {
        run.spec = format!(r#"{{"dataset": {{"name": "digits", "test_limit": {limit}}}}}"#).into();
    }
    let text = summary(&sweep.results(), WIDTH);
    let shown: Vec<&str> = text.matches(".0%").map(|_| "").collect();
    assert_eq!(shown.len(), 8, "{text}");
    let order: Vec<usize> = ["60.0%", "50.0%  ", "80.0%", "70.0%"]
        .map(|cell| text.rfind(cell).unwrap())
        .into();
    assert!(order[2] < order[3] && order[0] < order[2], "{text}");
    assert!(
        text.contains("measured on 2 different sets of images"),
        "{text}"
    );
}

#[test]
fn runs_of_earlier_forms_are_counted() {
    let sweep = sweep(vec![], 1);
    let mut results = sweep.results();
    assert!(!summary(&results, WIDTH).contains("earlier"));
    results.others = 2;
    assert!(summary(&results, WIDTH).contains("2 runs of earlier forms of this spec are"));
}

#[test]
fn no_runs_give_no_table() {
    assert_eq!(
        summary(&sweep(vec![], 0).results(), WIDTH).lines().count(),
        2
    );
    let nothing = Sweep {
        axes: vec![],
        runs: vec![],
        epochs: vec![],
    };
    assert_eq!(summary(&nothing.results(), WIDTH), "");
}
