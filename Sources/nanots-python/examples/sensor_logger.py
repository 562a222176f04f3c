"""A sensor's readings, logged and looked at by date: python sensor_logger.py machine_temperature_5min.csv machine.nts"""

import csv
import struct
import sys
from datetime import datetime, timedelta

import nanots


def log(source, path):
    """Appends the recording as a logger would: one frame for each reading, at the reading's time. The clock of this one
    stepped back once: such frames come one second after the last one, and are marked."""
    with nanots.Store.create(path, block_size=16384, block_count=64, time_unit="s", replace=True) as store:
        with store.writer(clamp=True).create_context("temperature", "double") as context, open(source, newline="") as file:
            for row in csv.DictReader(file):
                context.write(struct.pack("<d", float(row["value"])), datetime.fromisoformat(row["timestamp"]))


def days_above(path, limit):
    """The days with a reading above `limit` and their highest; and how many times were not the clock's."""
    highest, clamped = {}, 0
    with nanots.Store(path, "r") as store:
        frames = store.iterator("temperature")
        frame = frames.borrow()
        while frame is not None:
            clamped += frame.was_clamped
            (value,) = struct.unpack("<d", frame.data)
            if value > limit:
                day = frame.time.date()
                highest[day] = max(value, highest.get(day, value))
            frame = frames.next_frame()
    return highest, clamped


def main():
    log(sys.argv[1], sys.argv[2])
    reader = nanots.Reader(sys.argv[2])
    first = datetime(2014, 2, 1)
    print(f"{reader.count('temperature', first, first + timedelta(days=1) - timedelta(seconds=1))} readings on {first:%Y-%m-%d}")
    highest, clamped = days_above(sys.argv[2], 105)
    for day, value in highest.items():
        print(f"{day} {value:.2f}")
    print(f"{clamped} readings while the clock was behind")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main()
