"""Frames that build on earlier ones, as in video, with the whole ones found by their flag:
python key_frames.py imu_xio_100hz.csv imu.nts"""

import csv
import struct
import sys

import nanots

WHOLE = 1
#: A whole frame, and how many follow it that hold differences.
GROUP = 50


def samples(source):
    """Microseconds, and the nine values in thousandths."""
    with open(source, newline="") as file:
        for row in csv.DictReader(file):
            time, *values = (float(text) for text in row.values())
            yield round(time * 1_000_000), [round(value * 1000) for value in values]


def record(source, path):
    with nanots.Store.create(path, block_size=65536, block_count=64, time_unit="us", replace=True) as store:
        with store.writer().create_context("imu", "9 values in thousandths; flag 1: whole") as context:
            before = None
            for number, (time, values) in enumerate(samples(source)):
                if number % GROUP == 0:
                    context.write(struct.pack("<9i", *values), time, WHOLE)
                else:
                    context.write(struct.pack("<9i", *(new - old for new, old in zip(values, before))), time)
                before = values


def values_at(path, time):
    """The last sample at or before `time`: from the whole frame before it on."""
    with nanots.Store(path, "r") as store:
        frames = store.iterator("imu")
        frames.find(time)
        frame = frames.borrow()
        if frame.timestamp > time:
            frame = frames.prev_frame()
        wanted = frame.timestamp
        while not frame.flags & WHOLE:
            frame = frames.prev_frame()
        values = struct.unpack("<9i", frame.data)
        while frame.timestamp < wanted:
            frame = frames.next_frame()
            values = [a + b for a, b in zip(values, struct.unpack("<9i", frame.data))]
        return wanted, list(values)


def main():
    record(sys.argv[1], sys.argv[2])
    for seconds in (1, 60, 120):
        time, values = values_at(sys.argv[2], seconds * 1_000_000)
        print(time, values)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main()
