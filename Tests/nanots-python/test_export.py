"""Arrow tables, and Parquet and Arrow files, read back by others' programs."""

import os
import pathlib
import subprocess
import sys
import unittest
from unittest import mock

import nanots
from nanots import _arrow, _runs
from nanots.export import export
from support import StoreTest

try:
    import numpy
    import pandas
    import pyarrow
    import pyarrow.feather
    import pyarrow.parquet
except ImportError as error:
    raise unittest.SkipTest(f"{error.name} is not there") from None

from test_records import EVERY, every

IMU = pathlib.Path(__file__).resolve().parents[3] / "shared" / "data" / "imu_xio_100hz.csv"
ARROW = {"f32": "float", "f64": "double", "text": "string", "bool": "bool"}


class ArrowTest(StoreTest):
    def write(self, store, values, times, metadata=None, stream="s"):
        with store.writer().create_context(stream, values.dtype if metadata is None else metadata) as context:
            context.write_batch(numpy.asarray(times, "<i8"), values)

    def file(self, name):
        return os.path.join(self.directory, name)

    def test_the_module_takes_times_as_people_write_them(self):
        store = self.make(time_unit="s")
        values = numpy.zeros(10, [("v", "<i4")])
        values["v"] = range(10)
        self.write(store, values, range(1_400_000_000, 1_400_000_010))
        path, output = os.path.join(self.directory, "test.nts"), self.file("s.parquet")
        for first, last, rows in (
            ("1400000003", "1400000004", 2),
            ("2014-05-13T16:53:21Z", "2014-05-13T18:53:22+02:00", 2),
            ("2014-05-13 16:53:29", "", 1),
        ):
            done = self.run_module(path, "s", "-o", output, "--replace", "--from", first, *(["--to", last] if last else []))
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(pyarrow.parquet.read_table(output).num_rows, rows)
        wrong = self.run_module(path, "s", "-o", output, "--replace", "--from", "yesterday")
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("'--from' is a whole number or a time in ISO 8601, and 'yesterday' is not", wrong.stderr)
        unknown = self.run_module(path, "other", "-o", output, "--replace")
        self.assertIn("no frames of a stream 'other'; the store has s", unknown.stderr)

    def test_the_store_is_not_written_over(self):
        store = self.make()
        self.write(store, numpy.zeros(3, [("v", "<i4")]), range(3))
        link = self.file("s.parquet")
        os.symlink(os.path.join(self.directory, "test.nts"), link)
        with self.assertRaisesRegex(nanots.InvalidArgumentError, "is the store that is read"):
            export(os.path.join(self.directory, "test.nts"), "s", link, replace=True)

    def run_module(self, *arguments):
        return subprocess.run([sys.executable, "-W", "error", "-m", "nanots.export", *arguments], capture_output=True,
                              text=True, encoding="utf-8", env={**os.environ, "PYTHONIOENCODING": "utf-8"})

    def test_every_type_and_unit_in_a_table(self):
        values = every(60)
        layout = nanots.RecordLayout.from_dtype(EVERY, {"f32": "m/s²"})
        for unit in ("ns", "us", "ms", "s"):
            store = self.make(blocks=64, time_unit=unit, compression="lz4" if unit == "us" else "off", replace=True)
            self.write(store, values, numpy.arange(60) - 30, layout)
            table = nanots.Reader(self.path).read_arrow("s", -100, 100)
            self.assertEqual(table.schema.field("timestamp").type, pyarrow.timestamp(unit, "UTC"))
            self.assertEqual(table["timestamp"].cast("int64").to_pylist(), list(range(-30, 30)))
            for name in EVERY.names:
                kind = str(table.schema.field(name).type).replace("uint", "u").replace("int", "i")
                self.assertEqual(kind, ARROW.get(name, name))
                wanted = [text.decode() for text in values[name].tolist()] if name == "text" else values[name].tolist()
                self.assertEqual(table[name].to_pylist(), wanted)
            self.assertEqual(table.schema.field("f32").metadata, {b"unit": "m/s²".encode()})
            self.assertIsNone(table.schema.field("f64").metadata)

    def test_columns_of_choice_and_none(self):
        self.write(self.make(), every(10), range(10))
        reader = nanots.Reader(self.path)
        self.assertEqual(reader.read_arrow("s", 3, 4, ["text", "timestamp"]).to_pydict()["text"], ["é3", "é4"])
        self.assertEqual(reader.read_arrow("s", 3, 4, ["text", "timestamp"]).column_names, ["text", "timestamp"])
        self.assertEqual(reader.read_arrow("s", 50, 60).num_rows, 0)
        self.assertEqual(reader.read_arrow("s", 50, 60).column_names, ["timestamp", *EVERY.names])
        with self.assertRaisesRegex(nanots.InvalidArgumentError, "no column 'x'; it has timestamp, i8,"):
            reader.read_arrow("s", 0, 9, ["x"])

    def test_texts_that_are_no_utf8_and_bools_that_are_not_1(self):
        layout = nanots.RecordLayout([("ok", "bool", 0), ("name", "text", 1, "", 4), ("n", "u16", 0)])
        with self.make().writer().create_context("s", layout) as context:
            context.write_batch([1, 2], [b"\x02a\xffb\x00", b"\x00abcd"])
        self.assertEqual(nanots.Reader(self.path).read_arrow("s", 0, 9).to_pydict() | {"timestamp": 0},
                         {"timestamp": 0, "ok": [True, False], "name": ["a\ufffdb", "abcd"], "n": [0x6102, 0x6100]})

    def test_payloads_without_a_layout(self):
        store = self.make(blocks=4)
        with store.writer().create_context("s", '{"content":"json"}') as context:
            for time in range(300):
                context.write(b"{}" * (time % 50), time)
        reader = nanots.Reader(self.path)
        table = reader.read_arrow("s", 0, 999)
        frames = reader.read("s", 0, 999)
        self.assertEqual(table["payload"].to_pylist(), [frame["data"] for frame in frames])
        self.assertEqual(table["timestamp"].cast("int64").to_pylist(), [frame["timestamp"] for frame in frames])
        with mock.patch("nanots._arrow.BATCH_BYTES", 1000):
            small = reader.read_arrow("s", 0, 999)
        self.assertEqual(small, table)
        self.assertGreater(small["payload"].num_chunks, 5)

    def test_payloads_of_segments_that_meet_at_one_timestamp(self):
        store = self.make()
        for keys, metadata in (((1, 2), "a"), ((3, 4), "b")):
            with store.writer().create_context("s", metadata) as context:
                for key in keys:
                    context.write(bytes([key]), 5, key=key)
        reader = nanots.Reader(self.path)
        found = [reader.read_arrow("s", 0, 9, ["payload"], segment=segment)["payload"].to_pylist() for segment in (None, 0, 1)]
        self.assertEqual(found, [[b"\1", b"\2", b"\3", b"\4"], [b"\1", b"\2"], [b"\3", b"\4"]])

    def test_frames_that_are_recycled_while_they_are_read(self):
        dtype = numpy.dtype([("a", "<i8"), ("b", "<i8")])
        for layout in (None, nanots.RecordLayout.from_dtype(dtype)):
            with self.make(blocks=4, replace=True).writer().create_context("s", layout) as context:
                context.write_batch(numpy.arange(200), numpy.zeros(200, dtype))
                reader = nanots.Reader(self.path)
                parts = _runs.survey(reader, "s", 0, 500)
                schema = _arrow.schema_of("s", layout, reader._unit)
                with mock.patch("nanots._arrow.BATCH_BYTES", 320):
                    batches = _arrow.batches(reader, "s", parts, layout, schema)
                    self.assertEqual(len(next(batches)), 20)
                    context.write_batch(numpy.arange(1_000, 3_000), numpy.zeros(2_000, dtype))
                    with self.assertRaisesRegex(nanots.OverwrittenError, "recycled"):
                        list(batches)

    def test_frames_that_are_recycled_before_they_are_read(self):
        dtype = numpy.dtype([("a", "<i8"), ("b", "<i8")])
        for layout in (None, nanots.RecordLayout.from_dtype(dtype)):
            with self.make(blocks=4, replace=True).writer().create_context("s", layout) as context:
                context.write_batch(numpy.arange(200), numpy.zeros(200, dtype))
                reader = nanots.Reader(self.path)
                parts = _runs.survey(reader, "s", 0, 500)
                context.write_batch(numpy.arange(1_000, 3_000), numpy.zeros(2_000, dtype))
                with self.assertRaisesRegex(nanots.OverwrittenError, "of 200 frames .* 0 were there still"):
                    list(_arrow.batches(reader, "s", parts, layout, _arrow.schema_of("s", layout, reader._unit)))

    def test_what_is_exported_is_pinned_while_writers_go_round(self):
        dtype = numpy.dtype([("a", "<i8"), ("b", "<i8")])
        for layout, last, rows in ((dtype, _runs.HIGHEST, 200), (dtype, 150, 151), ('{"content":"json"}', _runs.HIGHEST, 200)):
            store = self.make(blocks=12, replace=True)
            writer = store.writer()
            contexts = [writer.create_context(stream, layout) for stream in ("a", "b")]
            for context in contexts:
                context.write_batch(numpy.arange(200), numpy.zeros(200, dtype))
            times = iter(range(1_000, 1_000_000, 500))

            def lapping(*arguments):
                for batch in _arrow.batches(*arguments):
                    yield batch
                    time = next(times)
                    for context in contexts:
                        context.write_batch(numpy.arange(time, time + 500), numpy.zeros(500, dtype))

            with mock.patch("nanots.export.batches", lapping), mock.patch("nanots._arrow.BATCH_BYTES", 320):
                self.assertEqual(export(self.path, [], self.file("s.arrow"), end_timestamp=last, replace=True), 2 * rows)
            table = pyarrow.feather.read_table(self.file("s.arrow"))
            self.assertEqual(list(zip(table["stream"].to_pylist(), table["timestamp"].cast("int64").to_pylist())),
                             [(stream, time) for stream in ("a", "b") for time in range(rows)])
            # The ring went round, and does so with what was pinned as well.
            self.assertGreater(next(times), 6_000)
            lapped = nanots.Reader(self.path).query_contiguous_segments("a", 1_000, 1_000_000)[0]
            self.assertGreater(lapped["start_timestamp"], 1_000)
            self.assertEqual(store.statistics()["pinned_blocks"], 0)
            writer.close()

    def test_pins_end_with_an_export_that_fails(self):
        store = self.make(blocks=8)
        self.write(store, numpy.zeros(200, [("x", "<i8")]), range(200))
        pinned = []

        def failing(*arguments):
            pinned.append(store.statistics()["pinned_blocks"])
            raise OSError("the disk is full")
            yield

        with mock.patch("nanots.export.batches", failing), self.assertRaisesRegex(OSError, "full"):
            export(self.path, "s", self.file("s.arrow"))
        self.write(store, numpy.zeros(1, [("y", "<i8")]), [200])
        with self.assertRaisesRegex(nanots.InvalidArgumentError, "different records"):
            export(self.path, "s", self.file("s.arrow"))
        pinned.append(store.statistics()["pinned_blocks"])
        self.assertGreater(pinned[0], 1)
        self.assertEqual(pinned[1], 0)
        self.assertEqual(os.listdir(self.directory), ["test.nts"])

    def test_ranges_without_frames_are_exported_as_none(self):
        self.write(self.make(), numpy.zeros(10, [("x", "<i8")]), range(10))
        output = self.file("s.arrow")
        for first, last in ((50, 60), (-60, -50)):
            with self.subTest((first, last)):
                self.assertEqual(export(self.path, "s", output, start_timestamp=first, end_timestamp=last, replace=True), 0)
        with self.assertRaisesRegex(nanots.InvalidArgumentError, "from 7 to 3 ends before it begins"):
            export(self.path, "s", output, start_timestamp=7, end_timestamp=3, replace=True)

    def test_fields_that_would_take_more_than_memory(self):
        fields = [(f"f{n}", "text", 0, "", 1 << 20) for n in range(2_000)]
        with self.make(block_size=1 << 22, blocks=4).writer().create_context("s", nanots.RecordLayout(fields)) as context:
            context.write_batch([1], [bytes(1 << 20)])
        reader = nanots.Reader(self.path)
        with self.assertRaisesRegex(nanots.InvalidArgumentError, "2097152000 bytes of a row, and the most are 1073741824"):
            reader.read_arrow("s", 0, 9)
        self.assertEqual(reader.read_arrow("s", 0, 9, ["timestamp"]).num_rows, 1)

    def test_without_pyarrow(self):
        self.write(self.make(), every(1), [1])
        reader = nanots.Reader(self.path)
        with mock.patch.dict(sys.modules, {"pyarrow": None}):
            with self.assertRaisesRegex(ImportError, r"needs pyarrow.* pip install 'nanots\[arrow\]'"):
                reader.read_arrow("s", 0, 9)

    def test_parquet_and_arrow_files_have_the_same_rows_in_bounded_batches(self):
        values, times = every(3_000), numpy.arange(3_000) * 1_000
        store = self.make(block_size=65536, time_unit="ms", compression="lz4")
        self.write(store, values, times, nanots.RecordLayout.from_dtype(EVERY, {"f32": "g"}))
        with nanots.Reader(self.path) as reader:
            table = reader.read_arrow("s", 500_000, 2_000_000)
        with mock.patch("nanots._arrow.BATCH_BYTES", 200 * EVERY.itemsize):
            for kind in ("parquet", "arrow", "feather"):
                rows = export(self.path, "s", self.file(f"s.{kind}"), start_timestamp=500_000, end_timestamp=2_000_000)
                self.assertEqual(rows, 1_501)
        file = pyarrow.parquet.ParquetFile(self.file("s.parquet"))
        groups = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
        self.assertEqual((sum(groups), max(groups) <= 200, len(groups) < 20), (1_501, True, True), groups)
        self.assertEqual(file.read(), table)
        self.assertEqual(file.schema_arrow.field("f32").metadata[b"unit"], b"g")
        self.assertEqual(pyarrow.feather.read_table(self.file("s.feather")), table)
        with pyarrow.memory_map(self.file("s.arrow")) as mapped:
            batches = pyarrow.ipc.open_file(mapped)
            self.assertEqual((batches.read_all(), batches.num_record_batches), (table, len(groups)))
            del batches
        frame = pandas.read_parquet(self.file("s.parquet"))
        self.assertEqual(frame["timestamp"].astype("datetime64[ms, UTC]").astype("int64").tolist(),
                         list(range(500_000, 2_001_000, 1_000)))
        for name in EVERY.names[:-1]:
            numpy.testing.assert_array_equal(frame[name].to_numpy(), values[name][500:2_001])
        self.assertEqual(frame["text"].tolist(), [f"é{n}" for n in range(500, 2_001)])

    def test_the_command(self):
        store = self.make()
        values = every(20)
        self.write(store, values, range(20), stream="a")
        self.write(store, values[:5], range(100, 105), stream="b")
        output = self.file("all.parquet")
        run = self.run_module(self.path, "-o", output)
        self.assertEqual((run.returncode, run.stdout, run.stderr), (0, f"25 rows in {output}\n", ""))
        table = pyarrow.parquet.read_table(output)
        self.assertEqual(table.column_names[:2], ["stream", "timestamp"])
        self.assertEqual(table["stream"].to_pylist(), ["a"] * 20 + ["b"] * 5)
        self.assertEqual(table["i64"].to_pylist(), values["i64"].tolist() + values["i64"][:5].tolist())
        run = self.run_module(self.path, "b", "-o", output)
        self.assertEqual((run.returncode, run.stdout), (1, ""))
        self.assertIn(f"there is a file {output}", run.stderr)
        run = self.run_module(self.path, "b", "-o", output, "--replace", "--from", "101", "--to", "102")
        self.assertEqual((run.returncode, pyarrow.parquet.read_table(output)["timestamp"].cast("int64").to_pylist()),
                         (0, [101, 102]))
        for arguments, words in (
            (("b", "-o", self.file("x.csv")), "ends with none of .parquet, .arrow, .feather"),
            (("c", "-o", self.file("x.arrow")), "no frames of a stream 'c'; the store has a, b"),
            (("b", "--segment", "1", "-o", self.file("x.arrow")), "no frames in a segment 1"),
            (("-o", self.file("missing/x.arrow")), "missing/x.arrow"),
        ):
            run = self.run_module(self.path, *arguments)
            self.assertEqual((run.returncode, run.stdout), (1, ""))
            self.assertIn(words, run.stderr)
            self.assertNotIn("Traceback", run.stderr)
        self.assertEqual(sorted(os.listdir(self.directory)), ["all.parquet", "test.nts"])

    def test_streams_and_segments_of_different_layouts(self):
        store = self.make()
        kinds = [numpy.dtype([("x", "<f4")]), numpy.dtype([("x", "<f8")])]
        for number, kind in enumerate(kinds):
            self.write(store, numpy.ones(1, kind), [number], stream=f"s{number}")
            self.write(store, numpy.ones(1, kind), [number], stream="both")
        output = self.file("x.parquet")
        words = "'s0' has 4 bytes: x: f32 at 0, and 's1' 8 bytes: x: f64 at 0"
        with self.assertRaisesRegex(nanots.InvalidArgumentError, words):
            export(self.path, ["s0", "s1"], output)
        with self.assertRaisesRegex(nanots.InvalidArgumentError, "segment 0, .*x: f32 at 0; segment 1, .*x: f64 at 0"):
            export(self.path, "both", output)
        self.assertFalse(os.path.exists(output))
        self.assertEqual(export(self.path, "both", output, segment=1), 1)
        taken = numpy.dtype([("stream", "<f4")])
        for name in ("t0", "t1"):
            self.write(store, numpy.ones(1, taken), [1], stream=name)
        with self.assertRaisesRegex(nanots.InvalidArgumentError, "a field called 'stream'"):
            export(self.path, ["t0", "t1"], output, replace=True)
        self.assertEqual(export(self.path, "t0", output, replace=True), 1)
        self.assertEqual(pyarrow.parquet.read_table(output)["stream"].to_pylist(), [1])

    def test_a_write_that_fails_leaves_nothing_behind(self):
        store = self.make()
        with store.writer().create_context("s", numpy.dtype([("x", "<i8")])) as context:
            context.write_batch([1, 2], [bytes(8), bytes(4)])
        with self.assertRaisesRegex(ValueError, "at 2 has 4 bytes"):
            export(self.path, "s", self.file("x.parquet"))
        self.assertEqual(os.listdir(self.directory), ["test.nts"])

    @unittest.skipUnless(IMU.exists(), f"{IMU} is not there")
    def test_a_recording(self):
        table = numpy.loadtxt(IMU, delimiter=",", skiprows=1)
        names = [sensor + axis for sensor in ("gyro_", "acc_", "mag_") for axis in "xyz"]
        dtype = numpy.dtype([(name, "<f8") for name in names])
        times = numpy.round(table[:, 0] * 1e6).astype("<i8")
        samples = numpy.ascontiguousarray(table[:, 1:]).view(dtype)[:, 0]
        self.write(self.make(block_size=65536, blocks=32, time_unit="us"), samples, times)
        self.assertEqual(export(self.path, "s", self.file("imu.parquet")), len(times))
        frame = pandas.read_parquet(self.file("imu.parquet"))
        self.assertEqual(frame["timestamp"].astype("datetime64[us, UTC]").astype("int64").tolist(), times.tolist())
        for place, name in enumerate(names):
            numpy.testing.assert_array_equal(frame[name].to_numpy(), table[:, place + 1])
