#!/usr/bin/env python3
"""Makes a competition of photos of ants and bees, and enters it with three commands.

usage: python3 tests/competition.py RUNNER FOLDER DATA WEIGHTS

In FOLDER: `train.csv` with an id, a series and up to three labels (ant or bee, wide, bright) a photo, all photos of DATA
(`train/ants`, `train/bees`, `val/…`: torchvision's hymenoptera) in one folder, those to be predicted in another. WEIGHTS is
a file of tf_efficientnet_lite0's. Needs polars, Pillow, NumPy and scikit-learn. Ends with 1 and a message where something is wrong.
"""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.utils.class_weight import compute_class_weight

from checks import expect

CLASSES = ["ant", "bee", "bright", "wide"]
SPEC = Path(__file__).parent.parent / "experiments" / "competition.toml"


def labels_of(path, species):
    image = Image.open(path).convert("RGB")
    is_wide, is_bright = image.width > 1.2 * image.height, bool(np.asarray(image.convert("L")).mean() > 120)
    return [species] + ["wide"] * is_wide + ["bright"] * is_bright


def make(folder, data):
    """The competition's files; the labels of the photos to be predicted."""
    for name in ("photos", "unknown"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    rows, hidden = [], {}
    for part, into in (("train", "photos"), ("val", "unknown")):
        for species in ("ant", "bee"):
            for path in sorted((data / part / f"{species}s").glob("*.jpg")):
                digits = [c for c in path.stem if c.isdigit()]
                name = f"{species[0]}{''.join(digits)}" if digits else path.stem
                target = folder / into / f"{name}.jpg"
                target.unlink(missing_ok=True)
                target.symlink_to(path.resolve())
                labels = labels_of(path, species)
                if part == "train":
                    rows.append({"id": name, "series": f"s{int(digits[-1] if digits else 0)}{len(labels)}", "labels": "|".join(labels)})
                else:
                    hidden[name] = labels
    # Ids say nothing of the class's order.
    rows.sort(key=lambda row: row["id"][1:])
    with open(folder / "train.csv", "w", newline="") as file:
        table = csv.DictWriter(file, ["id", "series", "labels"])
        table.writeheader()
        table.writerows(rows)
    return rows, hidden


def matrix(all_labels):
    return np.array([[name in labels for name in CLASSES] for labels in all_labels], int)


def main(arguments):
    expect(len(arguments) == 4, __doc__)
    runner, folder, data, weights = (Path(argument).resolve() for argument in arguments)
    rows, hidden = make(folder, data)
    (folder / "competition.toml").write_text(SPEC.read_text())
    here = ["--set", f"backbone.weights={weights}", "--set", "backbone.input_size=128"]

    def run(*command):
        return subprocess.run([runner, *command], cwd=folder, check=True, capture_output=True, text=True).stdout

    # The three commands of the README.
    plan = run("check", "competition.toml", *here)
    run("competition.toml", *here)
    [entry] = (folder / "results/competition/runs").iterdir()
    answers = json.loads(run("predict", entry, "unknown", "--format", "json"))["images"]

    expect("4 classes of column labels" in plan, plan)
    splits = pl.read_parquet(entry / "splits.parquet")
    expect(splits.height == len(rows), f"{splits.height} photos of {len(rows)} are in a part")
    series = {row["id"]: row["series"] for row in rows}
    parts = {}
    for file, part in splits.select("file", "part").iter_rows():
        parts.setdefault(series[Path(file).stem], set()).add(part)
    expect(all(len(part) == 1 for part in parts.values()), f"series on both sides of the split: {parts}")
    recorded = {Path(file).stem: json.loads(label) for file, label in splits.select("file", "label").iter_rows()}
    expect(all(sorted(recorded[row["id"]]) == sorted(row["labels"].split("|")) for row in rows), "labels differ")

    expect(len(answers) == len(hidden), f"{len(answers)} photos of {len(hidden)} are predicted")
    truth = matrix(hidden[Path(answer["image"]).stem] for answer in answers)
    said = matrix(answer["labels"] for answer in answers)
    scores = [{ranked["class"]: ranked["probability"] for ranked in answer["predictions"]} for answer in answers]
    scores = np.array([[score[name] for name in CLASSES] for score in scores])
    expect(((scores > 0.5) == said).all(), "labels are not those above one half")
    areas = dict(zip(CLASSES, roc_auc_score(truth, scores, average=None)))
    f1 = f1_score(truth, said, average="macro")
    shown = ", ".join(f"{name} {area:.3f}" for name, area in areas.items())
    # Frozen features of a square from the middle of a photo say what is on it, and little of its shape and light.
    expect(min(areas["ant"], areas["bee"]) > 0.9, f"AUROC of photos that were not learned from: {shown}")
    table = pl.read_parquet(entry / "predictions.parquet")
    check_metrics(table, pl.read_parquet(entry / "runs.parquet").row(0, named=True))
    check_class_weights(runner, folder)
    print(f"competition: {len(hidden)} photos predicted, AUROC {shown}, macro F1 {f1:.3f}")


def check_metrics(table, row):
    """The run's metrics of its validation photos are scikit-learn's."""
    truth, said = (matrix(map(json.loads, table[name])) for name in ("label", "predicted"))
    scores = np.array(table["probabilities"].to_list())
    expected = {
        "accuracy": (truth == said).mean(),
        "macro_f1": f1_score(truth, said, average="macro", zero_division=0),
        "micro_f1": f1_score(truth, said, average="micro"),
        "auroc": roc_auc_score(truth, scores, average="macro"),
    }
    for name, value in expected.items():
        found = row[f"val_{name}"]
        expect(np.isclose(found, value, rtol=0, atol=1e-9), f"{name} is {found}, scikit-learn's {value}")


def check_class_weights(runner, folder):
    """Training with scikit-learn's balanced weights, written out, is training with `balanced`."""
    labels = ["ant"] * 9 + ["bee"] * 3 + ["wasp"] * 6
    files = sorted((folder / "photos").glob("*.jpg"))[: len(labels)]
    with open(folder / "uneven.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "label"])
        table.writerows([path.stem, label] for path, label in zip(files, labels))
    (folder / "uneven.toml").write_text(UNEVEN)
    weights = compute_class_weight("balanced", classes=np.array(["ant", "bee", "wasp"]), y=np.array(labels))
    written = ", ".join(f"{name} = {weight!r}" for name, weight in zip(["ant", "bee", "wasp"], weights.tolist()))
    losses = []
    for name, wanted in (("balanced", '"balanced"'), ("written", "{ " + written + " }")):
        command = ["uneven.toml", "--set", f"name={name}", "--set", f"training.class_weights={wanted}"]
        subprocess.run([runner, "-q", *command], cwd=folder, check=True)
        losses.append(pl.read_parquet(folder / "results" / name / "metrics.parquet")["loss"].to_list())
    expect(np.allclose(*losses, rtol=1e-6, atol=0), f"losses with balanced class weights: {losses}")


UNEVEN = """
[dataset]
name = "table"
path = "uneven.csv"
images = "photos"
image_column = "id"
validation_split = 0.0
[backbone]
arch = "squeezenet1_1"
weights = "random"
input_size = 32
[[head]]
layer = "global_average_pooling"
[[head]]
layer = "dense"
units = "classes"
activation = "softmax"
[training]
epochs = 2
batch_size = 6
"""

if __name__ == "__main__":
    main(sys.argv[1:])
