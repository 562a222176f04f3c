"""Ranges as NumPy arrays and Arrow tables."""

import unittest

import nanots
from support import StoreTest

try:
    import numpy
except ImportError:
    raise unittest.SkipTest("NumPy is not there") from None

SAMPLE = numpy.dtype([("x", "<f4"), ("y", "<f4"), ("n", "<i8")])


def samples(times):
    values = numpy.zeros(len(times), SAMPLE)
    values["x"], values["y"], values["n"] = times, -numpy.asarray(times), times
    return values


class ColumnsTest(StoreTest):
    def written(self, count=1000, **options):
        store = self.make(**options)
        times = numpy.arange(count, dtype=numpy.int64) * 10
        with store.writer().create_context("imu") as context:
            context.write_batch(times, samples(times))
        return store, times

    def test_a_range_over_many_blocks(self):
        _, times = self.written()
        columns = nanots.Reader(self.path).read_numpy("imu", 95, 9_000, SAMPLE)
        wanted = times[(times >= 95) & (times <= 9_000)]
        numpy.testing.assert_array_equal(columns.timestamps, wanted)
        numpy.testing.assert_array_equal(columns.values, samples(wanted))
        self.assertEqual((columns.values.dtype, len(columns), columns.is_view, columns.intact),
                         (SAMPLE, len(wanted), False, True))

    def test_every_range_is_what_read_gives(self):
        self.written(300)
        reader = nanots.Reader(self.path)
        for first in range(-5, 3_000, 371):
            for last in range(first, 3_005, 415):
                timestamps, values = reader.read_numpy("imu", first, last, SAMPLE)
                frames = reader.read("imu", first, last)
                self.assertEqual(list(timestamps), [f["timestamp"] for f in frames])
                self.assertEqual(values.tobytes(), b"".join(f["data"] for f in frames))

    def test_a_range_in_one_block_can_be_a_view(self):
        store, times = self.written()
        reader = nanots.Reader(self.path)
        columns = reader.read_numpy("imu", 100, 300, SAMPLE, copy=False)
        self.assertEqual((columns.is_view, columns.intact), (True, True))
        numpy.testing.assert_array_equal(columns.timestamps, times[10:31])
        numpy.testing.assert_array_equal(columns.values, samples(times[10:31]))
        self.assertFalse(columns.values.flags.owndata or columns.values.flags.writeable)
        self.assertFalse(reader.read_numpy("imu", 0, 9_000, SAMPLE, copy=False).is_view)
        with store.writer().create_context("imu") as context:
            context.write_batch(times + 1_000_000, samples(times))
            context.write_batch(times + 2_000_000, samples(times))
            context.write_batch(times + 3_000_000, samples(times))
        self.assertFalse(columns.intact)

    def test_nothing(self):
        self.written()
        reader = nanots.Reader(self.path)
        for stream, first in (("imu", 1_000_000), ("unknown", 0)):
            timestamps, values = reader.read_numpy(stream, first, 2_000_000, SAMPLE)
            self.assertEqual((len(timestamps), len(values), values.dtype), (0, 0, SAMPLE))
            self.assertEqual(len(reader.read_numpy(stream, first, 2_000_000, SAMPLE, copy=False)), 0)

    def test_the_wrong_dtype(self):
        self.written()
        reader = nanots.Reader(self.path)
        for copy in (True, False):
            with self.assertRaisesRegex(ValueError, "at 0 has 16 bytes, and an item of the dtype has 8"):
                reader.read_numpy("imu", 0, 100, "<f8", copy=copy)
        with self.assertRaisesRegex(TypeError, "objects"):
            reader.read_numpy("imu", 0, 100, object)
        with self.assertRaisesRegex(nanots.InvalidArgumentError, "from 10 to 0 ends before it begins"):
            reader.read_numpy("imu", 10, 0, SAMPLE)

    def test_frames_of_several_sizes(self):
        store = self.make()
        with store.writer().create_context("t") as context:
            context.write_batch([1, 2, 3], [bytes(8), bytes(8), bytes(4)])
            context.write_batch([4, 5], [b"\x01" + bytes(7)] * 2)
        reader = nanots.Reader(self.path)
        with self.assertRaisesRegex(ValueError, "at 3 has 4 bytes"):
            reader.read_numpy("t", 0, 9, "<i8")
        self.assertEqual(list(reader.read_numpy("t", 0, 2, "<i8").values), [0, 0])
        self.assertEqual(list(reader.read_numpy("t", 4, 9, "<i8").values), [1, 1])

    def test_keys_in_the_index(self):
        store = self.make()
        with store.writer().create_context("t") as context:
            context.write_batch(numpy.repeat(numpy.arange(50), 4), numpy.arange(200, dtype="<i8"),
                                keys=numpy.tile(numpy.arange(4), 50))
        columns = nanots.Reader(self.path).read_numpy("t", 10, 19, "<i8")
        numpy.testing.assert_array_equal(columns.values, numpy.arange(40, 80))
        numpy.testing.assert_array_equal(columns.timestamps, numpy.repeat(numpy.arange(10, 20), 4))

    def test_arrays_of_unequal_length_and_of_wrong_type(self):
        store = self.make()
        with store.writer().create_context("t") as context:
            with self.assertRaisesRegex(nanots.InvalidArgumentError, "3 timestamps, and data has 2"):
                context.write_batch(numpy.arange(3), numpy.zeros(2))
            with self.assertRaisesRegex(nanots.InvalidArgumentError, "3 timestamps, and keys has 4"):
                context.write_batch(numpy.arange(3), numpy.zeros(3), keys=numpy.arange(4))
            with self.assertRaisesRegex(nanots.InvalidArgumentError, "-1 at 2"):
                context.write_batch(numpy.arange(3), numpy.zeros(3), flags=[0, 1, -1])
            with self.assertRaisesRegex(TypeError, "64-bit whole numbers"):
                context.write_batch(numpy.arange(3, dtype="<f8"), numpy.zeros(3))
            with self.assertRaisesRegex(TypeError, "one dimension"):
                context.write_batch(numpy.zeros((3, 3), dtype="<i8"), numpy.zeros(3))
            self.assertIsNone(context.last())
            context.write_batch(numpy.array([], dtype="<i8"), numpy.zeros((0, 4)))
            context.write_batch(numpy.arange(3), numpy.zeros((3, 2, 2)))
        self.assertEqual([len(f["data"]) for f in nanots.Reader(self.path).read("t", 0, 9)], [32, 32, 32])

    def test_datetime64(self):
        store = self.make(time_unit="ms")
        with store.writer().create_context("t") as context:
            context.write(b"x", numpy.datetime64("2026-01-31T12:00:00.123456"))
        at = numpy.datetime64("2026-01-31T12:00:00.123", "ms")
        self.assertEqual(nanots.Reader(self.path).read("t", at, at)[0]["timestamp"], int(at.astype("int64")))

    def test_arrow_and_pandas(self):
        try:
            import pandas  # noqa: F401 - to_pandas needs it
            import pyarrow
        except ImportError as error:
            self.skipTest(f"{error.name} is not there")
        self.written(50)
        table = nanots.Reader(self.path).to_arrow("imu", 0, 1_000, SAMPLE)
        self.assertEqual(table.column_names, ["timestamp", "x", "y", "n"])
        self.assertEqual(table.schema.field("timestamp").type, pyarrow.timestamp("ns", "UTC"))
        self.assertEqual(table["n"].to_pylist(), list(range(0, 500, 10)))
        frame = table.to_pandas()
        self.assertEqual((list(frame["n"]), frame["timestamp"][7].value), (list(range(0, 500, 10)), 70))
        plain = nanots.Reader(self.path).to_arrow("imu", 0, 1_000, "V16")
        self.assertEqual(plain["value"].to_pylist()[7], samples([70]).tobytes())
