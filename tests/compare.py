#!/usr/bin/env python3
"""Checks `runner compare` against the same statistics computed by polars and SciPy.

usage: python3 tests/compare.py RUNNER RESULTS_DIR

RESULTS_DIR is results/<name> of an experiment with seeds. Then the same for 10,000 made-up runs, with groups of one to
six seeds, values that are missing and groups without variance. Needs polars and scipy. Ends with 1 and a message at the
first difference.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone
from math import isclose
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import t, ttest_ind, ttest_rel

from checks import expect

FIXED = {
    "run", "status", "error", "epochs", "best_epoch", "skipped_images", "parameters", "trainable_parameters", "seconds",
    "device", "spec", "contents", "version", "started",
}  # fmt: skip
METRICS = ("val_", "test_")


def close(found, expected, relative=1e-9):
    if found is None or expected is None:
        return found is expected
    return isclose(found, expected, rel_tol=relative, abs_tol=1e-300)


def p_value(best, other):
    """Of two tables by seed: paired where both have the same seeds. None where a sample is too small; SciPy warns of
    samples without variance, where the answer is plain."""
    if len(best) < 2 or len(other) < 2:
        return None
    if best.keys() == other.keys():
        differences = [other[seed] - best[seed] for seed in best]
        if len(set(differences)) == 1:
            return float(differences[0] == 0)
        return float(ttest_rel([best[seed] for seed in best], [other[seed] for seed in best]).pvalue)
    best, other = list(best.values()), list(other.values())
    if len(set(best)) == len(set(other)) == 1:
        return float(best[0] == other[0])
    return float(ttest_ind(best, other, equal_var=False).pvalue)


def holm(p_values):
    """R's p.adjust(method = "holm"), which statsmodels has as multipletests."""
    known = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
    corrected, least = [None] * len(p_values), 0.0
    for place, (p, i) in enumerate(known):
        least = max(least, min(1.0, p * (len(known) - place)))
        corrected[i] = least
    return corrected


def interval(best, other, right):
    """The 95 % interval of the mean difference over seeds, and over images where `right` has both tables of a row a seed
    and a column an image; as analysis/difference.rs says."""
    is_paired = best.keys() == other.keys()
    seeds = list(best)
    tables = [np.array([sample[s] for s in (seeds if is_paired else sample)]) for sample in (best, other)]
    samples = [tables[1] - tables[0]] if is_paired else tables
    parts = [(sample.var(ddof=1) / len(sample), len(sample) - 1) for sample in samples] if len(best) > 1 < len(other) else []
    shared = 0.0
    if right:
        rows = [np.array([table[s] for s in (seeds if is_paired else table)], float) for table in right]
        of_images = rows[1].mean(0) - rows[0].mean(0)
        images = (of_images.var(ddof=1) / len(of_images), len(of_images) - 1)
        for cells in [rows[1] - rows[0]] if is_paired else rows:
            n, count = cells.shape
            if n > 1:
                rest = cells - cells.mean(1)[:, None] - cells.mean(0) + cells.mean()
                shared += (rest**2).sum() / ((n - 1) * (count - 1)) / (n * count)
        shared = min(shared, sum(v for v, _ in parts), images[0]) if parts else 0.0
        parts.append(images)
    if not parts:
        return None
    variance = sum(v for v, _ in parts) - shared
    half = 0.0
    if variance > 0:
        half = t.ppf(0.975, variance**2 / sum(v**2 / freedom for v, freedom in parts)) * variance**0.5
    mean = np.mean(list(other.values())) - np.mean(list(best.values()))
    return mean - half, mean + half


def answers(folder, runs):
    """Which test images each run classified right, by seed; none where a run has left no predictions."""
    found = {}
    for run, seed in zip(runs["run"], runs["seed"]):
        path = Path(folder) / "runs" / run / "predictions.parquet"
        if not path.exists():
            return None
        found[seed] = pl.read_parquet(path).select(pl.col("label") == pl.col("predicted")).to_series().to_list()
    return found


def check(runner, folder, measures=("test_accuracy", "test_loss", "seconds")):
    start = time.monotonic()
    output = subprocess.run([runner, "compare", folder, "--format", "json"], capture_output=True, text=True)
    seconds = time.monotonic() - start
    expect(output.returncode == 0, output.stderr)
    found = json.loads(output.stdout)
    runs = pl.read_parquet(Path(folder) / "runs.parquet").filter(pl.col("status") == "finished")
    plan = Path(folder) / "plan.txt"
    if plan.exists():
        runs = runs.filter(pl.col("run").is_in(plan.read_text().splitlines()))
    keys = [name for name in runs.columns if name not in FIXED and not name.startswith(METRICS)]
    axes = [name for name in keys if runs[name].n_unique() > 1]
    axes = [name for name in axes if name not in ("seed", "spec.seed")]
    expected = {key: group for key, group in runs.group_by(axes, maintain_order=True)}
    expect(len(found["groups"]) == len(expected), f"{len(found['groups'])} groups, not {len(expected)}")
    decides = "val_accuracy" if "val_accuracy" in runs.columns else "test_accuracy"
    expect(found["metric"] == decides, f"{folder}: {found['metric']} decides, not {decides}")
    expect(found["reported"] == "test_accuracy", f"{folder}: {found['reported']} is reported")
    expect(found["optimistic"] == (decides == "test_accuracy"), f"{folder}: optimistic is {found['optimistic']}")
    samples = []
    for group in found["groups"]:
        rows = expected[tuple(group["point"][axis] for axis in axes)]
        what = f"{folder}: {group['point']}"
        expect(group["n"] == rows.height, f"{what}: {group['n']} runs, not {rows.height}")
        for measure in measures:
            values = rows[measure].drop_nulls().drop_nans()
            sample = group[measure]
            mean, std = values.mean(), values.std() if len(values) > 1 else None
            expect(close(sample["mean"], mean), f"{what}: mean {measure} {sample['mean']}, not {mean}")
            # Of equal values one of the two may round to a deviation of 1e-17.
            expect(
                close(sample["deviation"], std) or abs(sample["deviation"] - std) < 1e-15,
                f"{what}: deviation of {measure} {sample['deviation']}, not {std}",
            )
        samples.append((what, rows, dict(zip(rows["seed"], rows["test_accuracy"]))))
    _, best_rows, best = samples[0]
    p_values = holm([p_value(best, other) for _, _, other in samples[1:]])
    for place, (group, (what, rows, other), p) in enumerate(zip(found["groups"][1:], samples[1:], p_values)):
        expect(close(group["p_value"], p, 1e-8), f"{what}: p {group['p_value']}, not {p}")
        right = [answers(folder, best_rows), answers(folder, rows)] if place < 30 else [None]
        ends, difference = interval(best, other, right if all(right) else None), group["difference"]
        expect((ends is None) == (difference is None), f"{what}: difference {difference}, not {ends}")
        for name, end in zip(("low", "high"), ends or ()):
            expect(abs(difference[name] - end) < 1e-7, f"{what}: {name} {difference[name]}, not {end}")
        is_open = ends is not None and ends[0] <= 0 <= ends[1]
        mean = difference["mean"] if difference else 0
        told = "better" if mean > 0 else "worse"
        verdict = "within noise" if is_open or (p or 0) >= 0.05 else "unknown" if p is None else told
        expect(group["verdict"] == verdict, f"{what}: {group['verdict']}, not {verdict}")
    means = [group[decides]["mean"] for group in found["groups"]]
    expect(means == sorted(means, reverse=True), f"{folder}: the best is not first")
    print(f"{folder}: {runs.height} runs in {len(expected)} groups in {seconds:.2f} s, as SciPy")


def made_up(folder, count):
    """Writes runs.parquet with `count` runs of groups of one to six seeds."""
    numbers = random.Random(1)
    rows = []
    while len(rows) < count:
        group = len(rows)
        mean, spread = numbers.uniform(0.3, 0.9), numbers.choice([0.0, 0.001, 0.02, 0.1])
        for seed in range(numbers.randint(1, 6)):
            rows.append(
                {
                    "run": f"r{len(rows)}",
                    "optimizer.learning_rate": 10 ** -(1 + group / count),
                    "freeze.through": numbers.choice(["none", "all"]) if seed == 0 else rows[-1]["freeze.through"],
                    "spec.seed": seed,
                    "status": "finished",
                    "test_loss": numbers.uniform(0, 3),
                    "test_accuracy": min(1.0, mean + numbers.gauss(0, spread)) if spread else mean,
                    "seconds": numbers.uniform(1, 100),
                    "spec": json.dumps({"name": "made_up", "training": {"epochs": 3}}),
                    "started": datetime.now(timezone.utc),
                }
            )
    table = pl.DataFrame(rows[:count])
    table = table.rename({"spec.seed": "seed"})
    table.write_parquet(Path(folder) / "runs.parquet", metadata={"runner.format": "2"})


def main(arguments):
    expect(len(arguments) == 2, __doc__)
    runner, folder = arguments
    check(runner, folder)
    with tempfile.TemporaryDirectory() as made:
        made_up(made, 10_000)
        check(runner, made)


if __name__ == "__main__":
    main(sys.argv[1:])
