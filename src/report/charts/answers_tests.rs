//! Charts of what runs predicted, with any number of classes.

use super::of_predictions;
use crate::claim::Token;
use crate::features::Split;
use crate::rng::{Purpose, Stream};
use crate::run::{Answers, PartPredictions};
use crate::spec::Activation;
use crate::store::predictions::{self, Predictions};

/// What a network that is often right would answer.
fn answered(classes: u32, images: u32) -> Predictions {
    let names: Vec<String> = (0..classes).map(|class| format!("class {class}")).collect();
    let mut noise = Stream::new(1, Purpose::Init, 0, 0);
    let mut answers = Answers::new(images as usize, names.len());
    for image in 0..images {
        let label = image % classes;
        let mut logits: Vec<f32> = (0..classes).map(|_| 4.0 * noise.uniform()).collect();
        logits[label as usize] += 2.0;
        answers.add(&logits, label, Activation::Softmax);
    }
    let part = PartPredictions {
        part: Split::Test,
        answers,
        files: None,
        pictures: Default::default(),
    };
    let folder = tempfile::tempdir().unwrap();
    predictions::write(folder.path(), "r", &names, &part, &Token::unclaimed()).unwrap();
    predictions::read(folder.path()).unwrap().unwrap()
}

/// Each chart's file and SVG.
fn drawn(runs: &[&Predictions]) -> Vec<(String, String)> {
    let charts = of_predictions("made up", runs).into_iter();
    charts
        .map(|chart| (chart.file.clone(), chart.standalone()))
        .collect()
}

#[test]
fn charts_of_predictions_stay_small_and_have_few_lines_with_any_number_of_classes() {
    for (classes, cells, lines) in [
        (2, 2, 2),
        (10, 10, 5 + 1),
        (100, 100, 5 + 1),
        (1000, 40, 5 + 1),
    ] {
        let charts = drawn(&[&answered(classes, 3000)]);
        let files: Vec<&str> = charts.iter().map(|(file, _)| file.as_str()).collect();
        let expected = [
            "confusion.svg",
            "confusion_predictions.svg",
            "confusion_counts.svg",
            "per_class.svg",
            "roc.svg",
            "reliability.svg",
        ];
        assert_eq!(files, expected);
        for (file, svg) in &charts {
            assert!(svg.len() < 2_000_000, "{file}: {} bytes", svg.len());
        }
        let framed = charts[0].1.matches("<rect class=\"right\"").count();
        assert_eq!(framed, cells);
        // In two plots, and in the legend.
        let roc = &charts[4].1;
        assert_eq!(
            roc.matches("<polyline class=\"line ").count(),
            3 * lines,
            "{classes}"
        );
    }
}

#[test]
fn a_confusion_matrix_shows_shares_of_the_label_of_the_prediction_and_images() {
    let charts = drawn(&[&answered(2, 100)]);
    let of_all = |svg: &str| svg.contains("class 0 taken for class 1:");
    assert!(charts[..3].iter().all(|(_, svg)| of_all(svg)));
    let legends = ["with this label", "with this prediction", ">images</text>"];
    for ((_, svg), legend) in charts.iter().zip(legends) {
        assert!(svg.contains(legend), "{svg}");
    }
}

#[test]
fn curves_are_of_the_first_run_which_is_named_and_old_tables_have_none() {
    let (one, other) = (answered(3, 60), answered(3, 60).without_ranking());
    let charts = drawn(&[&one, &other]);
    let roc = charts.iter().find(|(file, _)| file == "roc.svg").unwrap();
    assert!(roc.1.contains("Of the run r, the first of 2."), "{}", roc.1);
    let files: Vec<String> = drawn(&[&other]).into_iter().map(|(file, _)| file).collect();
    assert!(!files.contains(&"roc.svg".into()), "{files:?}");
    assert!(files.contains(&"reliability.svg".into()), "{files:?}");
}
