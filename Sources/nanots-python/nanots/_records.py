"""Ranges of a stream as records, decoded as the segments say: arrays with a column for each field."""

from ._nanots import InvalidArgumentError
from ._runs import check_count, chosen, first_of

TIME = "timestamp"


def fill(reader, stream, first, last, byte_count, segment=None, with_keys=False):
    """Timestamps, payloads as rows of bytes, and keys or None, of a range in which all frames have `byte_count` bytes.
    ValueError for one that has not, OverwrittenError when frames were recycled meanwhile."""
    import numpy

    room = reader.count(stream, first, last)
    # Before room is made for so many: the size is only what somebody's metadata says.
    _check_size(reader, stream, first, last, byte_count, segment)
    timestamps = numpy.empty(room, numpy.int64)
    data = numpy.empty((room, byte_count), numpy.uint8)
    keys = numpy.empty(room, numpy.int64) if with_keys else None
    count = reader._fill_columns(stream, first, last, byte_count, timestamps, data, keys, segment)
    return timestamps[:count], data[:count], None if keys is None else keys[:count]


def _check_size(reader, stream, first, last, byte_count, segment):
    with reader._iterator(stream) as iterator:
        frame = first_of(iterator, -1 if segment is None else segment, first)
        if frame is not None and frame.timestamp <= last and len(frame) != byte_count:
            raise ValueError(
                f"the frame at {frame.timestamp} has {len(frame)} bytes, and the layout of stream '{stream}' {byte_count}"
            )


def read(reader, stream, first, last, segment):
    """As Reader.read_records."""
    import numpy

    parts, layout = chosen(reader, stream, first, last, segment)
    if layout is None:
        said = f"{parts[0].metadata[:200]!r}" if parts else "nothing of records"
        raise InvalidArgumentError(f"stream '{stream}' has no record layout: its metadata says {said}")
    dtype = _with_time(layout)
    pieces = []
    for part in parts:
        timestamps, data, _ = fill(reader, stream, part.first, part.last, layout.byte_count, part.filter)
        check_count(stream, part, len(timestamps))
        piece = numpy.zeros(len(timestamps), dtype)
        rows = piece.view(numpy.uint8).reshape(len(piece), dtype.itemsize)
        rows[:, :8] = timestamps[:, None].view(numpy.uint8)
        rows[:, 8 : 8 + layout.byte_count] = data
        _tidy(layout, rows[:, 8:])
        pieces.append(piece)
    if len(pieces) == 1:
        return pieces[0]
    return numpy.concatenate(pieces) if pieces else numpy.zeros(0, dtype)


def _with_time(layout):
    """The layout's dtype behind a column of times. Items begin at multiples of 8 bytes, so that times are read fast."""
    import numpy

    if TIME in layout.names:
        raise InvalidArgumentError(
            f"the layout has a field called '{TIME}', which is the name of the column of times; use read_numpy with its dtype()"
        )
    payload = layout.dtype()
    return numpy.dtype(
        {
            "names": [TIME, *layout.names],
            "formats": ["<i8", *(field.numpy for field in layout.fields)],
            "offsets": [0, *(8 + field.offset for field in layout.fields)],
            "itemsize": (8 + payload.itemsize + 7) // 8 * 8,
        }
    )


def _tidy(layout, rows):
    """Makes of each bool 0 or 1, and of what follows a text's first zero byte zeros, as NumPy has them. Fields that lie over
    others are left as they are: their bytes are other fields' as well."""
    for field in _apart(layout):
        cells = rows[:, field.offset : field.offset + field.byte_count]
        if field.type == "bool":
            cells[:] = cells != 0
        elif field.type == "text":
            cells[:] = clean(cells)


def clean(cells):
    """Rows of bytes with zeros from the first zero on."""
    import numpy

    return numpy.where(numpy.logical_or.accumulate(cells == 0, axis=1), 0, cells).astype(numpy.uint8, copy=False)


def _apart(layout):
    """The fields whose bytes are no other field's. O(fields * log(fields))."""
    fields = sorted(layout.fields, key=lambda field: field.offset)
    end = 0
    for place, field in enumerate(fields):
        behind = fields[place + 1].offset if place + 1 < len(fields) else layout.byte_count
        if end <= field.offset and field.offset + field.byte_count <= behind:
            yield field
        end = max(end, field.offset + field.byte_count)


def column(field, data):
    """The values of a field as an array, from payloads as rows of bytes. Texts are bytes without what follows a zero."""
    import numpy

    cells = numpy.ascontiguousarray(data[:, field.offset : field.offset + field.byte_count])
    if field.type == "bool":
        return cells[:, 0] != 0
    if field.type == "text":
        cells = clean(cells)
    return cells.view(field.numpy)[:, 0]
