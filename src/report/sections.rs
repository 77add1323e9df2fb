//! The sections of the page.

use std::fmt::Write as _;
use std::fs;

use super::charts::{self, Chart};
use super::experiment::Experiment;
use super::html::{base64, escape};
use super::wrong::most_wrong;
use crate::analysis::{self, Comparison, Group, Layout, Measure, Recorded, Unit, Verdict, shown};
use crate::record::predictions::Predictions;
use crate::record::{Status, rfc3339, text};

/// Everything between the page's head and its end.
pub fn all(experiment: &Experiment) -> String {
    let mut page = format!("<h1>{}</h1>\n", escape(&experiment.name));
    page += &answer(experiment);
    page += &comparison(experiment);
    page += &pictures("Charts", &charts::all(experiment));
    page += &predictions(experiment);
    page += &runs(experiment);
    page += &spec(experiment);
    page += &origin(experiment);
    page
}

fn section(id: &str, title: &str, content: &str) -> String {
    format!(
        "<section id=\"{id}\" aria-labelledby=\"{id}-title\">\n<h2 id=\"{id}-title\">{title}</h2>\n{content}</section>\n"
    )
}

/// The best setting, by how much, and how sure that is.
fn answer(experiment: &Experiment) -> String {
    let state = state(experiment);
    let Some(comparison) = &experiment.comparison else {
        let content = format!("<p>No run has finished yet.</p>\n<p class=\"state\">{state}</p>\n");
        return section("answer", "Answer", &content);
    };
    let (Some(best), Some(measure)) = (comparison.groups.first(), comparison.deciding()) else {
        return String::new();
    };
    let name = |group: &Group| escape(&name_of(comparison, group));
    let value = |group: &Group| {
        group
            .deciding()
            .map_or("–".into(), |s| shown(s, measure.unit))
    };
    let mut content = format!(
        "<p class=\"answer\"><strong>{}</strong> {} {}: {} {}.</p>\n",
        if comparison.axes.is_empty() {
            escape(&experiment.name)
        } else {
            name(best)
        },
        if comparison.groups.len() > 1 {
            "is best by"
        } else {
            "reached a"
        },
        measure.name.replace('_', " "),
        value(best),
        runs_text(best.runs.len()),
    );
    if let Some(next) = comparison.groups.get(1) {
        let _ = writeln!(
            content,
            "<p>Next is {} with {}, {} behind{}.</p>",
            name(next),
            value(next),
            behind(best, next, measure),
            sureness(next)
        );
    }
    let close: Vec<String> = comparison
        .groups
        .iter()
        .filter(|group| group.verdict == Verdict::WithinNoise)
        .map(name)
        .collect();
    if close.len() > 1 {
        let _ = writeln!(
            content,
            "<p>Not to be told from the best: {}.</p>",
            close.join("; ")
        );
    }
    let _ = writeln!(content, "<p class=\"state\">{state}</p>");
    section("answer", "Answer", &content)
}

fn name_of(comparison: &Comparison, group: &Group) -> String {
    let pairs = comparison.axes.iter().zip(&group.point);
    let known: Vec<_> = pairs
        .filter_map(|(key, value)| Some((key.clone(), value.clone()?)))
        .collect();
    text::point(&known, ", ")
}

fn runs_text(n: usize) -> String {
    if n == 1 {
        "(1 run)".into()
    } else {
        format!("(mean ± standard deviation of {n} runs)")
    }
}

fn behind(best: &Group, other: &Group, measure: &Measure) -> String {
    let Some((a, b)) = best.deciding().zip(other.deciding()) else {
        return "–".into();
    };
    let difference = (a.mean - b.mean).abs();
    match measure.unit {
        Unit::Share => format!("{:.1} points", difference * 100.0),
        Unit::Seconds => format!("{difference:.1} s"),
        Unit::Plain | Unit::Count => format!("{difference:.4}"),
    }
}

fn sureness(group: &Group) -> String {
    match (group.p_value, group.verdict) {
        (Some(p), Verdict::Worse) => {
            format!("; the difference is more than noise (Welch's t-test, p = {p:.2e})")
        }
        (Some(p), _) => format!("; a difference that can be noise (Welch's t-test, p = {p:.3})"),
        _ => "; with one run a setting it cannot be told whether that is noise".into(),
    }
}

/// How far the runs are.
fn state(experiment: &Experiment) -> String {
    let count = |status| {
        experiment
            .runs
            .iter()
            .filter(|r| r.row.status == status)
            .count()
    };
    let parts = [
        (count(Status::Finished), "finished"),
        (count(Status::Failed), "failed"),
        (count(Status::Interrupted), "running or interrupted"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{n} {what}"))
        .collect();
    format!("{} runs begun: {}", experiment.runs.len(), parts.join(", "))
}

fn comparison(experiment: &Experiment) -> String {
    let Some(comparison) = &experiment.comparison else {
        return String::new();
    };
    let (rows, numbers) = analysis::rows(comparison, Layout::Terminal);
    let keys = comparison
        .groups
        .iter()
        .map(|group| sort_keys(comparison, group));
    let mut content = table(
        "Settings, the best first",
        &rows,
        &numbers,
        &keys.collect::<Vec<_>>(),
    );
    for note in analysis::notes(comparison) {
        let _ = writeln!(content, "<p class=\"note\">{}</p>", escape(&note));
    }
    section("comparison", "Comparison", &content)
}

/// What the cells of a group's row are sorted by, where that is not their text.
fn sort_keys(comparison: &Comparison, group: &Group) -> Vec<Option<f64>> {
    let number = |value: &Option<_>| value.as_ref().and_then(super::experiment::number);
    let mut keys: Vec<Option<f64>> = group.point.iter().map(number).collect();
    keys.push(Some(group.runs.len() as f64));
    keys.extend(group.samples.iter().map(|sample| sample.map(|s| s.mean)));
    if comparison.can_judge() {
        keys.push(group.p_value);
    }
    keys.push(None);
    keys
}

/// A table that can be sorted by its columns; the first row has the titles.
fn table(
    caption: &str,
    rows: &[Vec<String>],
    numbers: &[usize],
    keys: &[Vec<Option<f64>>],
) -> String {
    let caption_ = escape(caption);
    let mut html = format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{caption_}\">\n\
         <table class=\"sortable\">\n<caption>{caption_}</caption>\n<thead><tr>"
    );
    let class = |column: usize| {
        if numbers.contains(&column) {
            " class=\"number\""
        } else {
            ""
        }
    };
    let titles = rows.first().map_or(&[][..], Vec::as_slice);
    for (column, title) in titles.iter().enumerate() {
        let title = if title.is_empty() { "verdict" } else { title };
        let _ = write!(
            html,
            "<th scope=\"col\"{}>{}</th>",
            class(column),
            escape(title)
        );
    }
    html += "</tr></thead>\n<tbody>\n";
    for (i, row) in rows.iter().skip(1).enumerate() {
        html += "<tr>";
        for (column, cell) in row.iter().enumerate() {
            let key = keys.get(i).and_then(|keys| *keys.get(column)?);
            let key = key.map_or(String::new(), |key| format!(" data-sort=\"{key}\""));
            let _ = write!(html, "<td{}{key}>{}</td>", class(column), escape(cell));
        }
        html += "</tr>\n";
    }
    html + "</tbody>\n</table>\n</div>\n"
}

fn pictures(title: &str, charts: &[Chart]) -> String {
    if charts.is_empty() {
        return String::new();
    }
    let figure = |chart: &Chart| {
        let label = escape(&chart.svg.label);
        format!(
            "<figure class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{label}\">{}</figure>\n",
            chart.svg.inline()
        )
    };
    let id = title.to_lowercase().replace(' ', "-");
    section(&id, title, &charts.iter().map(figure).collect::<String>())
}

/// Confusion matrix, accuracy of each class, and what was most confidently wrong, of the best setting.
fn predictions(experiment: &Experiment) -> String {
    // A damaged table of one run does not hide the rest.
    let found = experiment.best_predictions().unwrap_or_default();
    let Some((run, first)) = found.first() else {
        return String::new();
    };
    let all: Vec<&Predictions> = found.iter().map(|(_, predictions)| predictions).collect();
    let of = match experiment.runs.len() {
        1 => experiment.name.clone(),
        _ => experiment.label(run),
    };
    pictures("Predictions", &charts::of_predictions(&of, &all)) + &wrong(run, first)
}

fn wrong(run: &Recorded, predictions: &Predictions) -> String {
    let images = most_wrong(predictions);
    if images.is_empty() {
        return String::new();
    }
    let mut content = format!(
        "<p>The most confident mistakes of {} on {} images.</p>\n<ul class=\"images\">\n",
        escape(&run.row.run),
        predictions.part(),
    );
    for image in images {
        let (label, predicted) = (escape(&image.label), escape(&image.predicted));
        let _ = writeln!(
            content,
            "<li><img src=\"data:image/png;base64,{}\" alt=\"{}: {label}, taken for {predicted}\" loading=\"lazy\">\
             <span><b>{label}</b></span><span>taken for {predicted}</span><span>{:.1} %</span></li>",
            base64(&image.png),
            escape(&image.name),
            image.probability * 100.0
        );
    }
    content += "</ul>\n";
    section("wrong", "Most confident mistakes", &content)
}

fn runs(experiment: &Experiment) -> String {
    let titles = [
        "run",
        "status",
        "epochs",
        "test accuracy",
        "test loss",
        "seconds",
        "device",
    ];
    let mut rows = vec![titles.map(String::from).to_vec()];
    let mut keys = Vec::new();
    let mut failures = String::new();
    for run in &experiment.runs {
        let row = &run.row;
        let accuracy = row.test.as_ref().and_then(|m| m.accuracy);
        let loss = row.test.as_ref().map(|m| m.loss);
        rows.push(vec![
            row.run.clone(),
            row.status.to_string(),
            row.epochs.to_string(),
            accuracy.map_or("–".into(), text::percent),
            loss.map_or("–".into(), |loss| format!("{loss:.4}")),
            format!("{:.1}", row.seconds),
            row.device.clone(),
        ]);
        let epochs = Some(row.epochs as f64);
        keys.push(vec![
            None,
            None,
            epochs,
            accuracy,
            loss,
            Some(row.seconds),
            None,
        ]);
        if let Some(error) = &row.error {
            let _ = writeln!(failures, "<li>{}: {}</li>", escape(&row.run), escape(error));
        }
    }
    let mut content = String::new();
    if !failures.is_empty() {
        let _ = writeln!(content, "<p>Failed:</p>\n<ul>\n{failures}</ul>");
    }
    content += &format!(
        "<details>\n<summary>All {} runs</summary>\n{}</details>\n",
        experiment.runs.len(),
        table("Runs", &rows, &[2, 3, 4, 5], &keys)
    );
    section("runs", "Runs", &content)
}

fn spec(experiment: &Experiment) -> String {
    let Ok(text) = fs::read_to_string(experiment.folder.join("spec.toml")) else {
        return String::new();
    };
    let content = format!(
        "<details>\n<summary>The resolved spec</summary>\n<pre class=\"scroll\" tabindex=\"0\">{}</pre>\n</details>\n",
        escape(&text)
    );
    section("spec", "Spec", &content)
}

/// The machine and the versions.
fn origin(experiment: &Experiment) -> String {
    let distinct = |value: &dyn Fn(&Recorded) -> String| {
        let mut values: Vec<String> = experiment.runs.iter().map(value).collect();
        values.sort();
        values.dedup();
        escape(&values.join(", "))
    };
    let started = experiment.runs.iter().map(|run| run.row.started).min();
    let seconds: f64 = experiment
        .runs
        .iter()
        .map(|run| run.row.seconds)
        .filter(|s| s.is_finite())
        .sum();
    let machines = escape(&machines(experiment).join("; "));
    let rows = [
        ("runner", distinct(&|run| run.row.version.clone())),
        ("device", distinct(&|run| run.row.device.clone())),
        ("machine", machines),
        ("begun", started.map_or(String::new(), rfc3339)),
        ("all runs together", format!("{seconds:.1} s")),
    ];
    let rows = rows.iter().filter(|(_, value)| !value.is_empty());
    let rows: String = rows
        .map(|(key, value)| format!("<dt>{key}</dt><dd>{value}</dd>\n"))
        .collect();
    section(
        "origin",
        "Machine and versions",
        &format!("<dl>\n{rows}</dl>\n"),
    )
}

/// The machines that the logs of the runs name.
fn machines(experiment: &Experiment) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for run in experiment.runs.iter().take(50) {
        let log = crate::record::run_folder(&experiment.folder, &run.row.run).join("log.jsonl");
        let text = fs::read_to_string(log).unwrap_or_default();
        let events = text
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        for machine in events.filter_map(|event| event["machine"].as_str().map(str::to_owned)) {
            if !found.contains(&machine) {
                found.push(machine);
            }
        }
    }
    found
}
