"""Stores as a data source of Spark, for PySpark 4:

    spark.dataSource.register(nanots.spark.NanoTSDataSource)
    spark.read.format("nanots").option("path", "/mnt/stores/*.nts").option("stream", "imu").load()

The package has to be installed, and the files have to be under the same path, on the driver and on every worker.

The options `start` and `end` choose a range of time, and blocks outside are not read. With `pushdown` the filters of a query
do that (PySpark 4.1 and later, with spark.sql.python.filterPushdown.enabled set to true). It is not the default, for Spark
(seen with 4.3.0) keeps one plan for a loaded DataFrame: a second query on it, or two differently filtered uses of it in one
query, silently get the rows of the plan that was made last. With `pushdown`, load anew for each use.
"""

from fnmatch import fnmatchcase
from glob import glob
import json
import os
from typing import NamedTuple

from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition

from . import Reader, guard_bus_errors
from ._columns import UNIT_NAMES
from ._nanots import InvalidArgumentError, NotFoundError
from ._predicates import Bounds, Names
from ._records import TIME
from ._runs import HIGHEST, LOWEST, check_count, common_layout, split, survey
from ._spark_rows import KEY, STORE, STREAM, columns_of, rows_of
from ._times import from_text

SECONDS = 3


class Options(NamedTuple):
    """What `option` takes, each as text."""

    # Stores: a path, or a pattern of paths.
    path: str
    # A name, or a pattern of names.
    stream: str = "*"
    # "true": a column `key`, which costs a step for each frame.
    key: str = "false"
    # "true": a column `store`, the path that a row comes from.
    store: str = "false"
    # The first and last timestamp, both included: whole numbers in the stores' unit, or ISO 8601, which is in UTC where it
    # names no zone and is rounded down to the unit.
    start: str = ""
    end: str = ""
    # "true": filters on `timestamp` and `stream` leave out blocks. Load anew for each use of what was loaded.
    pushdown: str = "false"
    # Blocks of a partition.
    blocks: str = "64"
    # A file, on the driver, that gets a line of JSON for each plan: stores, blocks, skipped_blocks, partitions.
    report: str = ""

    @classmethod
    def of(cls, given):
        strange = [name for name in given if name not in cls._fields]
        if strange:
            raise InvalidArgumentError(f"there is no option {strange[0]!r}; options are {', '.join(cls._fields)}")
        if "path" not in given:
            raise InvalidArgumentError("the option 'path' says which stores are read, and is not given")
        options = cls(**given)
        for name in ("key", "store", "pushdown"):
            if given.get(name, "false") not in ("true", "false"):
                raise InvalidArgumentError(f"the option '{name}' is 'true' or 'false', and {given[name]!r} is not")
        # In the coarsest unit: the stores' are not known yet.
        options.range(SECONDS)
        if not options.blocks.isdecimal() or int(options.blocks) < 1:
            raise InvalidArgumentError(f"the option 'blocks' is 1 or more, and {options.blocks!r} is not")
        return options

    def stores(self):
        # Workers have other working directories.
        path = os.path.abspath(self.path)
        paths = [path] if os.path.exists(path) else sorted(glob(path))
        if not paths:
            raise NotFoundError(f"there is no store {path}")
        return paths

    def range(self, unit):
        """From `start` to `end`, in the unit."""
        first, last = from_text(self.start, "start", unit, LOWEST), from_text(self.end, "end", unit, HIGHEST)
        if first > last:
            raise InvalidArgumentError(f"the range from {self.start} to {self.end} ends before it begins; swap the two")
        return first, last

    @property
    def extra(self):
        """The columns that are asked for."""
        return [name for name in (STORE, KEY) if getattr(self, name) == "true"]

    def streams(self, reader):
        names = reader.query_stream_tags(LOWEST, HIGHEST)
        return [self.stream] if self.stream in names else [name for name in names if fnmatchcase(name, self.stream)]


class NanoTSDataSource(DataSource):
    """Rows of `stream` and `timestamp`, with the options `store` and `key` also of these, and the fields of the streams'
    layout, or `payload` where they have none.

    `timestamp` is a timestamp where the stores count seconds, milliseconds or microseconds, and a whole number of nanoseconds
    where they count those, which Spark's timestamps cannot tell. A schema that is given to `spark.read` chooses columns; in
    it `timestamp` may also be a timestamp, rounded down, or the whole number that is stored.

    InvalidArgumentError, with both, for streams of different layouts or units of time. For options see Options.
    """

    @classmethod
    def name(cls):
        return "nanots"

    def schema(self):
        """From the metadata of every stream of every store."""
        return _schema(Options.of(dict(self.options)))

    def reader(self, schema):
        options = Options.of(dict(self.options))
        return (PushdownReader if options.pushdown == "true" else NanoTSReader)(options, schema)


class Partition(InputPartition):
    """A run of blocks: the frames of one segment in a range of time."""

    def __init__(self, path, stream, segment, run):
        super().__init__((path, stream, segment, run))


class NanoTSReader(DataSourceReader):
    """Plans the runs of blocks that can match, and reads them."""

    def __init__(self, options, schema):
        self.options = options
        self.schema = schema
        self.bounds = Bounds()
        self.names = Names()

    def partitions(self):
        stores = self.options.stores()
        blocks, planned, partitions = 0, 0, []
        for path in stores:
            with Reader(path) as reader:
                for stream in self.options.streams(reader):
                    blocks += sum(part.blocks for part in survey(reader, stream, LOWEST, HIGHEST))
                    for part in self._matching(reader, stream):
                        for run in split(reader, stream, part, int(self.options.blocks), HIGHEST):
                            planned += run.blocks
                            partitions.append(Partition(path, stream, part.segment, run))
        if self.options.report:
            figures = {"stores": len(stores), "blocks": blocks, "skipped_blocks": blocks - planned,
                       "partitions": len(partitions)}
            with open(self.options.report, "a") as file:
                file.write(json.dumps(figures) + "\n")
        return partitions

    def _matching(self, reader, stream):
        first, last = self.options.range(reader._unit)
        lowest, highest = self.bounds.range(reader._unit)
        first, last = max(first, lowest), min(last, highest)
        return survey(reader, stream, first, last) if self.names.match(stream) and first <= last else []

    def read(self, partition):
        # Spark asks for a partition of nothing where none was planned.
        if partition.value is None:
            return
        path, stream, segment, run = partition.value
        guard_bus_errors()
        with Reader(path) as reader:
            parts = [part for part in survey(reader, stream, run.first, run.last) if part.segment == segment]
            check_count(f"{stream}' of '{path}", run, sum(part.frames for part in parts))
            yield from rows_of(reader, path, stream, parts, self.schema, self.options.extra)


class PushdownReader(NanoTSReader):
    """One that filters narrow. Spark wants them to be enabled for every reader that can."""

    def pushFilters(self, filters):
        """Takes what is said of `timestamp` and `stream` to leave out what cannot match. Spark still looks at every row."""
        for each in filters:
            # That of a filter's opposite is none.
            attribute = getattr(each, "attribute", None)
            if attribute == (TIME,):
                self.bounds.narrow(each)
            elif attribute == (STREAM,):
                self.names.narrow(each)
        return filters


def _schema(options):
    known = None
    for path in options.stores():
        with Reader(path) as reader:
            for stream in options.streams(reader):
                parts = survey(reader, stream, LOWEST, HIGHEST)
                if not parts:
                    continue
                found = (path, stream, common_layout(stream, parts), reader._unit)
                if known is None:
                    known = found
                elif known[2:] != found[2:]:
                    raise InvalidArgumentError(
                        "streams are read together if they have one layout and one unit of time:"
                        f" {_described(*known)}; {_described(*found)}"
                    )
    if known is None:
        raise NotFoundError(f"the stores {options.path} have no frames of a stream {options.stream}")
    return columns_of(known[2], known[3], options.extra)


def _described(path, stream, layout, unit):
    return f"'{stream}' of {path} has times in {UNIT_NAMES[unit]} and {layout or 'no layout'}"
