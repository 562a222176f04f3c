"""What `nanots-bench aggregates` measures, by NumPy, on the same records in memory: needs 4 GB.

    python Benchmarks/Python/aggregates.py --rounds 7
"""

import argparse
import statistics
import time

import numpy

RECORDS, SPANS = 100_000_000, 1_000


def make():
    records = numpy.zeros(RECORDS, dtype=[(f"f{field}", "<f4") for field in range(9)])
    values = (numpy.arange(RECORDS) * 7 % 9_973 - 5_000).astype("<f4")
    for field in range(9):
        records[f"f{field}"] = values
    return records


def minimum(field):
    return field.min()


def all_in_one(field):
    return field.size, field.min(), field.max(), field.sum(dtype="f8"), field[0], field[-1]


def in_spans(field):
    starts = numpy.arange(0, RECORDS, RECORDS // SPANS)
    ends = numpy.append(starts[1:], RECORDS)
    return (
        ends - starts, numpy.minimum.reduceat(field, starts), numpy.maximum.reduceat(field, starts),
        numpy.add.reduceat(field, starts, dtype="f8"), field[starts], field[ends - 1],
    )


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    field = make()["f3"]
    contenders = {"min of a field": minimum, "all in one": all_in_one, "1,000 spans": in_spans}
    samples = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            begun = time.perf_counter_ns()
            run(field)
            samples[name].append((time.perf_counter_ns() - begun) / RECORDS)
    print(f"NumPy {numpy.__version__}, {RECORDS:,} records of 36 B: ns for a record, GB/s by the minimum")
    for name, times in samples.items():
        print(f"{name:20}{min(times):8.3f}{statistics.median(times):8.3f}{36 / min(times):8.1f}")


if __name__ == "__main__":
    main()
