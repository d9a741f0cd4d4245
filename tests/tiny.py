"""tiny.py: commands of a fraction of a second, their inputs, and when their outputs are whole; for tests/faults and
tests/hostile."""

import json
import os
import random
import subprocess
import sys

SIDE, CLASSES, IMAGES = 12, 4, 96
OLD = b"an older file\n"
TRAIN = ["train", "--data", "in/data", "--recipe", "nested", "--parts", "0-50,50-100", "--hidden", "16,16", "--epochs",
         "2", "--threads", "2", "--quiet"]
SWEEP = ["sweep", "in/model", "--data", "in/data", "--percent", "50,100", "--rounds", "9", "--quiet"]
BENCH = ["bench", "--shape", "8x8", "--batch", "2", "--percent", "100", "--repetitions", "1", "--min-time", "0.000001",
         "--quiet"]
REPORT = ["report", "in/json", "--format", "html,markdown,csv,latex,svg,pdf"]


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write_data(folder, images=IMAGES, side=SIDE):
    draw = random.Random(3)
    os.mkdir(folder)
    for part in "train", "t10k":
        for kind, shape in ("images-idx3", [images, side, side]), ("labels-idx1", [images]):
            count = images * (side * side if len(shape) == 3 else 1)
            values = bytes(draw.randrange(CLASSES) for _ in range(count))
            header = bytes([0, 0, 8, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape)
            write(f"{folder}/{part}-{kind}-ubyte", header + values)


def make_inputs(program, folder):
    write_data(f"{folder}/data")

    def call(command):
        done = subprocess.run([program, *command], cwd=os.path.dirname(folder), stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}: {done.stderr.decode()}")
    call([*TRAIN, "--out", "in/model", "--json", "in/train.json"])
    call([*TRAIN, "--out", "in/model", "--checkpoint", "in/state"])
    call([*SWEEP, "--json", "in/sweep.json"])
    call([*BENCH, "--json", "in/bench.json"])
    call(["merge", "in/train.json", "in/sweep.json", "in/bench.json", "--out", "in/json"])


# ---- when an output is whole ---------------------------------------------------------------------------------------

def same_bytes(new, reference):
    return new == reference


def same_records(new, reference):
    """The same records with the same fields; figures differ."""
    def shape(value):
        if isinstance(value, dict):
            return {key: shape(inner) for key, inner in value.items()}
        return [shape(inner) for inner in value] if isinstance(value, list) else type(value) in (int, float)
    return shape(json.loads(new)["records"]) == shape(json.loads(reference)["records"])


def a_checkpoint(new, reference):
    """One of an earlier epoch may have fewer stages behind it: of those it has no loss<n> and seconds<n>."""
    def parts(content):
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8:8 + length])
        fixed = sorted(key for key in header.pop("__metadata__") if key.rstrip("0123456789") not in ("loss", "seconds"))
        return header, fixed, len(content) - length
    return parts(new) == parts(reference)


def same_end(new, reference):
    """Plots may be missing, of which the program warns."""
    return new != OLD and new[-8:] == reference[-8:]
