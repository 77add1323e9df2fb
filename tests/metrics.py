#!/usr/bin/env python3
"""Checks a run's metrics against scikit-learn's of the predictions that it recorded.

usage: python3 tests/metrics.py RUNNER FOLDER

Trains a little on the built-in digits, in FOLDER: five classes (of which the predictions name every probability), two
classes with the logistic function, and few images. Needs polars and scikit-learn. Ends with 1 and a message at the first
difference.
"""

import json
import subprocess
import sys
import warnings
from math import isclose
from pathlib import Path

import numpy as np
import polars as pl
from sklearn import metrics as sk
from sklearn.exceptions import UndefinedMetricWarning

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
    ("five", {"classes": [3, 4, 5, 6, 7], "dataset": "test_limit = 200", **SOFTMAX}),
    ("two", {"classes": [0, 8], "dataset": "test_limit = 100", **SIGMOID}),
    ("few", {"classes": [1, 7, 9], "dataset": "test_limit = 12", **SOFTMAX}),
]


def expect(condition, message):
    if not condition:
        sys.exit(f"error: {message}")


def of_predictions(table):
    """What scikit-learn makes of the recorded predictions."""
    classes = sorted(json.loads(table["top5"][0]))
    numbers = {name: number for number, name in enumerate(classes)}
    labels = np.array([numbers[name] for name in table["label"]])
    said = np.array([numbers[name] for name in table["predicted"]])
    scores = np.zeros((table.height, len(classes)))
    for row, (names, values) in enumerate(zip(table["top5"], table["top5_probabilities"])):
        for name, value in zip(json.loads(names), values):
            scores[row, numbers[name]] = value
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
    return expected


def check(runner, folder, name, options):
    spec = folder / f"{name}.toml"
    spec.write_text(SPEC.format(name=name, **options))
    subprocess.run([runner, "-q", spec.name], cwd=folder, check=True)
    results = folder / "results" / name
    row = pl.read_parquet(results / "runs.parquet").row(0, named=True)
    expected = of_predictions(pl.read_parquet(results / "predictions.parquet"))
    for metric, value in expected.items():
        found = row[f"test_{metric}"]
        expect(np.allclose(found, value, rtol=0, atol=1e-9), f"{name}: {metric} is {found}, scikit-learn's {value}")
    print(f"{name}: {len(expected)} metrics as scikit-learn, macro F1 {expected['macro_f1']:.3f}")


def main(arguments):
    expect(len(arguments) == 2, __doc__)
    runner, folder = Path(arguments[0]).resolve(), Path(arguments[1])
    folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore", UndefinedMetricWarning)
    for case in CASES:
        check(runner, folder, *case)


if __name__ == "__main__":
    main(sys.argv[1:])
