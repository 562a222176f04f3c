"""A recording as arrays, in and out: python numpy_analysis.py imu_xio_100hz.csv imu.nts"""

import sys

import numpy

import nanots

SAMPLE = numpy.dtype([(sensor + axis, "<f4") for sensor in ("gyro_", "acc_", "mag_") for axis in "xyz"])


def record(source, path):
    table = numpy.loadtxt(source, delimiter=",", skiprows=1)
    samples = table[:, 1:].astype("<f4").view(SAMPLE)[:, 0]
    with nanots.Store.create(path, block_size=65536, block_count=64, time_unit="us", replace=True) as store:
        with store.writer().create_context("imu", "9 floats") as context:
            context.write_batch(numpy.round(table[:, 0] * 1e6).astype("<i8"), samples)


def main():
    record(sys.argv[1], sys.argv[2])
    times, samples = nanots.Reader(sys.argv[2]).read_numpy("imu", 10_000_000, 70_000_000, SAMPLE)
    strength = numpy.sqrt(samples["acc_x"] ** 2 + samples["acc_y"] ** 2 + samples["acc_z"] ** 2)
    print(f"{len(times)} samples, {numpy.diff(times).mean() / 1000:.3f} ms apart, at most {numpy.diff(times).max() / 1000:.1f}")
    print(f"acceleration {strength.mean():.4f} g on average, {strength.max():.4f} at {times[strength.argmax()]} us")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main()
