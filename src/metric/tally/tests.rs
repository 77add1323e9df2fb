//! What is counted, by hand and by scikit-learn.

use super::*;
use crate::label_sets::LabelSets;
use crate::metric::{
    ACCURACY, METRICS, PER_CLASS, PER_CLASS_F1, PER_CLASS_PRECISION, TOP5_ACCURACY,
};

fn softmax(logits: &[f32]) -> Vec<f32> {
    let powers: Vec<f64> = logits.iter().map(|x| f64::from(*x).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers
        .into_iter()
        .map(|power| (power / sum) as f32)
        .collect()
}

#[test]
fn partial_batches_count_by_their_size() {
    let mut tally = Tally::new(2, []);
    tally
        .add(
            1.0,
            &[vec![0., 1.], vec![0., 1.], vec![1., 0.]],
            &[1, 1, 1],
            softmax,
        )
        .unwrap();
    tally.add(5.0, &[vec![0., 1.]], &[0], softmax).unwrap();
    let metrics = tally.metrics([&ACCURACY, &PER_CLASS]);
    assert_eq!(metrics.loss, 2.0);
    assert_eq!(metrics.accuracy(), Some(0.5));
    assert_eq!(metrics.each(&PER_CLASS), Some(&[0.0, 2.0 / 3.0][..]));
    assert_eq!(metrics.number(&TOP5_ACCURACY), None);
}

#[test]
fn equal_logits_go_to_the_first_class_and_nan_is_never_a_hit() {
    assert_eq!(rank(&[1., 1., 0.], 0), 0);
    assert_eq!(rank(&[1., 1., 0.], 1), 1);
    assert_eq!(rank(&[f32::NAN, 1.], 1), 1);
    assert_eq!(rank(&[f32::NAN, 1.], 0), 1);
    assert_eq!(predicted(&[0., 1., 1.]), Some(1));
    assert_eq!(predicted(&[f32::NEG_INFINITY; 2]), Some(0));
    assert_eq!(predicted(&[1., f32::NAN]), None);
}

#[test]
fn top5_counts_the_five_largest() {
    let mut tally = Tally::new(7, []);
    let row: Vec<f32> = (0..7).map(|v| v as f32).collect();
    tally
        .add(0.0, &[row.clone(), row], &[2, 1], softmax)
        .unwrap();
    assert_eq!(tally.top5_accuracy(), 0.5);
}

/// Labels, and half-integer logits with ties; class 3 is never predicted.
fn samples() -> (Vec<u32>, Vec<Vec<f32>>) {
    let labels = vec![0, 0, 1, 1, 2, 2, 2, 0, 1, 3, 2, 0];
    let logits = [
        [2., 1., 0., -1.],
        [0., 1., 0., 0.],
        [1., 2., 1., 0.],
        [3., 1., 0., 0.],
        [0., 0., 2., 1.],
        [0., 1., 1., 0.],
        [1., 0., 3., 0.],
        [2., 0., 0., 2.],
        [0., 2., 2., 0.],
        [1., 0., 0., 0.5],
        [0., 0., 1., 0.],
        [1., 1., 0., 0.],
    ];
    (labels, logits.map(|row| row.to_vec()).to_vec())
}

/// ```python
/// from sklearn.metrics import *  # 1.9.1; y and logits as in `samples`
/// p = (np.exp(logits) / np.exp(logits).sum(1, keepdims=True)).astype(np.float32).astype(np.float64)
/// said, top, rest = logits.argmax(1), p.max(1), [(y == c, p[:, c]) for c in range(4)]
/// bins = np.ceil(top * 15).clip(1, 15)
/// balanced_accuracy_score(y, said), precision_score(y, said, average="macro", zero_division=0)
/// recall_score(y, said, average="macro"), f1_score(y, said, average="macro"), cohen_kappa_score(y, said)
/// np.mean([roc_auc_score(*one) for one in rest]), np.mean([average_precision_score(*one) for one in rest])
/// sum(abs((said == y)[bins == b].sum() - top[bins == b].sum()) for b in range(1, 16)) / len(y)
/// precision_score(y, said, average=None, zero_division=0), f1_score(y, said, average=None)
/// ```
#[test]
fn metrics_are_those_of_scikit_learn() {
    let (labels, logits) = samples();
    let mut tally = Tally::new(4, METRICS).expecting(12);
    for (rows, labels) in logits.chunks(5).zip(labels.chunks(5)) {
        tally.add(0.0, rows, labels, softmax).unwrap();
    }
    let metrics = tally.metrics(METRICS);
    let expected = [
        ("balanced_accuracy", 0.541_666_666_666_666_6),
        ("precision", 0.525),
        ("recall", 0.541_666_666_666_666_6),
        ("macro_f1", 0.523_809_523_809_523_8),
        ("cohen_kappa", 0.52),
        ("auroc", 0.846_051_662_457_912_4),
        ("average_precision", 0.670_833_333_333_333_4),
        ("calibration_error", 0.236_781_100_432_078_03),
    ];
    for (name, value) in expected {
        let found = metrics.value(name).unwrap();
        assert!(
            (found - value).abs() < 1e-12,
            "{name}: {found}, not {value}"
        );
    }
    let each = |metric| metrics.each(metric).unwrap();
    assert_eq!(each(&PER_CLASS_PRECISION), [0.6, 0.5, 1.0, 0.0]);
    assert_eq!(each(&PER_CLASS_F1), [2.0 / 3.0, 4.0 / 7.0, 6.0 / 7.0, 0.0]);
}

/// As scikit-learn, which warns: `balanced_accuracy_score([0, 0, 1], [0, 2, 1])` is 0.75,
/// `recall_score(…, average="macro", zero_division=0)` 0.5, `precision_score` of the same 2/3.
#[test]
fn a_class_without_samples_is_left_out_or_counts_as_0_where_it_is_predicted() {
    let mut tally = Tally::new(4, METRICS);
    let rows = [[1., 0., 0., 0.], [0., 0., 1., 0.], [0., 1., 0., 0.]].map(|row| row.to_vec());
    tally.add(0.0, &rows, &[0, 0, 1], softmax).unwrap();
    let metrics = tally.metrics(METRICS);
    let value = |name| metrics.value(name).unwrap();
    assert_eq!(value("balanced_accuracy"), 0.75);
    assert_eq!(value("recall"), 0.5);
    assert_eq!(value("precision"), 2.0 / 3.0);
    assert_eq!(value("auroc"), (0.75 + 1.0) / 2.0);
    let each = metrics.each(&PER_CLASS_PRECISION).unwrap();
    assert_eq!(each[..3], [1.0, 1.0, 0.0]);
    assert!(each[3].is_nan());
}

#[test]
fn what_a_tally_keeps_survives_being_saved() {
    let (labels, logits) = samples();
    let mut whole = Tally::new(4, METRICS);
    whole.add(0.0, &logits[..7], &labels[..7], softmax).unwrap();
    let mut read: Tally = toml::from_str(&toml::to_string(&whole).unwrap()).unwrap();
    let (scores, kept) = whole.ranking().unwrap().kept();
    let ranking = read.ranking_mut().unwrap();
    assert!(ranking.put_back(&scores[1..], kept.to_vec(), 4).is_err());
    ranking.put_back(scores, kept.to_vec(), 4).unwrap();
    for tally in [&mut whole, &mut read] {
        tally.add(0.0, &logits[7..], &labels[7..], softmax).unwrap();
    }
    assert_eq!(read.metrics(METRICS), whole.metrics(METRICS));
}

#[test]
fn only_what_wanted_metrics_need_is_kept() {
    let tally = Tally::new(4, [&ACCURACY, &PER_CLASS]);
    assert!(tally.ranking.is_none() && tally.calibration.is_none());
    assert!(tally.auroc().is_nan() && tally.calibration_error().is_nan());
}

#[test]
fn logits_of_another_width_are_refused() {
    assert!(matches!(
        Tally::new(3, []).add(0.0, &[vec![0., 1.]], &[0], softmax),
        Err(WrongLogits { .. })
    ));
}

/// ```python
/// y, p = [[1, 1, 0], [0, 1, 0], [0, 0, 0], [1, 0, 0]], [[.9, .4, .2], [.6, .8, .1], [.3, .2, .5], [.7, .1, .05]]
/// s = np.array(p) > 0.5
/// keras.metrics.BinaryAccuracy()(y, p)                                                # 0.8333333 (Keras 3.15.1)
/// accuracy_score(y, s), f1_score(y, s, average="micro"), f1_score(y, s, average=None, zero_division=np.nan)
/// precision_score(y, s, average=None), roc_auc_score(y[:, :2], p[:, :2], average="macro")       # scikit-learn 1.9.1
/// ```
#[test]
fn samples_of_several_labels_are_counted_as_by_keras_and_scikit_learn() {
    let (labels, sets) = LabelSets::of([vec![0, 1], vec![1], vec![], vec![0]]);
    let rows = [
        [0.9f32, 0.4, 0.2],
        [0.6, 0.8, 0.1],
        [0.3, 0.2, 0.5],
        [0.7, 0.1, 0.05],
    ];
    let rows = rows.map(|row| row.to_vec());
    let mut tally = Tally::new(3, METRICS).of_sets(Some(Arc::new(sets)), 0.5);
    tally.add(1.0, &rows, &labels, <[f32]>::to_vec).unwrap();
    let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found}");
    close(tally.accuracy(), 10.0 / 12.0);
    close(tally.exact_match(), 2.0 / 4.0);
    close(tally.micro_f1(), 2.0 * 3.0 / 8.0);
    let f1 = tally.f1_scores();
    close(f1[0], 0.8);
    close(f1[1], 2.0 / 3.0);
    assert!(f1[2].is_nan());
    close(tally.precisions()[0], 2.0 / 3.0);
    close(tally.auroc(), 1.0);
    let json = serde_json::to_string(&tally).unwrap();
    let read: Tally = serde_json::from_str(&json).unwrap();
    close(read.as_in(&tally).accuracy(), tally.accuracy());
}
