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

import polars as pl
from scipy.stats import ttest_ind

FIXED = {
    "run", "status", "error", "epochs", "best_epoch", "skipped_images", "parameters", "trainable_parameters", "seconds",
    "device", "spec", "contents", "version", "started",
}  # fmt: skip
METRICS = ("val_", "test_")


def expect(condition, message):
    if not condition:
        sys.exit(f"error: {message}")


def close(found, expected, relative=1e-9):
    if found is None or expected is None:
        return found is expected
    return isclose(found, expected, rel_tol=relative, abs_tol=1e-300)


def p_value(best, other):
    """None where a sample is too small; SciPy warns of samples without variance, where the answer is plain."""
    if len(best) < 2 or len(other) < 2:
        return None
    if len(set(best)) == len(set(other)) == 1:
        return float(best[0] == other[0])
    return float(ttest_ind(best, other, equal_var=False).pvalue)


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
    best = None
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
        values = rows["test_accuracy"].to_list()
        if best is None:
            best = values
            continue
        p = p_value(best, values)
        expect(close(group["p_value"], p, 1e-8), f"{what}: p {group['p_value']}, not {p}")
        verdict = "unknown" if p is None else "worse" if p < 0.05 else "within noise"
        expect(group["verdict"] == verdict, f"{what}: {group['verdict']}, not {verdict}")
    means = [group["test_accuracy"]["mean"] for group in found["groups"]]
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
