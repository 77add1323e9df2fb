//! What the most confident mistakes of an experiment's best run rest on, as pictures for the report.

use std::fs;
use std::path::Path;

use candle_core::Tensor;

use crate::atomic::write_atomically;
use crate::explain::{self, Explainer};
use crate::inference::{self, Model};
use crate::progress::NoProgress;
use crate::report::{self, Mistake, heat_folder, most_confident};
use crate::stop::Stop;
use crate::store::run_folder;

/// A run that a search has paused has none yet.
const MODEL: &str = "model.safetensors";
/// So many mistakes are shown so.
const MOST: usize = 12;
/// Of a probability; an image of which the model says something else is no longer what the run saw.
const SAME: f32 = 0.02;

/// Draws what is not there yet, in the results' folder; gives whether there was something to draw. What fails is said, and
/// the report does without.
pub(super) fn draw(folder: &Path, stop: &Stop) -> bool {
    drawn(folder, stop).unwrap_or_else(|why| {
        tracing::warn!("the report does not show what mistakes rest on: {why}");
        false
    })
}

fn drawn(folder: &Path, stop: &Stop) -> Result<bool, String> {
    let experiment = report::Experiment::read(folder).map_err(|e| e.to_string())?;
    let found = experiment.best_predictions().map_err(|e| e.to_string())?;
    let Some((run, predictions)) = found.first() else {
        return Ok(false);
    };
    let (id, into) = (&run.row.run, heat_folder(folder));
    let mut wanted = most_confident(predictions);
    wanted.truncate(MOST);
    let is_there = |mistake: &Mistake| into.join(mistake.heat_file(id)).is_file();
    if wanted.iter().all(is_there) {
        return Ok(false);
    }
    let of_run = run_folder(folder, id);
    if !of_run.join(MODEL).is_file() {
        return Ok(false);
    }
    let model = Model::open_on_cpu(&of_run, &NoProgress);
    let model = model.map_err(|e| e.to_string())?;
    let explainer = match Explainer::new(&model) {
        Ok(explainer) => explainer,
        Err(explain::Error::NoMethod(_)) => return Ok(false),
        Err(error) => return Err(error.to_string()),
    };
    tidy(&into, &wanted, id)?;
    let mut is_drawn = false;
    for mistake in wanted.iter().filter(|mistake| !is_there(mistake)) {
        if stop.is_requested() {
            break;
        }
        if let Some(png) = picture(&model, &explainer, mistake).map_err(|e| e.to_string())? {
            let path = into.join(mistake.heat_file(id));
            write_atomically(&path, &png).map_err(|e| e.to_string())?;
            is_drawn = true;
        }
    }
    Ok(is_drawn)
}

/// Makes the folder, and takes out of it what is of other runs or mistakes.
fn tidy(into: &Path, wanted: &[Mistake], run: &str) -> Result<(), String> {
    fs::create_dir_all(into).map_err(|e| e.to_string())?;
    let names: Vec<String> = wanted
        .iter()
        .map(|mistake| mistake.heat_file(run))
        .collect();
    for entry in fs::read_dir(into).map_err(|e| e.to_string())?.flatten() {
        let name = entry.file_name();
        if !names.iter().any(|wanted| name == wanted.as_str()) {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

/// What a mistake rests on; none where its image is gone, or is another one by now.
fn picture(
    model: &Model,
    explainer: &Explainer<'_>,
    mistake: &Mistake,
) -> Result<Option<Vec<u8>>, explain::Error> {
    let class = model
        .classes
        .iter()
        .position(|name| *name == mistake.predicted);
    let (Some(class), Some(image)) = (class, input(model, mistake)) else {
        return Ok(None);
    };
    let explanation = explainer.explanation(&image, Some(class))?;
    if (explanation.probability - mistake.probability).abs() > SAME {
        return Ok(None);
    }
    explainer.picture(&image, &explanation.heat, 0).map(Some)
}

/// The image as the network takes it: its file, or where it has none, what is kept of it.
fn input(model: &Model, mistake: &Mistake) -> Option<Tensor> {
    match &mistake.file {
        Some(file) => {
            let path = model.spec.dataset.images_folder()?.join(file);
            inference::input(model, &path).ok()
        }
        None => inference::input_of(model, &mistake.png).ok(),
    }
}
