#!/usr/bin/env python3
"""Checks a run's metrics and curves against scikit-learn's of the predictions that it recorded.

usage: python3 tests/metrics.py RUNNER FOLDER

Trains a little on the built-in digits, in FOLDER: five classes, all ten, two with the logistic function, and few images.
Needs polars and scikit-learn. Ends with 1 and a message at the first
difference.
"""

import json
import subprocess
import sys
import warnings
import xml.etree.ElementTree as xml
from math import isclose
from pathlib import Path

import numpy as np
import polars as pl
from sklearn import metrics as sk
from sklearn.exceptions import UndefinedMetricWarning

from checks import expect

SPEC = """
name = "{name}"
dataset = {{ name = "digits", classes = {classes}, train_limit = 150, {dataset} }}
backbone = {{ arch = "vgg11_bn", weights = "random", input_size = 32 }}
freeze = {{ through = "all" }}
head = [{{ layer = "pool" }}, {{ layer = "dense", units = "classes", activation = "{activation}" }}]

[training]
epochs = 30
loss = "{loss}"
metrics = [
  "accuracy", "balanced_accuracy", "precision", "recall", "macro_f1", "cohen_kappa", "auroc", "average_precision",
  "calibration_error", "per_class", "per_class_precision", "per_class_f1",
]
"""
SOFTMAX = {"activation": "softmax", "loss": "categorical_crossentropy"}
SIGMOID = {"activation": "sigmoid", "loss": "binary_crossentropy"}
CASES = [
    ("ten", {"classes": [*range(10)], "dataset": "test_limit = 300", **SOFTMAX}),
    ("five", {"classes": [3, 4, 5, 6, 7], "dataset": "test_limit = 200", **SOFTMAX}),
    ("two", {"classes": [0, 8], "dataset": "test_limit = 100", **SIGMOID}),
    ("few", {"classes": [1, 7, 9], "dataset": "test_limit = 12", **SOFTMAX}),
]


def of_predictions(table, classes):
    """What scikit-learn makes of the recorded predictions."""
    numbers = {name: number for number, name in enumerate(classes)}
    labels = np.array([numbers[name] for name in table["label"]])
    said = np.array([numbers[name] for name in table["predicted"]])
    scores = np.array(table["probabilities"].to_list())
    expect(scores.shape == (table.height, len(classes)), f"{scores.shape} probabilities are recorded")
    for row, (names, values) in enumerate(zip(table["top5"], table["top5_probabilities"])):
        expect(all(scores[row, numbers[name]] == value for name, value in zip(json.loads(names), values)), "top 5 differ")
    rest = [(labels == number, scores[:, number]) for number in range(len(classes))]
    top, bins = scores.max(1), np.ceil(scores.max(1) * 15).clip(1, 15)
    gaps = [abs((said == labels)[bins == b].sum() - top[bins == b].sum()) for b in range(1, 16)]
    per_class = {"average": None, "zero_division": 0}
    macro = {"average": "macro", "zero_division": 0}
    expected = {
        "accuracy": sk.accuracy_score(labels, said),
        "balanced_accuracy": sk.balanced_accuracy_score(labels, said),
        "precision": sk.precision_score(labels, said, **macro),
        "recall": sk.recall_score(labels, said, **macro),
        "macro_f1": sk.f1_score(labels, said, **macro),
        "cohen_kappa": sk.cohen_kappa_score(labels, said),
        "auroc": np.mean([sk.roc_auc_score(*one) for one in rest]),
        "average_precision": np.mean([sk.average_precision_score(*one) for one in rest]),
        "calibration_error": sum(gaps) / len(labels),
        "per_class": sk.recall_score(labels, said, **per_class),
        "per_class_precision": sk.precision_score(labels, said, **per_class),
        "per_class_f1": sk.f1_score(labels, said, **per_class),
    }
    if len(classes) > 2:
        whole = sk.roc_auc_score(labels, scores / scores.sum(1, keepdims=True), multi_class="ovr")
        expect(isclose(expected["auroc"], whole, abs_tol=1e-4), f"one against the rest: {expected['auroc']}, {whole}")
    curves = {name: [roc(*one), precision_recall(*one)] for name, one in zip(classes, rest)}
    return expected, curves


def roc(is_positive, score):
    return np.stack(sk.roc_curve(is_positive, score, drop_intermediate=False)[:2], 1)


def precision_recall(is_positive, score):
    """Up to each recall, the precision there: the curve whose area is the average precision."""
    precision, recall, _ = sk.precision_recall_curve(is_positive, score)
    precision, recall = precision[-2::-1], recall[-2::-1]
    before = np.concatenate([[0], recall[:-1]])
    rises = recall > before
    starts, ends = np.stack([before, precision], 1)[rises], np.stack([recall, precision], 1)[rises]
    return np.stack([starts, ends], 1).reshape(-1, 2)


def distance(points, line):
    """Of each point to straight lines."""
    start, way = line[:-1, None], np.diff(line, axis=0)[:, None]
    along = ((points - start) * way).sum(2) / np.maximum((way**2).sum(2), 1e-30)
    return np.linalg.norm(points - start - along.clip(0, 1)[..., None] * way, axis=2).min(0)


def drawn(chart):
    """Of each plot, each class's line, in the units of its axes."""
    plots = []
    for group in xml.parse(chart).findall(".//{*}g"):
        frame = next((r for r in group.findall("{*}rect") if r.get("class") == "frame"), None)
        if frame is None:
            continue
        x, y, width, height = (float(frame.get(name)) for name in ("x", "y", "width", "height"))
        lines = {}
        for line in group.findall("{*}polyline"):
            title = line.find("{*}title")
            if title is not None:
                points = np.array([point.split(",") for point in line.get("points").split()], float)
                lines[title.text] = (points - [x, y + height]) / [width, -height]
        plots.append(lines)
    return plots


def check_charts(charts, name, expected, curves):
    plots = drawn(charts / "roc.svg")
    expect(len(plots) == 2, f"{name}: {len(plots)} plots")
    for place, lines in enumerate(plots):
        expect(len(lines) == (len(curves) if len(curves) <= 6 else 5), f"{name}: lines of {list(lines)}")
        for label, line in lines.items():
            found = max(distance(line, curves[label][place]).max(), distance(curves[label][place], line).max())
            # Half a pixel.
            expect(found < 0.5 / 300, f"{name}: a curve of {label} is {found} from scikit-learn's")
    areas = f"AUROC {expected['auroc']:.3f}, average precision {expected['average_precision']:.3f}"
    expect(len(curves) == 2 or areas in (charts / "roc.svg").read_text(), f"{name}: the chart does not say {areas}")
    error = f"calibration error {expected['calibration_error'] * 100:.1f} %"
    expect(error in (charts / "reliability.svg").read_text(), f"{name}: the chart does not say {error}")


def check(runner, folder, name, options):
    spec = folder / f"{name}.toml"
    spec.write_text(SPEC.format(name=name, **options))
    subprocess.run([runner, "-q", spec.name], cwd=folder, check=True)
    results = folder / "results" / name
    row = pl.read_parquet(results / "runs.parquet").row(0, named=True)
    own = pl.read_parquet_metadata(results / "runs" / row["run"] / "predictions.parquet")
    table = pl.read_parquet(results / "predictions.parquet")
    expected, curves = of_predictions(table, json.loads(own["runner.classes"]))
    for metric, value in expected.items():
        found = row[f"test_{metric}"]
        expect(np.allclose(found, value, rtol=0, atol=1e-9), f"{name}: {metric} is {found}, scikit-learn's {value}")
    check_charts(results / "charts", name, expected, curves)
    print(f"{name}: {len(expected)} metrics and the curves as scikit-learn's, macro F1 {expected['macro_f1']:.3f}")


def main(arguments):
    expect(len(arguments) == 2, __doc__)
    runner, folder = Path(arguments[0]).resolve(), Path(arguments[1])
    folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore", UndefinedMetricWarning)
    for case in CASES:
        check(runner, folder, *case)


if __name__ == "__main__":
    main(sys.argv[1:])
