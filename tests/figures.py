#!/usr/bin/env python3
"""Checks that accuracies which the README states are those that come out.

usage: python3 tests/figures.py PROGRAM QUICKSTART_RESULTS FOLDER [WEIGHTS PHOTOS]

QUICKSTART_RESULTS is the results folder of experiments/quickstart.toml. With WEIGHTS (EfficientNet-Lite0's from timm) and PHOTOS
(a folder for each class) experiments/photos.toml is done in FOLDER, too. Needs polars. Other processors round otherwise, so
that an accuracy may differ by an image or two. Ends with 1 and a message at the first difference.
"""

import re
import sys
from pathlib import Path

import polars as pl

from checks import expect, run

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
# Points of accuracy: two images of the quickstart's 180 in each of three runs.
NEAR = 1.2


def check_quickstart(results):
    table = re.search(r"\| frozen through \| pretrained on 0–4 \|.*?\n\n", README, re.S)
    expect(table, "README.md has no table of the quickstart's accuracies")
    rows = re.findall(r"^\| `?([\w ]+)`? \| ([\d.]+) ± ([\d.]+) %", table.group(), re.M)
    words = {"nothing": "none", "everything": "all"}
    runs = pl.read_parquet(results / "runs.parquet")
    expect(len(rows) == runs["freeze.through"].n_unique(), f"the README has {len(rows)} freeze depths of the quickstart")
    for depth, mean, deviation in rows:
        accuracy = runs.filter(pl.col("freeze.through") == words.get(depth, depth))["test_accuracy"] * 100
        found = f"{accuracy.mean():.1f} ± {accuracy.std():.1f} %"
        near = abs(accuracy.mean() - float(mean)) <= NEAR and abs(accuracy.std() - float(deviation)) <= NEAR
        expect(near, f"the README says {mean} ± {deviation} % of the quickstart frozen through {depth}, it is {found}")


def check_photos(program, folder, weights, photos):
    stated = re.search(r"(\d+) of the (\d+)\s+held out for the test", README)
    expect(stated, "README.md does not say how many photos are named rightly")
    folder.mkdir(parents=True, exist_ok=True)
    keys = {"dataset.path": photos, "backbone.weights": weights}
    set_keys = [word for key, path in keys.items() for word in ("--set", f"{key}={path.resolve()}")]
    run(program, ROOT / "experiments" / "photos.toml", *set_keys, folder=folder)
    test = pl.read_parquet(folder / "results" / "photos" / "predictions.parquet")
    right = (test["label"] == test["predicted"]).sum()
    found = f"{right} of {test.height}"
    is_near = abs(right - int(stated[1])) <= 1 and test.height == int(stated[2])
    expect(is_near, f"the README says that {stated[1]} of {stated[2]} photos are named rightly, it is {found}")


program, results, folder = (Path(argument).resolve() for argument in sys.argv[1:4])
check_quickstart(results)
if len(sys.argv) == 6:
    check_photos(program, folder, Path(sys.argv[4]), Path(sys.argv[5]))
print("the README's accuracies are those that come out")
