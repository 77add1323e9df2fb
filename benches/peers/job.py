"""What the scripts of both peers share: their arguments, and the lines they print."""
import argparse
import json
import time


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("--data", required=True, help="folder of CIFAR-10's train.parquet and test.parquet")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--freeze", type=int, default=15, help="Keras layers[:N], counting the input layer")
    p.add_argument("--limit", type=int, default=5000, help="training images, before the validation split")
    p.add_argument("--epochs", type=int, default=2)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--inference", type=int, default=0, help="train nothing; classify so many test images")
    return p.parse_args()


def say(**what):
    """Prints a JSON object: `version`, or an `epoch` or the `inference` with its times."""
    print(json.dumps(what), flush=True)


def clock():
    return time.perf_counter(), time.process_time()


def since(started):
    """Wall time, and processor time of all threads: on a busy machine the latter says more."""
    wall, cpu = clock()
    return {"seconds": wall - started[0], "cpu_seconds": cpu - started[1]}
