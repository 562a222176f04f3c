"""Ranges of a stream as NumPy arrays and Arrow tables. Both are imported when they are first needed."""

UNIT_NAMES = ("ns", "us", "ms", "s")


class Columns:
    """Timestamps and payloads of a range: `timestamps, values = columns` works as well."""

    __slots__ = {
        "timestamps": "An array of int64, in the store's unit.",
        "values": "An array of the payloads, of the dtype asked for.",
        "_source": "What says whether views are intact; None for copies.",
    }

    def __init__(self, timestamps, values, source):
        self.timestamps = timestamps
        self.values = values
        self._source = source

    @property
    def is_view(self):
        """Whether the arrays are views into the store."""
        return self._source is not None

    @property
    def intact(self):
        """Whether everything read from the arrays so far was these frames'. Copies always are."""
        return self._source is None or self._source.intact

    def __iter__(self):
        return iter((self.timestamps, self.values))

    def __len__(self):
        return len(self.timestamps)


def read(reader, stream, first, last, dtype, copy):
    import numpy

    dtype = numpy.dtype(dtype)
    if dtype.hasobject:
        raise TypeError(f"a dtype with Python objects, {dtype}, cannot be read from a store")
    if not copy:
        views = reader._view_columns(stream, first, last, dtype.itemsize)
        if views is not None:
            timestamps, data = (numpy.asarray(view) for view in views)
            return Columns(timestamps, data.view(dtype)[:, 0], views[1])
    room = reader.count(stream, first, last)
    timestamps = numpy.empty(room, numpy.int64)
    values = numpy.empty(room, dtype)
    count = reader._fill_columns(stream, first, last, dtype.itemsize, timestamps, values.view(numpy.uint8))
    return Columns(timestamps[:count], values[:count], None)


def to_arrow(reader, stream, first, last, dtype):
    import numpy
    import pyarrow

    timestamps, values = read(reader, stream, first, last, dtype, True)
    time_type = pyarrow.timestamp(UNIT_NAMES[reader._unit], "UTC")
    columns = {"timestamp": pyarrow.array(timestamps).cast(time_type)}
    if values.dtype.names is None:
        columns["value"] = bytes_array(values) if values.dtype.kind == "V" else pyarrow.array(values)
    else:
        for name in values.dtype.names:
            columns[name] = pyarrow.array(numpy.ascontiguousarray(values[name]))
    return pyarrow.table(columns)


def bytes_array(values):
    import pyarrow

    return pyarrow.Array.from_buffers(pyarrow.binary(values.itemsize), len(values), [None, pyarrow.py_buffer(values)])
