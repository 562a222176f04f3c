"""Several frames at one time, told apart by their key: python keys.py imu_xio_100hz.csv sensors.nts"""

import csv
import struct
import sys

import nanots

SENSORS = ("gyro", "acc", "mag")


def record(source, path):
    """Three frames for each row of the recording: the key is the sensor's number."""
    with nanots.Store.create(path, block_size=65536, block_count=64, time_unit="us", replace=True) as store:
        with store.writer().create_context("sensors", " ".join(SENSORS)) as context, open(source, newline="") as file:
            times, data, keys = [], [], []
            for row in csv.DictReader(file):
                time, *values = (float(text) for text in row.values())
                for key in range(3):
                    times.append(round(time * 1_000_000))
                    keys.append(key)
                    data.append(struct.pack("<3f", *values[3 * key : 3 * key + 3]))
            context.write_batch(times, data, keys=keys)


def first_of(path, time, key):
    """The first frame of a sensor at or after `time`."""
    with nanots.Store(path, "r") as store:
        frames = store.iterator("sensors")
        frames.find(time, key)
        frame = frames.borrow()
        while frame.key != key:
            frame = frames.next_frame()
        return frame.timestamp, struct.unpack("<3f", frame.data)


def main():
    record(sys.argv[1], sys.argv[2])
    for key, name in enumerate(SENSORS):
        time, values = first_of(sys.argv[2], 60_000_000, key)
        print(name, time, *(f"{value:.3f}" for value in values))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main()
