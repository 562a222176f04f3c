"""An embedded time-series engine: one file, one writer per stream, any number of readers in any process.

Writer, Reader and Iterator are what most programs need; Store has all options. Times are whole numbers in the store's
unit, and wherever one is taken a datetime may be given instead.
"""

from . import _nanots
from ._nanots import *  # noqa: F403 - the types, functions and exceptions of the module in C
from ._columns import Columns, read as _read, to_arrow as _to_arrow
from ._nanots import __version__
from .layout import RecordField, RecordLayout
from ._times import datetime_of as _datetime_of, timestamp as _timestamp

_UNITS = ("ns", "us", "ms", "s")


class Reader(_nanots.Reader):
    """Reader(filename)

    Answers questions and reads ranges. Usable from any number of threads.
    """

    __slots__ = ()

    def read_numpy(self, stream, start_timestamp, end_timestamp, dtype, *, copy=True):
        """Reads a range into arrays, with no Python work for each frame.

        Every frame has to have the size of an item of `dtype`, else ValueError. Returns Columns: the timestamps as int64,
        and the payloads as an array of `dtype`.

        With copy=False, and where the range lies in one block, the arrays are views into the store, which a writer may
        recycle: ask `intact` after what was done with them. Otherwise they are copies that were checked, and a range of
        which frames were recycled meanwhile raises OverwrittenError.
        """
        return _read(self, stream, start_timestamp, end_timestamp, dtype, copy)

    def to_arrow(self, stream, start_timestamp, end_timestamp, dtype):
        """Reads a range into a pyarrow.Table: `timestamp`, in the store's unit and UTC, and a column for each field of
        `dtype`, or `value` when it has none. `.to_pandas()` of it gives a DataFrame."""
        return _to_arrow(self, stream, start_timestamp, end_timestamp, dtype)

    def read_records(self, stream, start_timestamp, end_timestamp, *, segment=None):
        """Reads a range into a NumPy array of records, decoded by the layout in the stream's metadata, with no Python work
        for each frame: `timestamp`, as int64 in the store's unit, and the layout's fields.

        A bool is 0 or 1, and a text bytes without what follows its first zero byte, unless other fields lie over them.

        segment: the number of the one segment to read. Without it, segments of different layouts in the range raise
        InvalidArgumentError, with both; so does a stream without a layout. NotFoundError for a stream without frames;
        ValueError for a frame of another size than the layout says; OverwrittenError as for read_numpy. O(frames).
        """
        from ._records import read

        return read(self, stream, start_timestamp, end_timestamp, segment)

    def read_arrow(self, stream, start_timestamp, end_timestamp, columns=None, *, segment=None):
        """Reads a range into a pyarrow.Table, decoded by the layout in the stream's metadata: `timestamp`, in the store's
        unit and UTC, and a column for each field, with its unit under `unit` in the metadata of the column. Without a layout
        there is `payload`, of bytes.

        columns: the names of those that are wanted, in that order; InvalidArgumentError for one that is not there. Otherwise
        as read_records. ImportError without pyarrow.
        """
        from ._arrow import read

        return read(self, stream, start_timestamp, end_timestamp, columns, segment)


def to_datetime(timestamp, time_unit):
    """The datetime, in UTC, of a timestamp in 'ns', 'us', 'ms' or 's', rounded down to microseconds."""
    return _datetime_of(timestamp, _UNITS.index(time_unit))


def to_timestamp(time, time_unit):
    """The timestamp, in 'ns', 'us', 'ms' or 's', of a datetime, rounded down. One without a zone is in UTC."""
    return _timestamp(time, "time", _UNITS.index(time_unit))
