//! Every number of a spec, with what it may be.

use super::check::Check;
use crate::choice::{LARGEST, MOST, Number, Opt, Options, Range, Refused};
use crate::spec::key;
use crate::spec::types::{
    Augmentation, ClassWeights, HeadTable, Normalization, Optimizer, Resize, Schedule, Spec, Table,
};

/// The side of an image, in pixels.
const MOST_PIXELS: usize = 16_384;
/// Images of a dataset; their indices have 32 bits.
const MOST_IMAGES: usize = 1_000_000_000;
/// Parts of a cross-validation.
const MOST_FOLDS: usize = 1_000;
/// Batches of a step.
const MOST_BATCHES: usize = 65_536;
const MINUTES_OF_A_YEAR: f64 = 365.0 * 24.0 * 60.0;

/// Refuses numbers that are not in their range.
pub(super) fn check(spec: &Spec, check: &mut Check) {
    let mut numbers = Numbers(check);
    let seed = usize::try_from(spec.seed).unwrap_or(usize::MAX);
    numbers.within("seed", seed, Range::Whole(0, i64::MAX as usize));
    images(spec, &mut numbers);
    network(spec, &mut numbers);
    optimizer(spec, &mut numbers);
    training(spec, &mut numbers);
}

/// Refuses options that are not in their range.
pub(super) fn options(table: &str, options: &Options, all: &[&Opt], check: &mut Check) {
    Numbers(check).options(table, options, all);
}

struct Numbers<'a>(&'a mut Check);

impl Numbers<'_> {
    fn within(&mut self, key: &str, number: impl Into<Number>, range: Range) {
        let number = number.into();
        if !range.contains(number) {
            let message = format!("`{key}` must be {range}, not {}", Refused(number));
            self.0.problem(key, message);
        }
    }

    /// [`Self::within`], of each option that is set.
    fn options(&mut self, table: &str, options: &Options, all: &[&Opt]) {
        for (name, value) in options.set() {
            let option = all.iter().find(|option| option.name == name);
            let range = option.and_then(|option| option.takes.range());
            for (range, (at, number)) in range.into_iter().flat_map(|range| {
                let numbers = value.numbers().into_iter();
                numbers.map(move |number| (range, number))
            }) {
                let at = at.map_or(String::new(), |at| format!(".{at}"));
                self.within(&format!("{table}.{name}{at}"), number, range);
            }
        }
    }

    /// Two numbers above 0 and up to `most`, the second not below the first.
    fn ascending(&mut self, key: &str, [low, high]: [f64; 2], most: f64) {
        for (at, number) in [low, high].into_iter().enumerate() {
            self.within(&format!("{key}.{at}"), number, Range::Positive(most));
        }
        if low > high {
            let message = format!("`{key}` is [smallest, largest]; {low} is larger than {high}");
            self.0.problem(key, message);
        }
    }

    /// [`Self::within`], where the key is set.
    fn set(&mut self, key: &str, number: Option<impl Into<Number>>, range: Range) {
        if let Some(number) = number {
            self.within(key, number, range);
        }
    }
}

fn images(spec: &Spec, numbers: &mut Numbers) {
    let limit = Range::Whole(1, MOST_IMAGES);
    for (key, part) in [
        ("dataset.validation_split", spec.dataset.validation_split),
        ("dataset.test_split", spec.dataset.test_split),
    ] {
        numbers.within(key, part, Range::Part);
    }
    let folds = Range::Whole(2, MOST_FOLDS);
    numbers.set("dataset.folds", spec.dataset.folds, folds);
    numbers.set("dataset.train_limit", spec.dataset.train_limit, limit);
    numbers.set("dataset.test_limit", spec.dataset.test_limit, limit);
    let (normalization, resize) = (&spec.normalization, &spec.resize);
    numbers.options(
        "normalization",
        &normalization.options,
        Normalization::all_options(),
    );
    numbers.options("resize", &resize.options, Resize::all_options());
    augmentation(&spec.augmentation, numbers);
}

fn augmentation(spec: &Augmentation, numbers: &mut Numbers) {
    let key = |name: &str| format!("augmentation.{name}");
    let padding = Range::Whole(0, MOST_PIXELS);
    numbers.within(
        &key("random_crop_padding"),
        spec.random_crop_padding,
        padding,
    );
    numbers.within(&key("rotation"), spec.rotation, Range::Within(0.0, 180.0));
    let strength = Range::NotNegative(LARGEST);
    numbers.within(&key("mixup"), spec.mixup, strength);
    numbers.within(&key("cutmix"), spec.cutmix, strength);
    numbers.set(&key("views"), spec.views, Range::Whole(1, MOST));
    let share = Range::Within(0.0, 1.0);
    numbers.within(&key("random_erasing"), spec.random_erasing, share);
    if let Some(crop) = &spec.random_resized_crop {
        numbers.ascending(&key("random_resized_crop.scale"), crop.scale, 1.0);
        numbers.ascending(&key("random_resized_crop.ratio"), crop.ratio, LARGEST);
    }
    if let Some(jitter) = &spec.color_jitter {
        for (name, strength, most) in [
            ("brightness", jitter.brightness, LARGEST),
            ("contrast", jitter.contrast, LARGEST),
            ("saturation", jitter.saturation, LARGEST),
            ("hue", jitter.hue, 0.5),
        ] {
            let range = Range::Within(0.0, most);
            numbers.within(&key(&format!("color_jitter.{name}")), strength, range);
        }
    }
}

fn network(spec: &Spec, numbers: &mut Numbers) {
    let size = spec.backbone.input_size;
    let sides = match size.is_square() {
        true => vec![("backbone.input_size", size.height)],
        false => vec![
            ("backbone.input_size.0", size.height),
            ("backbone.input_size.1", size.width),
        ],
    };
    for (key, side) in sides {
        numbers.within(key, side, Range::Whole(1, MOST_PIXELS));
    }
    numbers.within("backbone.drop_path", spec.backbone.drop_path, Range::Part);
    for (at, layer) in spec.head.iter().enumerate() {
        numbers.options(
            &format!("head.{at}"),
            &layer.options,
            HeadTable::all_options(),
        );
    }
}

fn optimizer(spec: &Spec, numbers: &mut Numbers) {
    let optimizer = &spec.optimizer;
    numbers.options("optimizer", &optimizer.options, Optimizer::all_options());
    let factor = Range::Positive(LARGEST);
    numbers.set("optimizer.clip_norm", optimizer.clip_norm, factor);
    numbers.set(
        "optimizer.layer_decay",
        optimizer.layer_decay,
        Range::Positive(1.0),
    );
    numbers.set("optimizer.l2_sp", optimizer.l2_sp, factor);
    for (glob, rate) in &optimizer.rates {
        let key = key::dotted(&key::path(&["optimizer", "rates", glob]));
        numbers.within(&key, *rate, factor);
    }
    let schedule = &optimizer.schedule;
    let table = "optimizer.schedule";
    let key = |option: &str| format!("{table}.{option}");
    let epochs = Range::NotNegative(MOST as f64);
    numbers.within(&key("warmup_epochs"), schedule.warmup_epochs, epochs);
    numbers.within(
        &key("minimum"),
        schedule.minimum,
        Range::NotNegative(LARGEST),
    );
    numbers.options(table, &schedule.options, Schedule::all_options());
}

fn training(spec: &Spec, numbers: &mut Numbers) {
    let training = &spec.training;
    let count = Range::Whole(1, MOST);
    numbers.within("training.epochs", training.epochs, count);
    numbers.within("training.batch_size", training.batch_size, count);
    let batches = Range::Whole(1, MOST_BATCHES);
    numbers.within("training.accumulate", training.accumulate, batches);
    numbers.within("training.ema", training.ema, Range::Part);
    numbers.within(
        "training.label_smoothing",
        training.label_smoothing,
        Range::Part,
    );
    numbers.within("training.threshold", training.threshold, Range::Inside);
    numbers.within(
        "training.checkpoint_minutes",
        training.checkpoint_minutes,
        Range::NotNegative(MINUTES_OF_A_YEAR),
    );
    if let ClassWeights::ByClass(weights) = &training.class_weights {
        for (class, weight) in weights {
            let key = key::dotted(&key::path(&["training", "class_weights", class]));
            numbers.within(&key, *weight, ClassWeights::RANGE);
        }
    }
    if let Some(stopping) = &training.early_stopping {
        let key = |option: &str| format!("training.early_stopping.{option}");
        numbers.within(&key("patience"), stopping.patience, Range::Whole(0, MOST));
        let range = Range::NotNegative(LARGEST);
        numbers.within(&key("min_delta"), stopping.min_delta, range);
    }
}
