#!/usr/bin/env python3
"""Checks that TensorBoard's own reader and a real MLflow server give back the numbers of metrics.parquet.

usage: python3 tests/trackers.py RUNNER WORK_DIR

Starts an MLflow server on localhost with its store in WORK_DIR, has RUNNER train a small sweep that both trackers are told
of, once without a break and once killed in the middle and gone on with, and compares. Needs polars, tensorboard and
mlflow. Ends with 1 and a message at the first difference.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import polars as pl

from checks import expect

SPEC = """
[dataset]
name = "digits"
train_limit = {images}
test_limit = 50

[backbone]
arch = "vgg11_bn"
weights = "random"
input_size = 32

[[head]]
layer = "global_average_pooling"
[[head]]
layer = "dense"
units = "classes"
activation = "softmax"

[training]
epochs = 4
metrics = ["accuracy", "top5_accuracy", "auroc", "per_class", "per_class_f1"]

[tracking]
tensorboard = true
mlflow = "{address}"

[sweep.axes]
"freeze.through" = ["block4_pool", "all"]
seed = [0, 1]
"""
SCALARS = [
    "loss",
    "accuracy",
    "top5_accuracy",
    "auroc",
    "val_loss",
    "val_accuracy",
    "val_top5_accuracy",
    "val_auroc",
    "learning_rate",
    "seconds",
    "images_per_second",
    "peak_memory_mib",
]


def expected(results):
    """Of each run, each metric's values by epoch, as the tables have them."""
    metrics = pl.read_parquet(results / "metrics.parquet")
    runs = {}
    for row in metrics.iter_rows(named=True):
        named = {name: row[name] for name in SCALARS}
        for list_name in ("per_class", "val_per_class", "per_class_f1", "val_per_class_f1"):
            named |= {f"{list_name}/{index}": value for index, value in enumerate(row[list_name])}
        for name, value in named.items():
            if value is not None and np.isfinite(value):
                runs.setdefault(row["run"], {}).setdefault(name, []).append((row["epoch"], value))
    tests = pl.read_parquet(results / "runs.parquet")
    for row in tests.iter_rows(named=True):
        for name in ("test_loss", "test_accuracy", "test_top5_accuracy", "test_auroc"):
            runs[row["run"]][name] = [(row["epochs"], row[name])]
        for list_name in ("test_per_class", "test_per_class_f1"):
            for index, value in enumerate(row[list_name]):
                if np.isfinite(value):
                    runs[row["run"]][f"{list_name}/{index}"] = [(row["epochs"], value)]
    return runs


def check_tensorboard(results, runs):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import plugin_data_pb2

    for run, metrics in runs.items():
        reader = EventAccumulator(str(results / "tensorboard" / run), size_guidance={"scalars": 0})
        reader.Reload()
        tags = set(reader.Tags()["scalars"])
        expect(tags == set(metrics), f"{run}: TensorBoard has {sorted(tags)}, not {sorted(metrics)}")
        for name, values in metrics.items():
            read = [(event.step, np.float32(event.value)) for event in reader.Scalars(name)]
            single = [(step, np.float32(value)) for step, value in values]
            expect(read == single, f"{run}: TensorBoard reads {name} as {read}, not {single}")
        times = [event.wall_time for event in reader.Scalars("loss")]
        expect(times == sorted(times), f"{run}: TensorBoard's times go back: {times}")
        expect("spec/text_summary" in reader.Tags()["tensors"], f"{run}: the spec is missing")
        contents = reader.PluginTagToContent("hparams")
        data = plugin_data_pb2.HParamsPluginData.FromString(contents["_hparams_/session_start_info"])
        hparams = {key: value for key, value in data.session_start_info.hparams.items()}
        through = hparams["freeze.through"].string_value
        expect(f"through={through},seed={hparams['seed'].number_value:.0f}-" in run, f"{run}: hparams {hparams}")
        data = plugin_data_pb2.HParamsPluginData.FromString(contents["_hparams_/session_end_info"])
        expect(data.session_end_info.status == 1, f"{run}: its end is {data.session_end_info}")


def check_mlflow(address, results, runs):
    from mlflow.tracking import MlflowClient

    client = MlflowClient(address)
    experiment = client.get_experiment_by_name(results.name)
    expect(experiment is not None, f"MLflow has no experiment {results.name}")
    found = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    expect(set(found) == set(runs), f"MLflow has the runs {sorted(found)}, not {sorted(runs)}")
    charts = {path.name for path in (results / "charts").iterdir()}
    for name, metrics in runs.items():
        run = found[name]
        expect(run.info.status == "FINISHED", f"{name} is {run.info.status} in MLflow")
        expect(set(run.data.metrics) == set(metrics), f"{name}: MLflow has {sorted(run.data.metrics)}")
        for metric, values in metrics.items():
            history = client.get_metric_history(run.info.run_id, metric)
            read = sorted((point.step, point.value) for point in history)
            expect(read == values, f"{name}: MLflow reads {metric} as {read}, not {values}")
        parameters = run.data.params
        expect(parameters["backbone.arch"] == "vgg11_bn", f"{name}: parameters {parameters}")
        expect(parameters["optimizer.learning_rate"] == "0.001", f"{name}: parameters {parameters}")
        point = f"through={parameters['freeze.through']},seed={parameters['seed']}-"
        expect(name.startswith(point), f"{name}: parameters {parameters}")
        paths = {file.path for file in client.list_artifacts(run.info.run_id)}
        expect(paths == {"charts", "model.safetensors", "spec.toml"}, f"{name}: artifacts {paths}")
        stored = {Path(file.path).name for file in client.list_artifacts(run.info.run_id, "charts")}
        expect(stored and stored <= charts, f"{name}: charts {stored}")
        model = Path(client.download_artifacts(run.info.run_id, "model.safetensors", str(results)))
        own = results / "runs" / name / "model.safetensors"
        expect(model.read_bytes() == own.read_bytes(), f"{name}: MLflow has another model")


def start_server(work):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{work}/mlflow.db"]
    command += ["--artifacts-destination", str(work / "artifacts"), "--workers", "1"]
    log = open(work / "mlflow.log", "w")
    environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    server = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
    end = time.monotonic() + 90
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(f"{address}/health", timeout=5).close()
            return server, address
        except OSError:
            time.sleep(0.2)
    stop(server)
    sys.exit(f"error: the MLflow server does not start:\n{(work / 'mlflow.log').read_text()}")


def stop(server):
    """Ends the server with its workers."""
    os.killpg(server.pid, signal.SIGTERM)
    server.wait(30)


def train(command):
    done = subprocess.run(command, capture_output=True, text=True)
    expect(done.returncode == 0, f"the runner ends with {done.returncode}: {done.stderr}")
    said = [line for line in done.stderr.splitlines() if "MLflow" in line or "TensorBoard" in line]
    expect(not said, f"the runner says {said}")


def train_with_a_break(command, results):
    """Kills the runner once a run has an epoch behind it, and goes on; a run at a time, so that one was broken off."""
    command = [*command, "--jobs", "1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not list(results.glob("runs/*/checkpoint/*.safetensors")):
        time.sleep(0.01)
    process.kill()
    expect(process.wait() != 0, "the runner ended before it was killed")
    train(command)
    logs = "".join(path.read_text() for path in results.glob("runs/*/log.jsonl"))
    expect(logs.count('"event":"started"') == 5, "no run was gone on with")


def main(arguments):
    expect(len(arguments) == 2, __doc__)
    runner, work = Path(arguments[0]).resolve(), Path(arguments[1]).resolve()
    work.mkdir(parents=True, exist_ok=True)
    server, address = start_server(work)
    os.environ["MLFLOW_TRACKING_URI"] = address
    try:
        for name, images in (("whole", 100), ("broken", 300)):
            spec = work / f"{name}.toml"
            spec.write_text(SPEC.format(address=address, images=images))
            results = work / "results" / name
            command = [runner, spec, "--results", results.parent]
            if name == "broken":
                train_with_a_break(command, results)
            else:
                train(command)
            runs = expected(results)
            expect(len(runs) == 4, f"{name}: {len(runs)} runs")
            check_tensorboard(results, runs)
            check_mlflow(address, results, runs)
            print(f"{name}: TensorBoard and MLflow give back {len(runs)} runs: good")
    finally:
        stop(server)


if __name__ == "__main__":
    main(sys.argv[1:])
