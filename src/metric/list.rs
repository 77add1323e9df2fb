//! What can be measured: a row each.

use super::mean::mean;
use super::{Labels, Metric, Needs, Of, Tally, Undefined, Unit};

/// The mean loss: always measured, whatever it is.
pub static LOSS: Metric = Metric {
    name: "loss",
    about: "the mean loss",
    unit: Unit::Plain,
    rises: false,
    of: Of::All(Tally::loss),
    ..SHARE
};

pub static ACCURACY: Metric = Metric {
    name: "accuracy",
    about: "the share of samples whose label has the largest logit; of several labels, of right decisions about a class",
    of: Of::All(Tally::accuracy),
    ..SHARE
};

pub static TOP5_ACCURACY: Metric = Metric {
    name: "top5_accuracy",
    about: "the share of samples whose label is among the five largest logits",
    says_nothing_of: 5,
    labels: Labels::One,
    of: Of::All(Tally::top5_accuracy),
    ..SHARE
};

static BALANCED_ACCURACY: Metric = Metric {
    name: "balanced_accuracy",
    about: "the mean of `per_class`, over classes with samples",
    undefined: Undefined::LeftOut,
    labels: Labels::One,
    of: Of::All(Tally::balanced_accuracy),
    ..SHARE
};

static PRECISION: Metric = Metric {
    name: "precision",
    about: "the mean of `per_class_precision`",
    undefined: Undefined::Zero,
    of: Of::All(|tally| macro_mean(tally, Tally::precisions)),
    ..SHARE
};

static RECALL: Metric = Metric {
    name: "recall",
    about: "the mean of `per_class`, where a class that is predicted and has no sample counts as 0",
    undefined: Undefined::Zero,
    of: Of::All(|tally| macro_mean(tally, Tally::accuracies)),
    ..SHARE
};

static MACRO_F1: Metric = Metric {
    name: "macro_f1",
    about: "the mean of `per_class_f1`",
    undefined: Undefined::Zero,
    of: Of::All(|tally| macro_mean(tally, Tally::f1_scores)),
    ..SHARE
};

static MICRO_F1: Metric = Metric {
    name: "micro_f1",
    about: "of several labels: the F1 score of all decisions about all classes together",
    labels: Labels::Several,
    of: Of::All(Tally::micro_f1),
    ..SHARE
};

static EXACT_MATCH: Metric = Metric {
    name: "exact_match",
    about: "of several labels: the share of samples of which every class is decided right",
    labels: Labels::Several,
    of: Of::All(Tally::exact_match),
    ..SHARE
};

static COHEN_KAPPA: Metric = Metric {
    name: "cohen_kappa",
    about: "Cohen's kappa: agreement with the labels beyond chance, at most 1",
    unit: Unit::Plain,
    labels: Labels::One,
    of: Of::All(Tally::cohen_kappa),
    ..SHARE
};

static AUROC: Metric = Metric {
    name: "auroc",
    about: "the area under the ROC curve of each class against the rest, its mean over classes with samples",
    unit: Unit::Plain,
    needs: Needs::Scores,
    undefined: Undefined::LeftOut,
    of: Of::All(Tally::auroc),
    ..SHARE
};

static AVERAGE_PRECISION: Metric = Metric {
    name: "average_precision",
    about: "the average precision of each class against the rest, its mean over classes with samples",
    unit: Unit::Plain,
    needs: Needs::Scores,
    undefined: Undefined::LeftOut,
    of: Of::All(Tally::average_precision),
    ..SHARE
};

static CALIBRATION_ERROR: Metric = Metric {
    name: "calibration_error",
    about: "the expected calibration error, over 15 equally wide bins of the largest probability",
    rises: false,
    labels: Labels::One,
    needs: Needs::Confidence,
    of: Of::All(Tally::calibration_error),
    ..SHARE
};

pub static PER_CLASS: Metric = Metric {
    name: "per_class",
    about: "the accuracy of each class, which is its recall",
    of: Of::EachClass(Tally::accuracies),
    ..SHARE
};

pub static PER_CLASS_PRECISION: Metric = Metric {
    name: "per_class_precision",
    about: "the precision of each class, 0 where it is never predicted",
    of: Of::EachClass(Tally::precisions),
    ..SHARE
};

pub static PER_CLASS_F1: Metric = Metric {
    name: "per_class_f1",
    about: "the F1 score of each class",
    of: Of::EachClass(Tally::f1_scores),
    ..SHARE
};

/// Every metric that a spec can ask for.
pub static METRICS: [&Metric; 15] = [
    &ACCURACY,
    &TOP5_ACCURACY,
    &BALANCED_ACCURACY,
    &PRECISION,
    &RECALL,
    &MACRO_F1,
    &MICRO_F1,
    &EXACT_MATCH,
    &COHEN_KAPPA,
    &AUROC,
    &AVERAGE_PRECISION,
    &CALIBRATION_ERROR,
    &PER_CLASS,
    &PER_CLASS_PRECISION,
    &PER_CLASS_F1,
];

/// What most metrics are: a share, the more the better, from counts.
const SHARE: Metric = Metric {
    name: "",
    about: "",
    unit: Unit::Share,
    rises: true,
    says_nothing_of: 0,
    labels: Labels::Any,
    needs: Needs::Counts,
    undefined: Undefined::Never,
    of: Of::All(|_| f64::NAN),
};

/// The mean over the classes that occur, as labels or as predictions, as scikit-learn's `average="macro"`; a value that is
/// not defined counts as 0, as its `zero_division=0`.
fn macro_mean(tally: &Tally, of: fn(&Tally) -> Vec<f64>) -> f64 {
    let values = of(tally).into_iter().zip(tally.classes());
    let values = values.filter(|(_, class)| class.samples + class.predicted > 0);
    mean(values.map(|(value, _)| if value.is_nan() { 0.0 } else { value }))
}
