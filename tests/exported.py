#!/usr/bin/env python3
"""Checks that exported models give the probabilities of `runner predict` in the programs that they are for.

usage: python3 tests/exported.py RUNNER FOLDER [--without keras] [--without timm]

Trains the smallest architecture of each family, heads of every layer and the lesson's network for a moment in FOLDER, and
trains what Keras opens one more epoch there. Needs numpy, onnx, onnxruntime, polars, pandas, pyarrow and duckdb; timm (with
torch) and Keras (with the backend that KERAS_BACKEND names), unless they are left out by name. Ends with 1 and a message
at the first difference.
"""

import argparse
import json
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import duckdb
import numpy as np
import onnx
import onnxruntime
import pandas as pd
import polars as pl
import pyarrow.parquet as pq

from checks import expect, run

# Imported by `main`, unless they are left out.
keras = timm = torch = None

# The program's probabilities and another's may differ so much; and their logarithms, since a network that has seen little
# is sure of itself, and says little by its probabilities.
TOLERANCE = 1e-5
LOG_TOLERANCE = 2e-3
SMALLEST = 1e-30
IMAGES = 5

SPEC = """
name = "{name}"
dataset = {{ name = "digits", train_limit = 24, test_limit = 4 }}
backbone = {{ {arch}, weights = "random", input_size = {size} }}
freeze = {{ through = "{through}" }}
head = [{head}]
normalization = {{ scheme = "{scheme}" }}
optimizer = {{ name = "sgd", learning_rate = 0.002 }}
training = {{ epochs = 1, batch_size = 4, loss = "{loss}" }}
{sweep}
"""
CLASSIFIER = '{ layer = "dense", units = "classes", activation = "softmax" }'
POOL = f'{{ layer = "pool" }}, {CLASSIFIER}'
FAMILIES = [
    "resnet18",
    "mobilenetv2_100",
    "mobilenetv3_small_100",
    "efficientnet_b0",
    "tf_efficientnet_lite0",
    "convnext_tiny",
    "vit_tiny_patch16_224",
    "densenet121",
    "regnety_008",
    "vgg11_bn",
    "squeezenet1_1",
]
USUAL = {"size": 32, "head": POOL, "scheme": "imagenet", "loss": "categorical_crossentropy", "through": "none", "sweep": ""}
EVERY_LAYER = """
  { layer = "activation", activation = "relu" }, { layer = "flatten" },
  { layer = "batch_normalization", name = "second" }, { layer = "dense", units = 24, activation = "tanh" },
  { layer = "dropout", rate = 0.5 }, { layer = "activation", activation = "relu", name = "last" },
  { layer = "dense", units = 12, activation = "sigmoid" }, """
LOGISTIC = '{ layer = "dense", units = "classes", activation = "sigmoid" }'
LESSON = f"""
  {{ layer = "flatten" }}, {{ layer = "dense", units = 256, activation = "relu" }}, {{ layer = "batch_normalization" }},
  {{ layer = "dropout", rate = 0.5 }}, {CLASSIFIER}"""
AVERAGE = f'{{ layer = "global_average_pooling" }}, {CLASSIFIER}'
SPECS = {
    "families": {"arch": "arch = \"resnet18\"", "sweep": f'[sweep.axes]\n"backbone.arch" = {json.dumps(FAMILIES)}'},
    # A side that windows of stride 2 do not divide.
    "odd": {
        "arch": 'arch = "resnet18"',
        "size": 45,
        "scheme": "caffe",
        "sweep": '[sweep.axes]\n"backbone.arch" = ["squeezenet1_1", "tf_efficientnet_lite0", "densenet121"]',
    },
    "patches": {"arch": 'arch = "vit_small_patch14_dinov2"', "size": 28, "scheme": "symmetric"},
    "maps": {"arch": 'arch = "vgg11"', "size": 64, "head": '{ layer = "batch_normalization" }, ' + EVERY_LAYER + CLASSIFIER},
    "tokens": {
        "arch": 'arch = "vit_tiny_patch16_224"',
        "head": EVERY_LAYER + LOGISTIC,
        "loss": "binary_crossentropy",
    },
    "dense": {"arch": 'arch = "vgg11_bn"', "size": 224, "through": "all"},
    "average": {"arch": 'arch = "convnext_tiny"', "head": AVERAGE},
    # experiments/vgg16_ft.toml.
    "lesson": {"arch": 'arch = "vgg16"', "head": LESSON, "scheme": "unit", "through": "block4_pool"},
}


def write_png(path, pixels):
    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def pictures(folder, size):
    """Images of the model's size, so that nothing is resized: patches of few colours, so that they differ in much."""
    random = np.random.default_rng(size)
    coarse = random.integers(0, 256, (IMAGES, 4, 4, 3), dtype=np.uint8)
    at = np.arange(size) * 4 // size
    images = coarse[:, at][:, :, at]
    paths = [folder / f"{size}_{n}.png" for n in range(IMAGES)]
    for path, pixels in zip(paths, images):
        write_png(path, pixels)
    return images, paths


def predicted(program, run_folder, paths, classes, folder):
    """What `runner predict` says, an image a row."""
    said = json.loads(run(program, "predict", run_folder, *paths, "--top", str(len(classes)), "--format", "json", folder=folder))
    rows = [{one["class"]: one["probability"] for one in image["predictions"]} for image in said["images"]]
    return np.array([[row[name] for name in classes] for row in rows], dtype=np.float32)


def logs(probabilities):
    return np.log(np.maximum(probabilities, SMALLEST))


def difference(values, wanted):
    return np.array([np.abs(values - wanted).max(), np.abs(logs(values) - logs(wanted)).max()])


def session(path):
    onnx.checker.check_model(str(path), full_check=True)
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def normalized(images, formula):
    """As the metadata say: `(x - mean) / std` of channels in that order, channels first."""
    order = {"rgb": [0, 1, 2], "bgr": [2, 1, 0]}[formula["order"]]
    values = (images[..., order].astype(np.float64) - formula["mean"]) / formula["std"]
    return values.astype(np.float32).transpose(0, 3, 1, 2)


def check_onnx(program, run_folder, folder):
    plain, whole = folder / "plain.onnx", folder / "whole.onnx"
    run(program, "export", run_folder, "--format", "onnx", "-o", plain, folder=folder)
    asked = ["--with-preprocessing", "--fold-batch-norm"]
    run(program, "export", run_folder, "--format", "onnx", *asked, "-o", whole, folder=folder)
    model = session(plain)
    about = model.get_modelmeta().custom_metadata_map
    classes, formula = json.loads(about["classes"]), json.loads(about["normalization"])
    size = json.loads(about["resize"])["size"]
    images, paths = pictures(folder, size)
    expected = predicted(program, run_folder, paths, classes, folder)
    name = run_folder.name
    spread = np.ptp(logs(expected), axis=0).max()
    found = model.run(["probabilities"], {"images": normalized(images, formula)})[0]
    other = session(whole)
    inside = other.run(["probabilities"], {"images": images})[0]
    one = other.run(["probabilities"], {"images": images[:1]})[0]
    worst = np.zeros(2)
    for what, values, wanted in [("", found, expected), (" with preprocessing", inside, expected), (" alone", one, expected[:1])]:
        expect(values.shape == wanted.shape, f"{name}{what}: {values.shape} probabilities")
        worst = np.maximum(worst, difference(values, wanted))
        expect((worst <= [TOLERANCE, LOG_TOLERANCE]).all(), f"{name}{what}: ONNX differs by {worst}")
    expect(spread > 20 * worst[1], f"{name}: it says nearly the same of every image, {spread} apart in logarithms")
    folded = sum(node.op_type == "BatchNormalization" for node in onnx.load(whole).graph.node)
    print(f"{name}: ONNX differs by {worst[0]:.0e}, in logarithms {worst[1]:.0e} of {spread:.0e}; {folded} batch norms of its own once folded")


def check_timm(program, run_folder, folder):
    """The folder opens in timm, and says the same of images that its own transform prepares."""
    output = folder / "timm"
    done = subprocess.run([program, "export", run_folder, "--format", "pytorch", "-o", output], capture_output=True, text=True)
    if done.returncode == 2 and "timm does not build this" in done.stderr:
        print(f"{run_folder.name}: {done.stderr.strip()}")
        return
    expect(done.returncode == 0, done.stderr)
    if timm is None:
        return
    config = json.loads((output / "config.json").read_text())
    model = timm.create_model(f"local-dir:{output}", pretrained=True).eval()
    about = model.pretrained_cfg
    classes = config["label_names"]
    expect(about["label_names"] == classes and model.num_classes == len(classes), f"{run_folder.name}: classes in timm")
    images, paths = pictures(folder, about["input_size"][1])
    values = (torch.tensor(images).float() / 255 - torch.tensor(about["mean"])) / torch.tensor(about["std"])
    with torch.no_grad():
        found = torch.softmax(model(values.permute(0, 3, 1, 2)), 1).numpy()
    worst = difference(found, predicted(program, run_folder, paths, classes, folder))
    expect((worst <= [TOLERANCE, LOG_TOLERANCE]).all(), f"{run_folder.name}: timm differs by {worst}")
    print(f"{run_folder.name}: timm differs by {worst[0]:.0e}, in logarithms {worst[1]:.0e}")


def check_keras(program, run_folder, folder, trains):
    """Both files open in Keras without custom objects, say the same, and would train the same; the `.h5` does where it is to."""
    trained = []
    for kind in ("keras", "h5"):
        output = folder / f"model.{kind}"
        done = subprocess.run([program, "export", run_folder, "--format", kind, "-o", output], capture_output=True, text=True)
        if done.returncode == 2 and "Keras's own layers cannot express it" in done.stderr:
            print(f"{run_folder.name}: {done.stderr.strip()}")
            return
        expect(done.returncode == 0, done.stderr)
        if keras is None:
            return
        model = keras.models.load_model(output)
        about = onnxruntime.InferenceSession(str(folder / "plain.onnx")).get_modelmeta().custom_metadata_map
        classes, formula = json.loads(about["classes"]), json.loads(about["normalization"])
        images, paths = pictures(folder, json.loads(about["resize"])["size"])
        values = normalized(images, formula).transpose(0, 2, 3, 1)
        found = np.asarray(model.predict(values, verbose=0))
        worst = difference(found, predicted(program, run_folder, paths, classes, folder))
        expect((worst <= [TOLERANCE, LOG_TOLERANCE]).all(), f"{run_folder.name}: {kind} in Keras differs by {worst}")
        print(f"{run_folder.name}: {kind} in Keras differs by {worst[0]:.0e}, in logarithms {worst[1]:.0e}")
        trained.append([weight.path for weight in model.trainable_variables])
    expect(trained[0] == trained[1], f"{run_folder.name}: Keras trains {trained[0]} and {trained[1]}")
    if trains:
        check_training(model, values, len(classes), f"{run_folder.name}: {kind}")


def check_training(model, values, classes, name):
    """One more epoch: Keras moves what trained here, and nothing that was frozen.

    It has two steps: a scale that starts at zero keeps what lies before it from moving in the first.
    """
    trained = {id(weight) for weight in model.trainable_variables}
    statistics = {
        id(weight)
        for layer in model.layers
        if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
        for weight in layer.non_trainable_variables
    }
    before = [weight.numpy() for weight in model.weights]
    model.compile(keras.optimizers.Adam(1e-3), "categorical_crossentropy")
    labels = np.eye(classes, dtype=np.float32)[np.arange(len(values)) % classes]
    twice = [np.concatenate([part, part]) for part in (values, labels)]
    loss = model.fit(*twice, batch_size=len(values), verbose=0).history["loss"][0]
    expect(np.isfinite(loss), f"{name}: Keras trains to a loss of {loss}")
    for weight, old in zip(model.weights, before):
        moves = id(weight) in trained or id(weight) in statistics
        expect(moves != np.array_equal(weight.numpy(), old), f"{name}: {weight.path} was to {'move' if moves else 'stay'} in Keras")
    print(f"{name} trains on in Keras: {len(trained)} of {len(before)} weights, to a loss of {loss:.3f}")


def check_features(program, run_folder, folder):
    """The usual libraries read a table of features, and the classifier makes the model's probabilities of it."""
    table = folder / "features.parquet"
    _, paths = pictures(folder, 32)
    inside = folder / "3"
    inside.mkdir(exist_ok=True)
    moved = [path.rename(inside / path.name) for path in paths[:2]]
    run(program, "embed", run_folder, *moved, *paths[2:], "-o", table, folder=folder)
    frame = pl.read_parquet(table)
    width = frame.schema["features"].shape[0]
    expect(frame.schema == {"path": pl.String, "label": pl.String, "features": pl.Array(pl.Float32, width)}, frame.schema)
    expect(frame["label"].to_list() == ["3", "3", None, None, None], f"labels {frame['label'].to_list()}")
    values = frame["features"].to_numpy()
    expect(values.shape == (IMAGES, width) and values.dtype == np.float32, f"{values.shape} {values.dtype} in polars")
    column = pq.read_table(table)["features"].combine_chunks()
    expect(column.type.list_size == width and column.null_count == 0, column.type)
    flat = column.flatten().to_numpy(zero_copy_only=True)
    others = {
        "pyarrow and numpy": flat.reshape(IMAGES, width),
        "pandas": np.stack(pd.read_parquet(table)["features"]),
        "DuckDB": np.array(duckdb.sql(f"select features from '{table}'").fetchall(), dtype=np.float32)[:, 0],
    }
    for name, found in others.items():
        expect(np.array_equal(found, values), f"{name} reads other features")
    exported = folder / "embedded.onnx"
    run(program, "export", run_folder, "--format", "onnx", "-o", exported, folder=folder)
    tensors = {one.name: onnx.numpy_helper.to_array(one) for one in onnx.load(exported).graph.initializer}
    logits = values @ tensors["dense.weight"].T + tensors["dense.bias"]
    powers = np.exp(logits - logits.max(1, keepdims=True))
    classes = [str(digit) for digit in range(10)]
    expected = predicted(program, run_folder, [*moved, *paths[2:]], classes, folder)
    worst = difference(powers / powers.sum(1, keepdims=True), expected)
    expect((worst <= [TOLERANCE, LOG_TOLERANCE]).all(), f"{run_folder.name}: features differ by {worst}")
    print(f"{run_folder.name}: {width} features, read by {', '.join(['polars', *others])}")


def main():
    global keras, timm, torch
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("runner", type=Path)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--without", action="append", choices=["keras", "timm"], default=[])
    given = arguments.parse_args()
    if "keras" not in given.without:
        import keras
    if "timm" not in given.without:
        import timm
        import torch
    program, folder = given.runner.resolve(), given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for name, changes in SPECS.items():
        if name == "dense" and timm is None:
            continue
        spec = folder / f"{name}.toml"
        spec.write_text(SPEC.format(name=name, **{**USUAL, **changes}))
        run(program, spec, "--quiet", folder=folder)
        for run_folder in sorted((folder / "results" / name / "runs").iterdir()):
            check_onnx(program, run_folder, folder)
            check_timm(program, run_folder, folder)
            # Its networks are among the families', and take jax minutes to compile.
            check_keras(program, run_folder, folder, trains=name != "odd")
        if name == "average":
            check_features(program, run_folder, folder)
        # Two gigabytes in all.
        shutil.rmtree(folder / "results" / name)
    for left_out in given.without:
        print(f"not compared with {left_out}, as asked")


main()
