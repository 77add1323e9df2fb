#!/usr/bin/env python3
"""Writes first inputs for the fuzz targets: small files as the programs make them whose files are read.

usage: python3 fuzz/seeds.py RUNNER CORPUS

Puts them into a folder of CORPUS for each target, beside those of the property tests. Needs numpy, Pillow, pyarrow, torch,
safetensors and Keras (with the backend that KERAS_BACKEND names).
"""

import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import keras
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import safetensors.torch
import torch
from PIL import Image

EXPERIMENTS = Path(__file__).parent.parent / "experiments"
TEMPLATES = ["digits", "photos", "lesson"]
# A mutation of a longer file seldom hits what matters.
LONGEST = 64 << 10


def specs(program):
    with tempfile.TemporaryDirectory() as folder:
        for name in TEMPLATES:
            path = Path(folder) / f"{name}.toml"
            subprocess.run([program, "init", path, "--template", name], check=True, capture_output=True)
            yield f"template-{name}.toml", path.read_bytes()
    for path in sorted(EXPERIMENTS.glob("*.toml")):
        yield path.name, path.read_bytes()


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def images():
    x, y = np.meshgrid(np.arange(20, dtype=np.uint8), np.arange(20, dtype=np.uint8))
    colours = Image.fromarray(np.stack([x * 9, y * 5, x + y], 2))
    turned = Image.Exif()
    turned[0x0112] = 6
    for mode in ["1", "L", "P", "LA", "RGBA", "I;16"]:
        yield f"{mode.replace(';', '')}.png", encoded(colours.convert("L" if mode == "I;16" else mode).convert(mode), "png")
    yield "progressive.jpg", encoded(colours, "jpeg", progressive=True)
    yield "turned.jpg", encoded(colours, "jpeg", exif=turned)
    yield "grey.jpg", encoded(colours.convert("L"), "jpeg")
    yield "cmyk.jpg", encoded(colours.convert("CMYK"), "jpeg")
    yield "lossless.webp", encoded(colours, "webp", lossless=True)
    yield "lossy.webp", encoded(colours.convert("RGBA"), "webp")
    frames = [colours.rotate(90).convert("P"), colours.rotate(180).convert("P")]
    yield "moving.gif", encoded(colours.convert("P"), "gif", save_all=True, append_images=frames)
    yield "palette.bmp", encoded(colours.convert("P"), "bmp")
    for compression in ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"]:
        yield f"{compression}.tif", encoded(colours, "tiff", compression=compression)


def tables():
    image = encoded(Image.new("RGB", (32, 32), (9, 99, 200)), "png")
    rows = [{"bytes": image, "path": None}, {"bytes": image, "path": "a.png"}]
    struct = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table({"img": pa.array(rows, struct), "label": pa.array([3, 7], pa.int64())})
    written = {f"{name}.parquet": {"compression": name} for name in ["none", "snappy", "gzip", "zstd", "brotli"]}
    written["plain.parquet"] = {"use_dictionary": False, "row_group_size": 1}
    written["pages_v2.parquet"] = {"data_page_version": "2.0", "write_page_index": True}
    for name, options in written.items():
        file = io.BytesIO()
        pq.write_table(table, file, **options)
        yield name, file.getvalue()


def archives():
    names = [*(f"data_batch_{n}.bin" for n in range(1, 6)), "test_batch.bin"]
    for kind, number in [("ustar", tarfile.USTAR_FORMAT), ("gnu", tarfile.GNU_FORMAT), ("pax", tarfile.PAX_FORMAT)]:
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w", format=number) as tar:
            for name in names:
                member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
                member.size = 3073
                if kind == "pax":
                    member.pax_headers = {"comment": "an image"}
                tar.addfile(member, io.BytesIO(bytes([3]) * 3073))
        yield f"{kind}.tar", file.getvalue()


def saved(path, save):
    save(path)
    return path.name, path.read_bytes()


def torch_weights(folder):
    types = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16, "f64": torch.float64}
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 2))
    for name, kind in types.items():
        tensors = {f"features.{key}": tensor.to(kind) for key, tensor in network.state_dict().items()}
        yield saved(folder / f"{name}.safetensors", lambda path: safetensors.torch.save_file(tensors, path))
        yield saved(folder / f"{name}.pt", lambda path: torch.save(tensors, path))
    optimizer = torch.optim.Adam(network.parameters())
    checkpoint = {"epoch": 3, "state_dict": network.state_dict(), "optimizer": optimizer.state_dict()}
    yield saved(folder / "checkpoint.pth", lambda path: torch.save(checkpoint, path))
    transposed = {"features.0.weight": torch.zeros(4, 3).t(), "features.0.bias": torch.zeros(8)[2:5]}
    yield saved(folder / "views.pth", lambda path: torch.save(transposed, path))


def keras_weights(folder):
    layers = keras.layers
    base = keras.Sequential(
        [keras.Input((4, 4, 3)), layers.Conv2D(2, 3, name="block1_conv1"), layers.BatchNormalization(), layers.Flatten()], name="base"
    )
    flat = keras.Sequential([*base.layers, layers.Dense(2, name="predictions")])
    nested = keras.Sequential([base, layers.Dense(2, name="predictions")])
    for name, model in [("flat", flat), ("nested", nested)]:
        model.build((None, 4, 4, 3))
        model.compile("sgd", "mse")
        yield saved(folder / f"{name}.keras", model.save)
        yield saved(folder / f"{name}.h5", model.save)
        yield saved(folder / f"{name}.weights.h5", model.save_weights)


def weights():
    with tempfile.TemporaryDirectory() as folder:
        yield from torch_weights(Path(folder))
        yield from keras_weights(Path(folder))


def main():
    program, corpus = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    targets = {
        "spec": specs(program),
        "image": images(),
        "parquet": tables(),
        "archive": archives(),
        "safetensors": weights(),
    }
    for target, files in targets.items():
        (corpus / target).mkdir(parents=True, exist_ok=True)
        sizes = []
        for name, data in files:
            if len(data) > LONGEST:
                sys.exit(f"error: {target}/{name} has {len(data)} bytes")
            (corpus / target / name).write_bytes(data)
            sizes.append(len(data))
        print(f"{target}: {len(sizes)} files, {sum(sizes):,} bytes, the largest {max(sizes):,}")


if __name__ == "__main__":
    main()
