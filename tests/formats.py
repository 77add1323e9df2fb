#!/usr/bin/env python3
"""Checks that tables and shards as others' programs write them are understood.

usage: python3 tests/formats.py RUNNER FOLDER

Labels of every kind that pyarrow and pandas write, and tar files of the webdataset library, beside what these read back.
Needs pandas, pyarrow, Pillow and webdataset. Ends with 1 and a message at the first difference.
"""

import io
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import webdataset as wds
from PIL import Image

from checks import expect

SPEC = """
[dataset]
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
CLASSES = 3
IMAGES = 30


def understood(runner, folder, dataset):
    """How many images of each class there are, as the plan says."""
    (folder / "e.toml").write_text(SPEC.format(dataset=dataset))
    done = subprocess.run([runner, "check", "e.toml"], cwd=folder, capture_output=True, text=True)
    expect(done.returncode == 0, f"{dataset}: {done.stdout}{done.stderr}")
    said = " ".join(done.stdout.split())
    line = re.search(r"classes of column \S+ \([a-z ]+\): (.*?) first rows", said)
    expect(line, f"no classes in: {said}")
    found = Counter()
    for name, counts in re.findall(r"(\S+) \(([^)]*)\)", line[1]):
        found[name] = sum(map(int, re.findall(r"\d+", counts)))
    return found


def png(i):
    pixels = np.random.default_rng(i).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    bytes = io.BytesIO()
    Image.fromarray(pixels).save(bytes, "PNG")
    return bytes.getvalue()


def columns():
    """Columns of labels, with the text of each label."""
    numbers = [i % CLASSES for i in range(IMAGES)]
    words = ["bee", "ant", "wasp"]
    text = [words[number] for number in numbers]
    for bits in (8, 16, 32, 64):
        for kind in (f"int{bits}", f"uint{bits}"):
            yield kind, pa.array(numbers, getattr(pa, kind)()), map(str, numbers)
    yield "negative int8", pa.array([number - 1 for number in numbers], pa.int8()), (str(n - 1) for n in numbers)
    yield "largest uint64", pa.array([2**64 - 1 - n for n in numbers], pa.uint64()), (str(2**64 - 1 - n) for n in numbers)
    for kind in ("string", "large_string", "string_view"):
        yield kind, pa.array(text, getattr(pa, kind)()), text
    yield "truths", pa.array([n == 0 for n in numbers]), ("true" if n == 0 else "false" for n in numbers)
    for index in (pa.int8(), pa.int32()):
        yield f"dictionary by {index}", pa.array(text).dictionary_encode().cast(pa.dictionary(index, pa.string())), text
    yield "pandas' category", pa.array(pd.Series(text, dtype="category")), text
    yield "pandas' Int8", pa.array(pd.Series(numbers, dtype="Int8")), map(str, numbers)


def tables(runner, folder):
    images = pa.array([png(i) for i in range(IMAGES)], pa.binary())
    kinds = 0
    for kind, labels, expected in columns():
        pq.write_table(pa.table({"image": images, "label": labels}), folder / "labels.parquet")
        found = understood(runner, folder, 'name = "table"\npath = "labels.parquet"')
        expected = Counter(expected)
        expect(found == expected, f"labels of {kind}: {dict(found)}, expected {dict(expected)}")
        kinds += 1
    print(f"tables: labels of {kinds} kinds are understood as pyarrow has them")


def shards(runner, folder):
    (folder / "shards").mkdir(exist_ok=True)
    pattern = str(folder / "shards" / "train-%06d.tar")
    with wds.ShardWriter(pattern, maxcount=12, verbose=0) as sink:
        for i in range(IMAGES):
            about = {"name": ["bee", "ant", "wasp"][i % CLASSES], "site": {"id": i // 5}}
            sink.write({"__key__": f"photos.v1/{i:05}", "png": png(i), "cls": i % CLASSES, "json": about})
    files = sorted(map(str, (folder / "shards").iterdir()))
    read = list(wds.WebDataset(files, shardshuffle=False).decode())
    for dataset, label in (("", lambda sample: str(sample["cls"])), ('label_column = "json.name"', lambda sample: sample["json"]["name"])):
        expected = Counter(map(label, read))
        found = understood(runner, folder, f'name = "webdataset"\npath = "shards"\n{dataset}')
        expect(found == expected, f"shards: {dict(found)}, expected {dict(expected)}")
    print(f"shards: the {len(read)} samples of {len(files)} tar files are understood as webdataset reads them")


def main(arguments):
    expect(len(arguments) == 2, __doc__)
    runner, folder = Path(arguments[0]).resolve(), Path(arguments[1])
    folder.mkdir(parents=True, exist_ok=True)
    tables(runner, folder)
    shards(runner, folder)


if __name__ == "__main__":
    main(sys.argv[1:])
