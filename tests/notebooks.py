#!/usr/bin/env python3
"""Runs the notebooks from a clean kernel and compares what they come to with `runner compare`.

usage: python3 tests/notebooks.py RUNNER RESULTS_DIR

RESULTS_DIR is results/<name> of an experiment that sweeps freeze.through and the seed. Needs nbclient, ipykernel and
what the notebooks import. Ends with 1 at the first cell that fails or number that differs.
"""

import json
import os
import subprocess
import sys
from math import isclose
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent.parent / "experiments" / "notebooks"
# What a notebook's last words are to be: its comparison as JSON.
LAST_WORDS = {
    "freeze_depths.ipynb": 'print(comparison.rename({"freeze.through": "axis"}).write_json())',
    "pandas_and_duckdb.ipynb": 'print(in_sql.rename(columns={"freeze.through": "axis"}).to_json(orient="records"))',
}


def expect(condition, message):
    if not condition:
        sys.exit(f"error: {message}")


def run(path):
    notebook = nbformat.read(path, as_version=4)
    expect(not any(cell.get("outputs") for cell in notebook.cells), f"{path}: outputs are committed")
    notebook.cells.append(nbformat.v4.new_code_cell(LAST_WORDS[path.name]))
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(FOLDER)}}).execute()
    said = "".join(output["text"] for output in notebook.cells[-1].outputs if output.output_type == "stream")
    return json.loads(said)


def main(arguments):
    expect(len(arguments) == 2, __doc__)
    runner, results = arguments
    os.environ["RESULTS"] = str(Path(results).resolve())
    output = subprocess.run([runner, "compare", results, "--format", "json"], capture_output=True, check=True)
    groups = json.loads(output.stdout)["groups"]
    for path in sorted(FOLDER.glob("*.ipynb")):
        rows = run(path)
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


if __name__ == "__main__":
    main(sys.argv[1:])
