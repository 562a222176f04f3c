"""Records in and out: arrays that a segment's layout describes."""

import csv
from datetime import datetime
import pathlib
import subprocess
import sys
import unittest
from unittest import mock

import nanots
from nanots import _runs
from support import StoreTest

try:
    import numpy
except ImportError:
    raise unittest.SkipTest("NumPy is not there") from None

DATA = pathlib.Path(__file__).resolve().parents[3] / "shared" / "data"
EVERY = numpy.dtype([("i8", "<i1"), ("i16", "<i2"), ("i32", "<i4"), ("i64", "<i8"), ("u8", "<u1"), ("u16", "<u2"),
                     ("u32", "<u4"), ("u64", "<u8"), ("f32", "<f4"), ("f64", "<f8"), ("bool", "?"), ("text", "S7")], align=True)


def every(count):
    """Values of every type, from the lowest to the highest."""
    values = numpy.zeros(count, EVERY)
    numbers = numpy.arange(count)
    for name in EVERY.names:
        kind = EVERY[name]
        if kind.kind in "iu":
            limits = numpy.iinfo(kind)
            values[name] = [limits.min + n % 100 if n % 2 else limits.max - n % 100 for n in range(count)]
        elif kind.kind == "f":
            values[name] = numpy.where(numbers % 3 == 0, numpy.finfo(kind).max, numbers / 7).astype(kind)
        elif kind.kind == "b":
            values[name] = numbers % 2
        else:
            values[name] = [f"é{n}".encode() for n in range(count)]
    return values


class RecordsTest(StoreTest):
    def write(self, store, values, times, metadata=None, stream="s"):
        with store.writer().create_context(stream, values.dtype if metadata is None else metadata) as context:
            context.write_batch(numpy.asarray(times, "<i8"), values)

    def test_every_type_over_many_blocks_compressed_or_not(self):
        values = every(100)
        for compression in ("off", "lz4"):
            with self.subTest(compression):
                store = self.make(blocks=64, compression=compression, replace=True)
                self.write(store, values, numpy.arange(100) * 10)
                with nanots.Reader(self.path) as reader:
                    self.assertEqual(reader.read("s", 0, 0)[0]["metadata"], nanots.RecordLayout.from_dtype(EVERY).metadata)
                    records = reader.read_records("s", 95, 900)
                    numpy.testing.assert_array_equal(records["timestamp"], numpy.arange(100, 910, 10))
                    self.assertEqual(records.dtype.names, ("timestamp", *EVERY.names))
                    for name in EVERY.names:
                        self.assertEqual(records.dtype[name], EVERY[name])
                        numpy.testing.assert_array_equal(records[name], values[name][10:91])
                    self.assertEqual(len(reader.read_records("s", 991, 2_000)), 0)
                    self.assertEqual(reader.read_records("s", 991, 2_000).dtype, records.dtype)

    def test_a_layout_a_dtype_and_a_text_describe_alike(self):
        store = self.make()
        dtype = numpy.dtype([("x", "<f4"), ("y", "<f4")])
        layout = nanots.RecordLayout.from_dtype(dtype, {"x": "g"})
        wrong = numpy.zeros(3, numpy.dtype([("x", "<f4"), ("y", "<i4")]))
        for number, metadata in enumerate((layout, dtype, layout.metadata)):
            with store.writer().create_context(f"s{number}", metadata) as context:
                for _ in range(2):
                    words = "segment holds 8 bytes: x: f32 .*y: f32 at 4, and the array 8 bytes: x: f32 at 0, y: i32 at 4"
                    with self.assertRaisesRegex(nanots.InvalidArgumentError, words):
                        context.write_batch([1, 2, 3], wrong)
                words = "segment holds 8 bytes.* of the array field 'value' has the type datetime64"
                with self.assertRaisesRegex(nanots.InvalidArgumentError, words):
                    context.write_batch([1], numpy.zeros(1, "<M8[ns]"))
                self.assertIsNone(context.last())
                context.write_batch([1, 2, 3], numpy.ones(3, dtype))
                with self.assertRaises(nanots.InvalidArgumentError):
                    context.write_batch([4, 5, 6], wrong)
                # Bytes have no dtype: they are the program's own affair.
                context.write_batch([7], [bytes(8)])
            self.assertEqual(nanots.Reader(self.path).read_records(f"s{number}", 0, 9)["y"].tolist(), [1, 1, 1, 0])
        with store.writer().create_context("plain", "celsius") as context:
            context.write_batch([1, 2, 3], wrong)
        with self.assertRaisesRegex(TypeError, "a str, a RecordLayout or a NumPy dtype, and 5 is none"):
            store.writer().create_context("t", 5)
        with self.assertRaisesRegex(nanots.InvalidArgumentError, "'x' has the type object"):
            store.writer().create_context("t", numpy.dtype([("x", "O")]))

    def test_segments_that_differ(self):
        store = self.make()
        first, second = numpy.dtype([("x", "<f4")]), numpy.dtype([("x", "<i4")])
        self.write(store, numpy.arange(3, dtype="<f4").view(first), [0, 10, 20])
        self.write(store, numpy.arange(4, dtype="<i4").view(second), [30, 40, 50, 60])
        self.write(store, numpy.arange(2, dtype="<f4").view(first), [70, 80], nanots.RecordLayout.from_dtype(first, {"x": "g"}))
        reader = nanots.Reader(self.path)
        with self.assertRaisesRegex(nanots.InvalidArgumentError, "segment 0, from 0 to 20, has 4 bytes: x: f32 at 0; "
                                                                 "segment 1, from 30 to 60, has 4 bytes: x: i32 at 0"):
            reader.read_records("s", 0, 100)
        # Values in g and in who knows what are not of one column either.
        self.write(store, numpy.arange(2, dtype="<f4").view(first), [90, 100])
        with self.assertRaisesRegex(nanots.InvalidArgumentError, r"segment 2.*x: f32 \[g\] at 0.*segment 3.*x: f32 at 0"):
            reader.read_records("s", 70, 100)
        self.assertEqual(reader.read_records("s", 0, 29)["x"].tolist(), [0, 1, 2])
        self.assertEqual(reader.read_records("s", 35, 100, segment=1)["timestamp"].tolist(), [40, 50, 60])
        self.assertEqual(len(reader.read_records("s", 0, 29, segment=1)), 0)
        with self.assertRaisesRegex(nanots.NotFoundError, "no frames in a segment 4"):
            reader.read_records("s", 0, 100, segment=4)
        with self.assertRaisesRegex(nanots.NotFoundError, "'unknown' has no frames"):
            reader.read_records("unknown", 0, 100)

    def test_segments_that_meet_at_one_timestamp(self):
        store = self.make()
        kinds = [numpy.dtype([("x", "<f8")]), numpy.dtype([("x", "<i4")])]
        for number, kind in enumerate(kinds):
            values = numpy.arange(4 * number, 4 * number + 4).astype(kind["x"]).view(kind)
            with store.writer().create_context("s", kind) as context:
                context.write_batch([5, 6, 7, 7] if number == 0 else [7, 7, 8, 9], values,
                                    keys=[1, 1, 1, 2] if number == 0 else [3, 4, 1, 1])
        reader = nanots.Reader(self.path)
        first, second = (reader.read_records("s", 6, 8, segment=number) for number in range(2))
        self.assertEqual((first["timestamp"].tolist(), first["x"].tolist()), ([6, 7, 7], [1, 2, 3]))
        self.assertEqual((second["timestamp"].tolist(), second["x"].tolist()), ([7, 7, 8], [4, 5, 6]))
        with self.assertRaises(nanots.InvalidArgumentError):
            reader.read_records("s", 7, 7)

    def test_a_bool_is_0_or_1_and_a_text_ends_at_its_first_zero(self):
        layout = nanots.RecordLayout([("ok", "bool", 0), ("name", "text", 1, "", 4), ("n", "u8", 5)])
        with self.make().writer().create_context("s", layout) as context:
            context.write_batch([1, 2], [b"\x02a\x00bc\x09", b"\x00abcd\x09"])
        records = nanots.Reader(self.path).read_records("s", 0, 9)
        self.assertEqual(records["name"].tolist(), [b"a", b"abcd"])
        self.assertEqual(records["ok"].view("u1").tolist(), [1, 0])
        self.assertEqual(records["n"].tolist(), [9, 9])

    def test_fields_that_lie_over_each_other_keep_their_bytes(self):
        layout = nanots.RecordLayout([("raw", "u32", 0), ("ok", "bool", 0), ("name", "text", 1, "", 2), ("alone", "bool", 4)])
        with self.make().writer().create_context("s", layout) as context:
            context.write_batch([1], [b"\x02\x00\x05\x07\x03"])
        records = nanots.Reader(self.path).read_records("s", 0, 9)
        self.assertEqual((records["raw"].tolist(), records["alone"].view("u1").tolist()), ([0x07050002], [1]))

    def test_frames_that_are_not_what_the_layout_says(self):
        layout = nanots.RecordLayout([("x", "u8", 0)], 1 << 62)
        store = self.make()
        number = numpy.dtype([("x", "<i8")])
        for stream, metadata, payloads in (("huge", layout, [bytes(8)]), ("t", number, [bytes(8), bytes(4)])):
            with store.writer().create_context(stream, metadata) as context:
                context.write_batch(range(len(payloads)), payloads)
        reader = nanots.Reader(self.path)
        with self.assertRaisesRegex(nanots.InvalidArgumentError, "4611686018427387904 bytes is more than"):
            reader.read_records("huge", 0, 9)
        with self.assertRaisesRegex(ValueError, "at 1 has 4 bytes, and an item of the dtype has 8"):
            reader.read_records("t", 0, 9)
        with self.assertRaisesRegex(ValueError, "at 1 has 4 bytes, and the layout of stream 't' 8"):
            reader.read_records("t", 1, 9)
        for time, metadata in ((datetime(2026, 1, 1), "celsius"), (datetime(2026, 1, 2), '{"content":"json"}')):
            with store.writer().create_context("said", metadata) as context:
                context.write(b"x", time)
            words = f"'said' has no record layout: its metadata says '{metadata}'"
            with self.assertRaisesRegex(nanots.InvalidArgumentError, words):
                reader.read_records("said", time, time)
        taken = numpy.dtype([("timestamp", "<i8")])
        self.write(store, numpy.zeros(1, taken), [1], stream="taken")
        with self.assertRaisesRegex(nanots.InvalidArgumentError, "a field called 'timestamp'"):
            reader.read_records("taken", 0, 9)

    def test_a_store_that_recycled_its_oldest_blocks(self):
        dtype = numpy.dtype([("x", "<i8")])
        self.write(self.make(blocks=4), numpy.arange(3_000).view(dtype), numpy.arange(3_000))
        records = nanots.Reader(self.path).read_records("s", 0, 3_000)
        self.assertTrue(0 < len(records) < 3_000)
        numpy.testing.assert_array_equal(records["timestamp"], numpy.arange(3_000 - len(records), 3_000))
        numpy.testing.assert_array_equal(records["x"], records["timestamp"])

    def test_runs_of_blocks_are_all_blocks_and_all_frames_once(self):
        dtype = numpy.dtype([("x", "<i8")])
        for compression, blocks in (("off", 8), ("off", 200), ("lz4", 64)):
            store = self.make(blocks=blocks, compression=compression, replace=True)
            # Times in leaps, four frames of each, and a block that is missing in the middle.
            times = numpy.repeat(numpy.arange(1_500) ** 3, 4)
            with store.writer().create_context("s", dtype) as context:
                context.write_batch(times, numpy.arange(6_000).view(dtype), keys=numpy.tile(numpy.arange(4), 1_500))
            if blocks == 200:
                nanots.Writer.free_blocks(self.path, "s", 400**3, 600**3)
            figures = store.stream_statistics("s")
            with nanots.Reader(self.path) as reader:
                parts = _runs.survey(reader, "s", _runs.LOWEST, _runs.HIGHEST)
                self.assertEqual(len(parts), 2 if blocks == 200 else 1)
                for most_blocks, most_frames in ((1, 6_000), (3, 6_000), (1_000, 6_000), (1_000, 50), (1, 1)):
                    runs = [run for part in parts for run in _runs.split(reader, "s", part, most_blocks, most_frames)]
                    self.assertEqual(sum(run.blocks for run in runs), figures["blocks"])
                    self.assertEqual([run.frames for run in runs], [reader.count("s", run.first, run.last) for run in runs])
                    self.assertEqual(sum(run.frames for run in runs), figures["frames"])
                    # Frames of one time are not parted, so that one more block is reached, or a few more frames.
                    self.assertLessEqual(max(run.blocks for run in runs), most_blocks + 1 if most_blocks < 1_000 else 1_000)
                    self.assertLessEqual(max(run.frames for run in runs), most_frames + 3)
                    for run, following in zip(runs, runs[1:]):
                        self.assertLess(run.last, following.first)

    def test_frames_that_are_recycled_before_they_are_read(self):
        dtype = numpy.dtype([("x", "<i8")])
        with self.make(blocks=4).writer().create_context("s", dtype) as context:
            context.write_batch(numpy.arange(200), numpy.arange(200).view(dtype))
            count = nanots.Reader.count

            def count_late(reader, *range):
                context.write_batch(numpy.arange(1_000, 3_000), numpy.arange(2_000).view(dtype))
                return count(reader, *range)

            with mock.patch.object(nanots.Reader, "count", count_late):
                with self.assertRaisesRegex(nanots.OverwrittenError, "of 200 frames of stream 's' from 0 to 199, 0 were there"):
                    nanots.Reader(self.path).read_records("s", 0, 500)

    def test_the_readme_does_what_it_says(self):
        source = pathlib.Path(__file__).resolve().parents[2] / "Sources" / "nanots-python" / "README.md"
        program = source.read_text(encoding="utf-8").split("## Records")[1].split("```python\n")[1].split("```")[0]
        run = subprocess.run([sys.executable, "-c", program], cwd=self.directory, capture_output=True, text=True)
        self.assertEqual((run.returncode, run.stdout, run.stderr),
                         (0, "('timestamp', 'ax', 'ay', 'ok')\n501 0.5005005\n", ""))

    @unittest.skipUnless(DATA.exists(), f"{DATA} is not there")
    def test_recordings(self):
        table = numpy.loadtxt(DATA / "imu_xio_100hz.csv", delimiter=",", skiprows=1)
        names = [sensor + axis for sensor in ("gyro_", "acc_", "mag_") for axis in "xyz"]
        dtype = numpy.dtype([(name, "<f4") for name in names])
        samples = table[:, 1:].astype("<f4").view(dtype)[:, 0]
        store = self.make(block_size=65536, time_unit="us", compression="lz4")
        units = {name: {"g": "dps", "a": "g", "m": "uT"}[name[0]] for name in names}
        times = numpy.round(table[:, 0] * 1e6).astype("<i8")
        self.write(store, samples, times, nanots.RecordLayout.from_dtype(dtype, units), "imu")
        with open(DATA / "machine_temperature_5min.csv", newline="") as file:
            rows = [(datetime.fromisoformat(row["timestamp"]), float(row["value"])) for row in csv.DictReader(file)]
        celsius = numpy.array([value for _, value in rows])
        # The recorder's clock steps back: those rows get times one unit apart.
        moments = [nanots.to_timestamp(time, "us") for time, _ in rows]
        steps = numpy.maximum.accumulate(numpy.array(moments) - numpy.arange(len(moments))) + numpy.arange(len(moments))
        self.write(store, celsius, steps, nanots.RecordLayout.from_dtype("<f8", {"value": "degree"}), "machine")
        reader = nanots.Reader(self.path)
        imu = reader.read_records("imu", 10_000_000, 70_000_000)
        chosen = (times >= 10_000_000) & (times <= 70_000_000)
        numpy.testing.assert_array_equal(imu["timestamp"], times[chosen])
        for name in names:
            numpy.testing.assert_array_equal(imu[name], samples[name][chosen])
        machine = reader.read_records("machine", datetime(2013, 1, 1), datetime(2015, 1, 1))
        numpy.testing.assert_array_equal(machine["value"], celsius)
        numpy.testing.assert_array_equal(machine["timestamp"], steps)
