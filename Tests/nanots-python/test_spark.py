"""The data source of Spark, on a cluster of a master and two workers, each a process of its own."""

import csv
from datetime import datetime, timedelta, timezone
import json
import os
import pathlib
import unittest

import nanots
from support import StoreTest

try:
    import numpy
    import pyarrow  # noqa: F401 - the data source needs it
    from pyspark.sql import SparkSession, functions

    from nanots import spark as source
except ImportError as error:
    raise unittest.SkipTest(f"{error.name} is not there") from None

IMU = pathlib.Path(__file__).resolve().parents[3] / "shared" / "data" / "imu_xio_100hz.csv"
NAMES = [sensor + axis for sensor in ("gyro_", "acc_", "mag_") for axis in "xyz"]
STORES = 10


def moment(microseconds):
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=microseconds)


class SparkTest(StoreTest):
    @classmethod
    def setUpClass(cls):
        os.environ["PYSPARK_PYTHON"] = os.sys.executable
        cls.session = (
            SparkSession.builder.master("local-cluster[2,1,1024]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.sql.python.filterPushdown.enabled", "true")
            .config("spark.log.level", "ERROR")
            .config("spark.task.maxFailures", "1")
            .config("spark.ui.showConsoleProgress", "false")
            .getOrCreate()
        )
        cls.addClassCleanup(cls.session.stop)
        cls.session.dataSource.register(source.NanoTSDataSource)

    def read(self, *schema, **options):
        reader = self.session.read.format("nanots").option("path", os.path.join(self.directory, "*.nts"))
        for name, value in options.items():
            reader = reader.option(name, value)
        return (reader.schema(*schema) if schema else reader).load()

    def plans(self):
        with open(os.path.join(self.directory, "plans")) as file:
            return [json.loads(line) for line in file]

    def fleet(self, times, values, layout, **options):
        """Stores that divide what there is into stretches of time, and a second stream in each."""
        for number in range(STORES):
            path = os.path.join(self.directory, f"{number}.nts")
            these = slice(number * len(times) // STORES, (number + 1) * len(times) // STORES)
            with nanots.Store.create(path, block_size=4096, block_count=64, time_unit="us", **options) as store:
                writer = store.writer()
                with writer.create_context("imu", layout) as context:
                    context.write_batch(times[these], values[these])
                with writer.create_context("spare", layout) as context:
                    context.write_batch(times[these][:10], values[these][:10])

    @unittest.skipUnless(IMU.exists(), f"{IMU} is not there")
    def test_a_recording_over_ten_stores_and_predicates_that_skip_blocks(self):
        with open(IMU, newline="") as file:
            rows = [list(map(float, row)) for row in list(csv.reader(file))[1:]]
        table = numpy.array(rows)
        times = numpy.round(table[:, 0] * 1e6).astype("<i8")
        dtype = numpy.dtype([(name, "<f4") for name in NAMES])
        values = table[:, 1:].astype("<f4").view(dtype)[:, 0]
        self.fleet(times, values, nanots.RecordLayout.from_dtype(dtype, {"acc_x": "g"}))

        plans = os.path.join(self.directory, "plans")
        everything = self.read(stream="imu", blocks=16, report=plans)
        self.assertEqual(everything.columns, ["stream", "timestamp", *NAMES])
        self.assertEqual(everything.schema["acc_x"].metadata, {"unit": "g"})
        self.assertEqual(everything.schema["timestamp"].dataType.simpleString(), "timestamp")
        found = everything.toArrow().sort_by("timestamp")
        numpy.testing.assert_array_equal(found["timestamp"].cast("int64").to_numpy(), times)
        for name in NAMES:
            numpy.testing.assert_array_equal(found[name].to_numpy(), values[name])
        self.assertEqual(set(found["stream"].to_pylist()), {"imu"})
        # Every store's rows came through more than one executor's process: there are more partitions than stores.
        whole = self.plans()[-1]
        blocks = sum(
            nanots.Store(os.path.join(self.directory, f"{number}.nts"), "r").stream_statistics("imu")["blocks"]
            for number in range(STORES)
        )
        self.assertEqual((whole["stores"], whole["blocks"], whole["skipped_blocks"]), (STORES, blocks, 0))
        self.assertEqual(whole["partitions"], everything.rdd.getNumPartitions())
        self.assertGreater(whole["partitions"], STORES)
        # Two uses of what was loaded once, in one query: neither gets the other's rows.
        some = self.read(stream="imu", end=14_000_000)
        early, late = (some.where(functions.col("timestamp") < moment(1_000_000)),
                       some.where(functions.col("timestamp") > moment(13_000_000)))
        self.assertEqual(early.union(late).count(), ((times < 1_000_000) | (times > 13_000_000) & (times <= 14_000_000)).sum())

        # Seconds 60 to 62: a part of one store, or of two neighbours.
        first, last = 60_000_000, 62_000_000
        wanted = times[(times >= first) & (times <= last)]
        ways = (
            self.read(stream="imu", report=plans, start=first, end=last),
            self.read(stream="imu", report=plans, start="1970-01-01T00:01:00", end="1970-01-01T02:01:02+02:00"),
            self.read(stream="imu", report=plans, pushdown="true")
            .where(functions.col("timestamp").between(moment(first), moment(last))),
        )
        for some in ways:
            self.assertEqual([row.timestamp.replace(tzinfo=timezone.utc) for row in
                              sorted(some.select("timestamp").collect())],
                             [moment(int(time)) for time in wanted])
            part = self.plans()[-1]
            planned = part["blocks"] - part["skipped_blocks"]
            self.assertEqual(part["blocks"], blocks)
            # 200 frames of 36 bytes, and what the index takes, fill 2 blocks of 4 KiB or more: at both ends another is reached.
            self.assertTrue(2 <= planned <= 7, part)
            self.assertLess(part["partitions"], 3)

        nothing = self.read(stream="imu", report=plans, pushdown="true").where(
            functions.col("timestamp") > moment(1_000_000_000_000))
        self.assertEqual((nothing.count(), self.plans()[-1]["skipped_blocks"], self.plans()[-1]["partitions"]), (0, blocks, 0))
        spare = self.read(report=plans, pushdown="true").where("stream in ('spare', 'other')")
        self.assertEqual(spare.count(), 10 * STORES)
        self.assertEqual(self.plans()[-1]["skipped_blocks"], blocks)

    def test_every_type_compressed_with_keys_and_chosen_columns(self):
        dtype = numpy.dtype([("i", "<i1"), ("b", "<u1"), ("h", "<u2"), ("w", "<u4"), ("l", "<u8"), ("n", "<i8"), ("d", "<f8"),
                             ("ok", "?"), ("name", "S6")])
        values = numpy.zeros(1000, dtype)
        numbers = numpy.arange(1000)
        values["i"], values["b"], values["h"], values["w"] = numbers % 256 - 128, numbers % 256, 65_535, (1 << 32) - 1
        values["l"], values["n"], values["d"], values["ok"] = (1 << 64) - 1, -numbers, numbers / 7, numbers % 2
        values["name"] = "Ω"[0].encode()
        self.fleet(numbers, values, dtype, compression="lz4")
        rows = sorted(self.read(stream="imu", key="true", store="true").collect(), key=lambda row: row.timestamp)
        self.assertEqual(len(rows), 1000)
        for number in (0, 255, 999):
            row = rows[number].asDict()
            self.assertEqual(row.pop("timestamp").replace(tzinfo=timezone.utc), moment(number))
            self.assertEqual(row, {
                "store": os.path.join(self.directory, f"{number // 100}.nts"), "stream": "imu", "key": 0,
                "i": number % 256 - 128, "b": number % 256, "h": 65_535, "w": (1 << 32) - 1,
                "l": (1 << 64) - 1, "n": -number, "d": number / 7, "ok": number % 2 == 1, "name": "Ω",
            })
        chosen = self.read("d double, timestamp bigint", stream="imu")
        self.assertEqual(chosen.where("timestamp = 700").collect(), [(700 / 7, 700)])
        with self.assertRaisesRegex(Exception, "no column 'other'; it has timestamp, i, b"):
            self.read("other int", stream="imu").collect()

    def test_payloads_in_nanoseconds_with_keys(self):
        before = -1_500
        with self.make(time_unit="ns").writer().create_context("log") as context:
            for key in range(3):
                context.write(bytes([key]) * key, before, key=key)
            context.write(b"later", 2_000)
        frame = self.read(key="true")
        self.assertEqual([tuple(row) for row in sorted(frame.collect())],
                         [("log", before, key, bytes([key]) * key) for key in range(3)] + [("log", 2_000, 0, b"later")])
        rounded = self.read("timestamp timestamp")
        for rounded in (rounded, self.read("timestamp timestamp", pushdown="true")):
            self.assertEqual(rounded.where(functions.col("timestamp") == moment(-2)).count(), 3)
        rounded = self.read("timestamp timestamp", pushdown="true")
        self.assertEqual(rounded.where(functions.col("timestamp") > moment(-2)).count(), 1)
        with self.assertRaisesRegex(Exception, "'blocks' is 1 or more, and '0' is not"):
            self.read(blocks=0)


class PlanTest(StoreTest):
    """What needs no cluster."""

    def test_frames_recycled_since_the_plan(self):
        dtype = numpy.dtype([("x", "<f8")])
        with self.make(blocks=4).writer().create_context("t", dtype) as context:
            context.write_batch(numpy.arange(200), numpy.zeros(200, dtype))
            read = source.NanoTSDataSource({"path": self.path})
            reader = read.reader(read.schema())
            partitions = reader.partitions()
            self.assertEqual(sum(len(batch) for batch in reader.read(partitions[0])), 200)
            context.write_batch(numpy.arange(1000, 3000), numpy.zeros(2000, dtype))
            words = "of 200 frames of stream 't' of .* from 0 to 199, 0 were there still"
            with self.assertRaisesRegex(nanots.OverwrittenError, words):
                list(reader.read(partitions[0]))

    def test_what_is_refused(self):
        store = self.make()
        with store.writer().create_context("log") as context:
            context.write(b"x", 1)
        path = {"path": self.path}
        for options, kind, words in (
            ({}, nanots.InvalidArgumentError, "'path' says which stores are read"),
            ({"path": self.path + "x"}, nanots.NotFoundError, "no store .*test.ntsx"),
            ({**path, "stream": "none"}, nanots.NotFoundError, "no frames of a stream none"),
            ({**path, "blocks": "0"}, nanots.InvalidArgumentError, "'blocks' is 1 or more, and '0' is not"),
            ({**path, "blocks": "many"}, nanots.InvalidArgumentError, "'blocks' is 1 or more, and 'many' is not"),
            ({**path, "key": "yes"}, nanots.InvalidArgumentError, "'key' is 'true' or 'false', and 'yes' is not"),
            ({**path, "start": "noon"}, nanots.InvalidArgumentError, "'start' is a whole number or .* and 'noon' is not"),
            ({**path, "end": str(1 << 63)}, nanots.InvalidArgumentError, "'end' .* does not fit into 64 bits"),
            ({**path, "start": "2", "end": "1"}, nanots.InvalidArgumentError, "from 2 to 1 ends before it begins"),
            ({**path, "color": "red"}, nanots.InvalidArgumentError, "no option 'color'; options are path, stream"),
        ):
            with self.subTest(options), self.assertRaisesRegex(kind, words):
                source.NanoTSDataSource(options).schema()
        with store.writer().create_context("imu", numpy.dtype([("x", "<f4")])) as context:
            context.write_batch([1], numpy.zeros(1, [("x", "<f4")]))
        with self.assertRaisesRegex(nanots.InvalidArgumentError, "one layout and one unit.*'imu' of .*x: f32 at 0.*no layout"):
            source.NanoTSDataSource(path).schema()
        self.assertEqual(source.NanoTSDataSource({**path, "stream": "l*"}).schema().names, ["stream", "timestamp", "payload"])

    def test_filters_narrow_outwards_and_what_is_not_known_says_nothing(self):
        from pyspark.sql import datasource as filters

        at = ("timestamp",)
        for given, unit, wanted in (
            ([filters.GreaterThan(at, moment(1_500)), filters.LessThanOrEqual(at, moment(2_500))], 2, (1, 3)),
            ([filters.EqualTo(at, moment(-1))], 0, (-1000, -1)),
            ([filters.EqualTo(at, moment(-1))], 3, (-1, 0)),
            ([filters.In(at, (5, 3, None)), filters.LessThan(at, 100)], 1, (3, 5)),
            ([filters.GreaterThan(at, 9), filters.GreaterThan(at, 4)], 1, (9, (1 << 63) - 1)),
            ([filters.Not(filters.EqualTo(at, 9)), filters.IsNotNull(at), filters.EqualTo(("x",), 9), filters.EqualTo(at, "9")],
             1, (-(1 << 63), (1 << 63) - 1)),
        ):
            with self.subTest(given):
                reader = source.PushdownReader(source.Options("p"), None)
                self.assertEqual(list(reader.pushFilters(given)), given)
                self.assertEqual(reader.bounds.range(unit), wanted)
        for given in (filters.EqualTo(at, None), filters.In(at, (None,)), filters.GreaterThan(at, 1 << 63)):
            reader = source.PushdownReader(source.Options("p"), None)
            reader.pushFilters([given])
            self.assertGreater(*reader.bounds.range(1))
        for given, wanted in ((filters.EqualTo(("stream",), "imu"), [True, False]),
                              (filters.In(("stream",), ("imu", "x")), [True, False]),
                              (filters.StringStartsWith(("stream",), "im"), [True, False]),
                              (filters.StringEndsWith(("stream",), "are"), [False, True]),
                              (filters.StringContains(("stream",), "m"), [True, False]),
                              (filters.Not(filters.EqualTo(("stream",), "imu")), [True, True])):
            reader = source.PushdownReader(source.Options("p"), None)
            reader.pushFilters([given])
            self.assertEqual([reader.names.match(name) for name in ("imu", "spare")], wanted)

    def test_names_that_differ_by_case(self):
        with self.make().writer().create_context("t", numpy.dtype([("x", "<f8"), ("Stream", "<f8")])) as context:
            context.write(bytes(16), 1)
        with self.assertRaisesRegex(nanots.InvalidArgumentError, "'stream' and 'Stream'"):
            source.NanoTSDataSource({"path": self.path}).schema()
