//! What memory a run needs, and what is said of one that needs more than there is.

use std::fmt;

use super::planned::{PlannedRun, PlannedStage};
use super::probabilities::Probabilities;
use crate::data::{self, Counts, Data};
use crate::features;
use crate::graph::{self, Piece, images_at_once, largest_value, most_held, peak, pieces};
use crate::metric::{Metric, Needs, Ranking};
use crate::ops::Passes;
use crate::text::about_bytes;
use crate::train;

/// The program itself with its threads and what it reads tables and images with, as measured.
pub(super) const PROGRAM: u64 = 45 << 20;
/// What is known of an image that is a file: its names, its label, its place in lists, as measured.
const OF_EACH: u64 = 700;
/// Between the blocks that it gives out, the allocator leaves a part of so many unused, as measured.
const UNUSED: u64 = 8;
/// As [`UNUSED`], and besides: between the values of a pass, each of another size than the one before.
const UNUSED_IN_PASS: u64 = 5;
/// As [`UNUSED_IN_PASS`], between the values of a step of training.
const UNUSED_IN_STEP: u64 = 28;
/// A value that is more than such a part of all may find no room that others have left, depending on which thread allocated
/// what meanwhile; as measured.
const LARGE: u64 = 8;
/// As [`UNUSED_IN_PASS`], between the tensors that are copied to be saved.
const UNUSED_IN_COPY: u64 = 8;

/// What a run on the CPU needs, in bytes, beside the program itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Need {
    pub images: u64,
    /// What decodes images, on all threads together.
    pub decoding: u64,
    /// Of images that are decoded anew for every batch.
    pub decoding_again: u64,
    pub weights: u64,
    /// Kept outputs of the frozen part.
    pub features: u64,
    /// What the optimizer remembers.
    pub slots: u64,
    /// Gradients of the batch's values and of the weights, when they and [`Need::kept`] together are the most.
    pub gradients: u64,
    /// Sums of gradients, where a step has several batches.
    pub sums: u64,
    pub batch_size: usize,
    /// Values of a batch kept for the way back.
    pub kept: u64,
    /// A pass through the constant part.
    pub pass: u64,
    /// What the threads keep to rearrange values in, once something was computed.
    pub scratch: u64,
    /// The weights of the best epoch, where they are restored.
    pub best: u64,
    /// The average of the weights. What is put aside while it is evaluated is less than the gradients of a step.
    pub average: u64,
    /// Probabilities that metrics need of all samples at once.
    pub scores: u64,
    /// Probabilities of the images that are tested, and twice a copy that is written.
    pub recorded: u64,
    /// Pretrained weights that the trained ones are drawn to.
    pub anchors: u64,
    /// What the stage before has left: its weights, in memory and as they are taken over.
    pub before: u64,
    /// What is copied to be written to a checkpoint.
    pub checkpoint: u64,
    /// What is copied to be written as the model.
    pub model: u64,
}

/// What is in memory at a time, by what it is for.
type Parts = Vec<(String, u64)>;

impl Need {
    /// With a dataset in memory.
    pub fn of(planned: &PlannedRun, data: &Data) -> Self {
        let all_else = Need::of_counts(planned, data.counts(), data.is_on_disk());
        Need {
            images: all_else.images.saturating_add(data.bytes()),
            ..all_else
        }
    }

    /// Of the stage that needs the most, with so many images; those that are on disk are decoded into memory a piece at a
    /// time.
    pub(super) fn of_counts(planned: &PlannedRun, images: Counts, are_on_disk: bool) -> Self {
        let stages = planned.stages.iter();
        let needs = stages.map(|stage| Need::of_stage((planned, stage), images, are_on_disk));
        let most = needs.max_by_key(Need::peak);
        most.unwrap_or_default()
    }

    fn of_stage(
        (planned, stage): (&PlannedRun, &PlannedStage),
        images: Counts,
        are_on_disk: bool,
    ) -> Self {
        let (spec, blueprint) = (&stage.spec, &stage.blueprint);
        let most = images.train.max(images.validation).max(images.test);
        let batch_size = spec.training.batch_size.min(most);
        let cost = blueprint.cost(spec.optimizer.rule().slots().len());
        let (graph, cut) = (&blueprint.graph, &blueprint.cut);
        // All but the images themselves.
        let mut constant = cut.constant();
        constant.retain(|node| *node > 0);
        let (features, are_whole) = features::memory(spec, blueprint, images, true);
        // Batches go through where what they give is not kept; else it is computed with as many images as are fastest.
        let carried = match features > 0 && are_whole {
            true => images_at_once(graph, &constant).min(most),
            false => batch_size,
        };
        let carried = pieces(graph, &constant, cut.frontier(), carried);
        let restores_best = spec.training.early_stopping.as_ref();
        let best = match restores_best.is_some_and(|rule| rule.restore_best) {
            true => cost.gradients,
            false => 0,
        };
        let of_average = if spec.training.ema > 0.0 {
            cost.gradients
        } else {
            0
        };
        let is_drawn = spec.optimizer.l2_sp.is_some();
        let anchors = if is_drawn { cost.gradients } else { 0 };
        let is_first = planned
            .stages
            .first()
            .is_none_or(|first| std::ptr::eq(first, stage));
        let before = if is_first {
            0
        } else {
            cost.weights.saturating_mul(2)
        };
        let is_summed = spec.training.accumulate > 1;
        let sums = if is_summed { cost.gradients } else { 0 };
        let pass = peak(graph, cut, &constant, &carried);
        let threads = rayon::current_num_threads();
        let scratch = |nodes: &[usize], samples, passes| {
            graph::scratch(graph, nodes, samples, (passes, threads))
        };
        let of_piece = |piece: &Piece| {
            scratch(
                &constant[piece.nodes.clone()],
                piece.images,
                Passes::Forward,
            )
        };
        let of_pieces = carried.iter().map(of_piece);
        let constant = of_pieces.fold([0; 2], |most, of| [most[0].max(of[0]), most[1].max(of[1])]);
        let rest = scratch(&cut.rest(), batch_size, Passes::Both);
        let of_threads = constant[0].max(rest[0]);
        let of_all = constant[1].max(rest[1]);
        let keeps_scores = |metric: &Metric| metric.needs == Needs::Scores;
        let scores = |samples| match spec.training.metrics().any(keeps_scores) {
            true => Ranking::bytes(samples, planned.classes.len()),
            false => 0,
        };
        let held = most_held(graph, cut, batch_size);
        let largest = largest_value(graph, cut, batch_size);
        let homeless = match largest > held.kept / LARGE {
            true => largest / 5 * 4,
            false => 0,
        };
        let all = images.train + images.validation + images.test;
        let decoded_at_once = threads.min(all) as u64;
        let decoding = planned.footprint.decoding.saturating_mul(decoded_at_once);
        let piece = if are_on_disk { data::AT_ONCE as u64 } else { 0 };
        let has_files = spec.dataset.name.image.is_none();
        let of_each = if has_files { OF_EACH } else { 0 };
        Need {
            images: of_each.saturating_mul(all as u64),
            decoding: decoding.saturating_add(piece),
            decoding_again: match spec.augmentation.random_resized_crop {
                // As it is decoded, and the part that is taken.
                Some(_) => decoding.saturating_mul(2),
                None => 0,
            },
            weights: cost.weights,
            features,
            slots: cost.slots,
            gradients: held
                .gradients
                .saturating_add(held.gradients / UNUSED_IN_STEP),
            sums,
            batch_size,
            kept: held
                .kept
                .saturating_add(held.kept / UNUSED_IN_STEP)
                .saturating_add(homeless),
            pass: pass.saturating_add(pass / UNUSED_IN_PASS),
            scratch: of_threads.saturating_add(of_all),
            best,
            average: of_average,
            scores: scores(images.train).saturating_add(scores(images.validation.max(images.test))),
            recorded: Probabilities::bytes(
                images.validation.max(images.test),
                planned.classes.len(),
            )
            .saturating_mul(3),
            anchors,
            before,
            checkpoint: cost
                .copy_of_trained
                .max(
                    cost.gradients
                        .saturating_add(best)
                        .saturating_add(of_average),
                )
                .saturating_add(cost.slots)
                .saturating_add(sums)
                .saturating_add(scores(images.train)),
            model: cost.copy.saturating_add(cost.copy / UNUSED_IN_COPY),
        }
    }

    /// What there is at each moment that can be the one with the most.
    fn moments(&self) -> [Parts; 7] {
        let kept = format!("values of a batch of {}", self.batch_size);
        let part = |what: &str, bytes: u64| (what.to_owned(), bytes);
        let optimizer = || part("optimizer", self.slots);
        let best = || part("the best epoch's weights", self.best);
        let average = || part("averaged weights", self.average);
        let sums = || part("sums of gradients", self.sums);
        // A larger one is written before the next batch.
        let is_aside = |bytes: &u64| *bytes <= train::WRITTEN_ASIDE;
        let written = Some(self.checkpoint).filter(is_aside).unwrap_or(0);
        let computing = || {
            [
                part("kept features", self.features),
                part("rearranged values", self.scratch),
                part("probabilities for metrics", self.scores),
            ]
        };
        let of_moments: [Parts; 5] = [
            vec![part("computing the frozen part", self.pass)],
            vec![
                optimizer(),
                best(),
                average(),
                sums(),
                part(&kept, self.kept),
                part("gradients", self.gradients),
                part("a checkpoint", written),
            ],
            vec![
                optimizer(),
                best(),
                average(),
                sums(),
                part("a checkpoint", self.checkpoint),
            ],
            vec![best(), part("the model to be saved", self.model)],
            vec![best(), part("probabilities to be recorded", self.recorded)],
        ];
        let batch: Parts = vec![
            optimizer(),
            best(),
            average(),
            sums(),
            part("decoding a batch", self.decoding_again),
            part("kept features", self.features),
        ];
        let [computed, trained, kept, saved, recorded] =
            of_moments.map(|parts| computing().into_iter().chain(parts).collect());
        let decoded: Parts = vec![part("decoding images", self.decoding)];
        [decoded, batch, computed, trained, kept, saved, recorded].map(|parts| {
            let always = [
                part("the program", PROGRAM),
                part("images", self.images),
                part("weights", self.weights),
                part("pretrained weights", self.anchors),
                part("the stage before", self.before),
            ];
            let mut parts: Parts = always.into_iter().chain(parts).collect();
            let unused = sum(&parts).saturating_sub(PROGRAM) / UNUSED;
            parts.push(part("unused between", unused));
            parts
        })
    }

    /// What there is at the moment with the most.
    fn most(&self) -> Parts {
        let moments = self.moments().into_iter();
        moments.max_by_key(sum).unwrap_or_default()
    }

    /// All of it, without the program itself.
    pub(super) fn all(&self) -> u64 {
        self.peak().saturating_sub(PROGRAM)
    }

    /// The most that the process takes for this run alone.
    pub fn peak(&self) -> u64 {
        sum(&self.most())
    }
}

fn sum(parts: &Parts) -> u64 {
    let bytes = parts.iter().map(|(_, bytes)| *bytes);
    bytes.fold(0, u64::saturating_add)
}

/// `weights 35 MiB, optimizer 71 MiB, …`
impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.most().into_iter().filter(|(_, bytes)| *bytes > 0);
        let parts: Vec<String> = parts
            .map(|(what, bytes)| format!("{what} {}", about_bytes(bytes)))
            .collect();
        f.write_str(&parts.join(", "))
    }
}

/// A run that cannot fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooMuch {
    pub(super) need: Box<Need>,
    pub(super) there: u64,
}

impl std::error::Error for TooMuch {}

impl fmt::Display for TooMuch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (need, there) = (&self.need, self.there.saturating_add(PROGRAM));
        write!(
            f,
            "the run needs about {} of memory ({need}), and there is {}; lower training.batch_size, \
             backbone.input_size or features.memory",
            about_bytes(need.peak()),
            about_bytes(there)
        )
    }
}
