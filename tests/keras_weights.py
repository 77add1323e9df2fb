#!/usr/bin/env python3
"""Checks that weights in Keras 3's own files give Keras's numbers: features of a backbone, and probabilities of a whole network.

usage: python3 tests/keras_weights.py RUNNER FOLDER

Draws keras.applications' VGG-16 and VGG-19 at random, saves them in FOLDER as `.keras`, `.weights.h5` and `.h5`, alone and as
part of a model that was trained, and gives the files to the runner. Needs numpy, Pillow, polars and Keras (with the backend
that KERAS_BACKEND names). Ends with 1 and a message at the first difference.
"""

import json
import shutil
import sys
from pathlib import Path

import keras
import numpy as np
import polars as pl
from PIL import Image

from checks import expect, run

# Of the largest value of an image.
TOLERANCE = 1e-5
IMAGES = 4
CLASSES = Path(__file__).parent.parent / "data" / "imagenet" / "classes.tsv"
SUFFIXES = ["keras", "weights.h5", "h5"]

BACKBONE = """
name = "{name}"
dataset = {{ name = "digits", train_limit = 20, test_limit = 4 }}
normalization = {{ scheme = "unit" }}
backbone = {{ arch = "{arch}", weights = "{file}", input_size = {size} }}
freeze = {{ through = "all" }}
head = [{{ layer = "{pooling}" }}, {{ layer = "dense", units = "classes", activation = "softmax" }}]
training = {{ epochs = 1 }}
"""
WHOLE = """
normalization = {{ scheme = "unit" }}
backbone = {{ arch = "{arch}", weights = "{file}", input_size = {size}, include_top = true }}
"""


def pictures(folder, size):
    """Images of the network's size, so that nothing is resized, and what Keras is given: x/255."""
    random = np.random.default_rng(size)
    pixels = random.integers(0, 256, (IMAGES, size, size, 3), dtype=np.uint8)
    paths = [folder / f"{size}_{n}.png" for n in range(IMAGES)]
    for path, image in zip(paths, pixels):
        Image.fromarray(image).save(path)
    return pixels.astype(np.float32) / np.float32(255), paths


def drawn(model, seed):
    """The model with He's normal kernels, so that its answers differ between images, and with biases, which Keras starts at 0."""
    random = np.random.default_rng(seed)
    for weight in model.weights:
        shape = weight.shape
        deviation = 0.1 if len(shape) == 1 else np.sqrt(2 / np.prod(shape[:-1]))
        weight.assign(random.normal(0, deviation, shape).astype(np.float32))
    return model


def saved(model, path):
    model.save_weights(path) if path.name.endswith(".weights.h5") else model.save(path)


def compare(name, found, wanted):
    expect(found.shape == wanted.shape, f"{name}: {found.shape} values, not {wanted.shape}")
    off = (np.abs(found - wanted).max(1) / np.abs(wanted).max(1)).max()
    expect(off <= TOLERANCE, f"{name}: off by {off:.1e} of the largest value")
    apart = np.abs(wanted - wanted[:1]).max() / np.abs(wanted).max()
    expect(apart > 1000 * TOLERANCE, f"{name}: Keras says nearly the same of every image")
    print(f"{name}: {wanted.shape[1]} values off by {off:.0e} of the largest, images {apart:.0e} apart")


def features(program, folder, name, spec, paths):
    (folder / f"{name}.toml").write_text(spec)
    run(program, f"{name}.toml", "--quiet", folder=folder)
    (run_folder,) = (folder / "results" / name / "runs").iterdir()
    table = folder / f"{name}.parquet"
    run(program, "embed", run_folder, *paths, "-o", table, folder=folder)
    return pl.read_parquet(table)["features"].to_numpy()


def check_backbone(program, folder, name, base, wanted, model=None, pooling="flatten"):
    """The features of the base in every file of the model; those of a flattened map stand in Keras's order."""
    arch, size = base.name, base.input_shape[1]
    _, paths = pictures(folder, size)
    for suffix in SUFFIXES:
        file, run_name = f"{name}.{suffix}", f"{name}_{suffix.replace('.', '_')}"
        saved(model or base, folder / file)
        spec = BACKBONE.format(name=run_name, arch=arch, file=file, size=size, pooling=pooling)
        compare(f"{file}, {size}×{size}", features(program, folder, run_name, spec, paths), wanted)
        shutil.rmtree(folder / "results" / run_name)
        (folder / file).unlink()


def check_backbones(program, folder):
    images, _ = pictures(folder, 32)
    base = drawn(keras.applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3)), 1)
    wanted = np.asarray(base.predict(images, verbose=0))
    pooled = wanted.mean((1, 2))
    check_backbone(program, folder, "pooled", base, pooled, pooling="global_average_pooling")
    larger, _ = pictures(folder, 64)
    deep = drawn(keras.applications.VGG19(weights=None, include_top=False, input_shape=(64, 64, 3)), 2)
    maps = np.asarray(deep.predict(larger, verbose=0))
    check_backbone(program, folder, "flattened", deep, maps.reshape(IMAGES, -1))


def check_trained(program, folder):
    """A base that was trained in Keras with a head on it: layer by layer in one model, and as a layer of another."""
    images, _ = pictures(folder, 32)
    labels = np.eye(3, dtype=np.float32)[np.arange(IMAGES) % 3]
    for name in ["continued", "nested"]:
        base = drawn(keras.applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3)), 3)
        head = [keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax")]
        if name == "nested":
            model = keras.Sequential([base, *head])
        else:
            model = keras.Model(base.input, head[1](head[0](base.output)))
        model.compile(keras.optimizers.Adam(1e-4), "categorical_crossentropy")
        before = base.get_weights()[-2].copy()
        model.fit(images, labels, verbose=0)
        expect(not np.array_equal(before, base.get_weights()[-2]), f"{name}: Keras trained nothing")
        wanted = np.asarray(base.predict(images, verbose=0)).reshape(IMAGES, -1)
        check_backbone(program, folder, name, base, wanted, model)


def check_whole(program, folder):
    """The probabilities of a whole network, whose first dense layer takes a flattened map."""
    images, paths = pictures(folder, 64)
    model = drawn(keras.applications.VGG16(weights=None, input_shape=(64, 64, 3)), 4)
    # Probabilities go by the logits' exponentials: what those are rounded by is to be small in them too.
    last = model.layers[-1].kernel
    last.assign(last.numpy() * 0.3)
    wanted = np.asarray(model.predict(images, verbose=0))
    classes = [line.split("\t")[1] for line in CLASSES.read_text().splitlines()]
    for suffix in SUFFIXES:
        file, spec = f"whole.{suffix}", folder / f"whole_{suffix.replace('.', '_')}.toml"
        saved(model, folder / file)
        spec.write_text(WHOLE.format(arch=model.name, file=file, size=64))
        said = json.loads(run(program, "predict", spec, *paths, "--top", "1000", "--format", "json", folder=folder))
        rows = [{one["class"]: one["probability"] for one in image["predictions"]} for image in said["images"]]
        compare(f"{file}, 64×64", np.array([[row[name] for name in classes] for row in rows]), wanted)
        (folder / file).unlink()


def main():
    program, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    check_backbones(program, folder)
    check_trained(program, folder)
    check_whole(program, folder)


if __name__ == "__main__":
    main()
