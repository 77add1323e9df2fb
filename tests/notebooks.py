#!/usr/bin/env python3
"""Runs the notebooks from a clean kernel and compares what they come to with `runner compare` and `runner predict`.

usage: python3 tests/notebooks.py RUNNER RESULTS_DIR

RESULTS_DIR is results/<name> of an experiment with the digits that sweeps freeze.through and the seed; the exported model
is written there. Needs nbclient, ipykernel and what the notebooks import. Ends with 1 at the first cell that fails or
number that differs.
"""

import json
import os
import subprocess
import sys
from math import isclose
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from checks import expect

FOLDER = Path(__file__).parent.parent / "experiments" / "notebooks"
# What the programs may differ by in a probability.
TOLERANCE = 1e-5
# What a notebook's last words are to be: its comparison as JSON.
LAST_WORDS = {
    "exported_model.ipynb": """print(json.dumps({
        "run": str(run), "images": [str(path) for path in paths], "classes": classes, "keras": in_keras.tolist(),
        "onnxruntime": in_onnx.tolist(), "table": comparison.to_dicts(),
    }))""",
    "freeze_depths.ipynb": 'print(comparison.rename({"freeze.through": "axis"}).write_json())',
    "pandas_and_duckdb.ipynb": 'print(in_sql.rename(columns={"freeze.through": "axis"}).to_json(orient="records"))',
}


def run(path):
    notebook = nbformat.read(path, as_version=4)
    expect(not any(cell.get("outputs") for cell in notebook.cells), f"{path}: outputs are committed")
    notebook.cells.append(nbformat.v4.new_code_cell(LAST_WORDS[path.name]))
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(FOLDER)}}).execute()
    said = "".join(output["text"] for output in notebook.cells[-1].outputs if output.output_type == "stream")
    return json.loads(said)


def compare_groups(path, rows, groups):
    expect(len(rows) == len(groups), f"{path}: {len(rows)} groups, not {len(groups)}")
    for row, group in zip(rows, groups):
        expect(row["axis"] == group["point"]["freeze.through"], f"{path}: {row} is not {group['point']}")
        pairs = [(row["n"], group["n"]), (row["mean"], group["test_accuracy"]["mean"])]
        pairs.append((row["std"], group["test_accuracy"]["deviation"]))
        if row.get("p") is not None:
            pairs.append((row["p"], group["p_value"]))
        for found, expected in pairs:
            expect(isclose(found, expected, rel_tol=1e-6), f"{path}: {found}, not {expected}, in {row}")
    print(f"{path.name}: {len(rows)} groups as `runner compare`")


def compare_probabilities(path, found, runner):
    classes, images = found["classes"], found["images"]
    command = [runner, "predict", FOLDER / found["run"], *(FOLDER / image for image in images), "--top", str(len(classes))]
    output = subprocess.run([*command, "--format", "json"], capture_output=True, check=True)
    said = json.loads(output.stdout)["images"]
    expect(images and len(said) == len(images), f"{path}: {len(said)} images, not {len(images)}")
    for n, image in enumerate(said):
        expected = {one["class"]: one["probability"] for one in image["predictions"]}
        for program in ["onnxruntime", "keras"]:
            for name, value in zip(classes, found[program][n], strict=True):
                near = abs(value - expected[name]) <= TOLERANCE
                expect(near, f"{path}: {program} gives {value}, not {expected[name]}, for {name} of {images[n]}")
        row, likeliest = found["table"][n], max(expected, key=expected.get)
        expect(row["predicted"] == likeliest, f"{path}: {row} is not {likeliest}")
        expect(row["largest_difference"] <= TOLERANCE, f"{path}: {row}")
    print(f"{path.name}: {len(images)} images as `runner predict`")


def main(arguments):
    expect(len(arguments) == 2, __doc__)
    runner, results = (Path(argument).resolve() for argument in arguments)
    os.environ["RESULTS"], os.environ["RUNNER"] = str(results), str(runner)
    output = subprocess.run([runner, "compare", results, "--format", "json"], capture_output=True, check=True)
    groups = json.loads(output.stdout)["groups"]
    for path in sorted(FOLDER.glob("*.ipynb")):
        if path.name == "exported_model.ipynb":
            compare_probabilities(path, run(path), runner)
        else:
            compare_groups(path, run(path), groups)


if __name__ == "__main__":
    main(sys.argv[1:])
