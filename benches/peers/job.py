"""What the scripts of both peers share: their arguments, and the lines they print."""
import argparse
import json
import resource
import time

STARTED = time.time()


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("--data", required=True, help="folder of CIFAR-10's train.parquet and test.parquet")
    p.add_argument("--freeze", type=int, default=15, help="Keras layers[:N], counting the input layer")
    p.add_argument("--limit", type=int, default=5000, help="training images, before the split")
    p.add_argument("--epochs", type=int, default=2)
    p.add_argument("--evaluate", type=int, default=0, help="test images to evaluate afterwards")
    p.add_argument("--threads", type=int, default=2)
    return p.parse_args()


def say(**what):
    print(json.dumps(what), flush=True)


def say_end():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    say(job_seconds=time.time() - STARTED, peak_mib=peak)
