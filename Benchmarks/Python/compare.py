"""The Python module beside the one on PyPI, in turns, each in an environment of its own:

    python -m venv ours && ours/bin/pip install dist/nanots-*.whl numpy
    python -m venv other && other/bin/pip install nanots
    python Benchmarks/Python/compare.py ours/bin/python other/bin/python --rounds 11 --directory /var/tmp

Nanoseconds for a frame, 64 bytes, 1 MiB blocks: minimum and median of the rounds, and the median of the rounds' ratios.
"""

import argparse
import json
import pathlib
import statistics
import subprocess

#: What each of our calls is compared with, when the other module has no such call.
INSTEAD = {"write_batch": "write", "write_batch of a list": "write", "read_numpy": "Reader.read"}


def run(python, directory):
    workloads = pathlib.Path(__file__).with_name("workloads.py")
    return json.loads(subprocess.run([python, workloads, directory], check=True, capture_output=True, text=True).stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ours")
    parser.add_argument("other")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--directory", default="/var/tmp")
    options = parser.parse_args()
    rounds = [(run(options.ours, options.directory), run(options.other, options.directory)) for _ in range(options.rounds)]
    print(f"{'':24}{'ours min':>10}{'median':>10}{'other min':>11}{'median':>10}{'ratio':>8}")
    for name in rounds[0][0]:
        ours = [ours[name] for ours, _ in rounds]
        other = [other[INSTEAD.get(name, name)] for _, other in rounds]
        ratio = statistics.median(theirs / mine for mine, theirs in zip(ours, other))
        print(f"{name:24}{min(ours):10.0f}{statistics.median(ours):10.0f}{min(other):11.0f}"
              f"{statistics.median(other):10.0f}{ratio:8.2f}")


if __name__ == "__main__":
    main()
