#!/usr/bin/env python3
"""Checks the sizes of splits against scikit-learn's and torch's rules.

usage: python3 tests/splits.py RUNNER FOLDER

`train_test_split` and `StratifiedKFold` divide the same labels, in FOLDER. Needs polars, NumPy and scikit-learn. Ends with 1
and a message at the first difference.
"""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.model_selection import StratifiedKFold, train_test_split

from checks import expect

SIZES = {"a": 41, "b": 23, "c": 12}
SPEC = """
name = "{name}"
[dataset]
name = "image_folder"
path = "photos"
{dataset}
[backbone]
arch = "squeezenet1_1"
weights = "random"
input_size = 32
[freeze]
through = "all"
[[head]]
layer = "global_average_pooling"
[[head]]
layer = "dense"
units = "classes"
activation = "softmax"
[training]
epochs = 1
"""


def sizes(runner, folder, name, dataset):
    """How many images of each class each part of a run has."""
    spec = folder / f"{name}.toml"
    spec.write_text(SPEC.format(name=name, dataset=dataset))
    subprocess.run([runner, "-q", spec.name], cwd=folder, check=True)
    found = {}
    for run in (folder / "results" / name / "runs").iterdir():
        splits = pl.read_parquet(run / "splits.parquet")
        for part, label in splits.select("part", "label").iter_rows():
            found.setdefault(part, Counter())[label] += 1
    return found


def main(arguments):
    expect(len(arguments) == 2, __doc__)
    runner, folder = Path(arguments[0]).resolve(), Path(arguments[1])
    from PIL import Image

    rng = np.random.default_rng(0)
    for name, count in SIZES.items():
        (folder / "photos" / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "photos" / name / f"{i:03}.png")
    labels = np.array([name for name, count in SIZES.items() for _ in range(count)])
    for share in (0.1, 0.25, 0.5):
        train, held_out = train_test_split(labels, test_size=share, stratify=labels, random_state=0)
        found = sizes(runner, folder, f"s{share}", f'validation = "stratified"\nvalidation_split = {share}')
        # scikit-learn rounds the held-out part up, Keras the training part down: the same number.
        total = sum(found["validation"].values())
        expect(total == len(held_out), f"{share}: {total} images are held out, {len(held_out)} by scikit-learn")
        for name, count in Counter(held_out.tolist()).items():
            there = found["validation"][name]
            expect(abs(there - count) <= 1, f"{share}: {there} of class {name} are held out, {count} by scikit-learn")
    folds = StratifiedKFold(4).split(labels, labels)
    for fold, (_, held_out) in enumerate(folds):
        found = sizes(runner, folder, f"f{fold}", f'validation = "stratified"\nfolds = 4\nfold = {fold}')
        total = sum(found["validation"].values())
        expect(abs(total - len(held_out)) <= 1, f"fold {fold}: {total} images, {len(held_out)} by scikit-learn")
        for name, count in Counter(labels[held_out].tolist()).items():
            there = found["validation"][name]
            expect(abs(there - count) <= 1, f"fold {fold}: {there} of class {name}, {count} by scikit-learn")
    print("splits: sizes as scikit-learn's, three shares and four folds")


if __name__ == "__main__":
    main(sys.argv[1:])
