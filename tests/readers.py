#!/usr/bin/env python3
"""Checks that the tables of results folders open in polars, pandas and DuckDB with the documented columns and types.

usage: python3 tests/readers.py RESULTS_DIR...

Each RESULTS_DIR holds metrics.parquet, runs.parquet and predictions.parquet of one experiment (results/<name>). With more than one, the
tables must also stack. Needs polars, pandas, pyarrow and duckdb. Ends with 1 and a message at the first difference.
"""

import json
import sys
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl

from checks import expect

STRING, FLOAT, INT32, INT64 = pl.String, pl.Float64, pl.Int32, pl.Int64
FLOATS = pl.List(pl.Float64)
FLOAT32, FLOATS32, BINARY = pl.Float32, pl.List(pl.Float32), pl.Binary
AXIS_TYPES = {pl.String, pl.Float64, pl.Int64, pl.Boolean}

# Metrics beside the loss and the accuracy, with the types of their columns.
OTHERS = {
    "top5_accuracy": FLOAT,
    "balanced_accuracy": FLOAT,
    "precision": FLOAT,
    "recall": FLOAT,
    "macro_f1": FLOAT,
    "micro_f1": FLOAT,
    "exact_match": FLOAT,
    "cohen_kappa": FLOAT,
    "auroc": FLOAT,
    "average_precision": FLOAT,
    "calibration_error": FLOAT,
    "per_class": FLOATS,
    "per_class_precision": FLOATS,
    "per_class_f1": FLOATS,
}


def of_part(part):
    return {f"{part}{name}": dtype for name, dtype in OTHERS.items()}


# The columns around the axes, in order, which stand after `run`.
METRICS = {
    "run": STRING,
    "epoch": INT32,
    "stage": STRING,
    "loss": FLOAT,
    "accuracy": FLOAT,
    "val_loss": FLOAT,
    "val_accuracy": FLOAT,
    **{f"{part}{name}": dtype for name, dtype in OTHERS.items() for part in ("", "val_")},
    "learning_rate": FLOAT,
    "seconds": FLOAT,
    "images_per_second": FLOAT,
    "peak_memory_mib": FLOAT,
}
RUNS = {
    "run": STRING,
    "status": STRING,
    "error": STRING,
    "epochs": INT32,
    "best_epoch": INT32,
    "val_loss": FLOAT,
    "val_accuracy": FLOAT,
    **of_part("val_"),
    "test_loss": FLOAT,
    "test_accuracy": FLOAT,
    **of_part("test_"),
    "skipped_images": INT32,
    "parameters": INT64,
    "trainable_parameters": INT64,
    "seconds": FLOAT,
    "device": STRING,
    "spec": STRING,
    "contents": STRING,
    "version": STRING,
    "started": pl.Datetime("us", "UTC"),
}
PREDICTIONS = {
    "run": STRING,
    "part": STRING,
    "index": INT32,
    "file": STRING,
    "label": STRING,
    "predicted": STRING,
    "probability": FLOAT32,
    "label_probability": FLOAT32,
    "top5": STRING,
    "top5_probabilities": FLOATS32,
    "probabilities": FLOATS32,
    "image": BINARY,
}
TABLES = {"metrics.parquet": METRICS, "runs.parquet": RUNS, "predictions.parquet": PREDICTIONS}
DUCKDB_TYPES = {
    STRING: "VARCHAR",
    FLOAT: "DOUBLE",
    INT32: "INTEGER",
    INT64: "BIGINT",
    FLOATS: "DOUBLE[]",
    FLOAT32: "FLOAT",
    FLOATS32: "FLOAT[]",
    BINARY: "BLOB",
    pl.Datetime("us", "UTC"): "TIMESTAMP WITH TIME ZONE",
}
# pandas shows a column of numbers with nulls as float64, and lists and text as object or str.
PANDAS_KINDS = {
    STRING: "OT",
    FLOAT: "f",
    FLOAT32: "f",
    INT32: "if",
    INT64: "if",
    FLOATS: "O",
    FLOATS32: "O",
    BINARY: "O",
    pl.Datetime("us", "UTC"): "M",
}


def check_polars(path, documented):
    """Reads with polars and returns the table; order and types are as documented."""
    table = pl.read_parquet(path)
    fixed = [name for name in table.columns if name in documented]
    expect(fixed == list(documented), f"{path}: columns are {table.columns}, documented are {list(documented)}")
    for name, dtype in documented.items():
        expect(table.schema[name] == dtype, f"{path}: polars reads {name} as {table.schema[name]}, not {dtype}")
    axes = [name for name in table.columns if name not in documented]
    expect(table.columns[1 : 1 + len(axes)] == axes, f"{path}: the axes {axes} do not stand after `run`")
    for name in axes:
        expect(table.schema[name] in AXIS_TYPES, f"{path}: the axis {name} is {table.schema[name]}")
    expect(table["run"].null_count() == 0, f"{path}: a row has no run")
    return table


def check_pandas(path, documented, table):
    frame = pd.read_parquet(path)
    expect(list(frame.columns) == table.columns, f"{path}: pandas reads the columns {list(frame.columns)}")
    expect(len(frame) == table.height, f"{path}: pandas reads {len(frame)} rows, polars {table.height}")
    for name, dtype in documented.items():
        kind = "T" if isinstance(frame[name].dtype, pd.StringDtype) else frame[name].dtype.kind
        expect(
            kind in PANDAS_KINDS[dtype] or frame[name].isna().all(),
            f"{path}: pandas reads {name} as {frame[name].dtype}",
        )
    if "started" in documented:
        expect(str(frame["started"].dt.tz) == "UTC", f"{path}: pandas reads `started` without UTC")


def check_duckdb(path, documented, table):
    relation = duckdb.read_parquet(str(path))
    types = dict(zip(relation.columns, map(str, relation.types)))
    expect(relation.columns == table.columns, f"{path}: DuckDB reads the columns {relation.columns}")
    for name, dtype in documented.items():
        expect(types[name] == DUCKDB_TYPES[dtype], f"{path}: DuckDB reads {name} as {types[name]}")
    rows = relation.count("*").fetchall()[0][0]
    expect(rows == table.height, f"{path}: DuckDB reads {rows} rows, polars {table.height}")


def check_contents(folder, metrics, runs, predictions):
    """What holds between the rows of the tables."""
    expect(runs["run"].is_unique().all(), f"{folder}: a run has two rows in runs.parquet")
    expect(
        not metrics.select("run", "epoch").is_duplicated().any(),
        f"{folder}: a run and epoch has two rows in metrics.parquet",
    )
    expect(metrics.height == 0 or metrics["epoch"].min() == 1, f"{folder}: epochs do not begin with 1")
    known = {"finished", "failed", "interrupted"}
    expect(set(runs["status"]) <= known, f"{folder}: statuses are {set(runs['status'])}")
    failed = runs.filter(pl.col("status") == "failed")
    expect(failed["error"].null_count() == 0, f"{folder}: a failed run has no error")
    counts = dict(metrics.group_by("run").len().iter_rows())
    for run, status, epochs, spec in runs.select("run", "status", "epochs", "spec").iter_rows():
        expect(isinstance(json.loads(spec), dict), f"{folder}: the spec of {run} is no JSON object")
        if status == "finished":
            done = counts.get(run, 0)
            expect(done == epochs, f"{folder}: {run} has {done} rows in metrics.parquet, but {epochs} epochs")
    hits = predictions.group_by("run").agg((pl.col("label") == pl.col("predicted")).mean().alias("hits"))
    scored = runs.join(hits, on="run", how="left").filter(pl.col("test_accuracy").is_not_null())
    expect(
        ((scored["hits"] - scored["test_accuracy"]).abs() < 1e-12).all(),
        f"{folder}: the predictions do not make up test_accuracy",
    )
    for table in (metrics, runs):
        for name in table.columns:
            if name.endswith("accuracy"):
                values = table[name].drop_nulls().drop_nans()
                expect(values.is_between(0, 1).all(), f"{folder}: {name} leaves [0, 1]")


def check_stacking(file, folders):
    """Tables of different experiments stack; an axis one of them lacks is null there."""
    paths = [str(folder / file) for folder in folders]
    tables = [pl.read_parquet(path) for path in paths]
    rows = sum(table.height for table in tables)
    stacked = pl.concat(tables, how="diagonal")
    expect(stacked.height == rows, f"polars stacks {file} to {stacked.height} rows, not {rows}")
    names = {name for table in tables for name in table.columns}
    relation = duckdb.read_parquet(paths, union_by_name=True)
    expect(set(relation.columns) == names, f"DuckDB stacks {file} to the columns {relation.columns}")
    count = relation.count("*").fetchall()[0][0]
    expect(count == rows, f"DuckDB stacks {file} to {count} rows, not {rows}")


def main(arguments):
    expect(arguments, f"which results folder?\n{__doc__}")
    folders = [Path(argument) for argument in arguments]
    for folder in folders:
        tables = []
        for file, documented in TABLES.items():
            path = folder / file
            expect(path.is_file(), f"{path} is missing")
            table = check_polars(path, documented)
            check_pandas(path, documented, table)
            check_duckdb(path, documented, table)
            tables.append(table)
        check_contents(folder, *tables)
        print(f"{folder}: {tables[1].height} runs, {tables[0].height} epochs: good")
    if len(folders) > 1:
        for file in TABLES:
            check_stacking(file, folders)
        print(f"{len(folders)} experiments stack")


if __name__ == "__main__":
    main(sys.argv[1:])
