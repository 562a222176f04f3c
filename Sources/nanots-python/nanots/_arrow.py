"""Ranges of a stream as Arrow record batches, each bounded in memory."""

from ._columns import UNIT_NAMES
from ._nanots import InvalidArgumentError
from ._records import TIME, column, fill
from ._runs import at, check_count, chosen, split

# The column of what is no record.
PAYLOAD = "payload"
# Payload bytes of a batch, about. Its columns take as many again.
BATCH_BYTES = 32 << 20
MOST_ROW_BYTES = 1 << 30

_TYPES = {"i8": "int8", "i16": "int16", "i32": "int32", "i64": "int64", "u8": "uint8", "u16": "uint16", "u32": "uint32",
          "u64": "uint64", "f32": "float32", "f64": "float64", "bool": "bool_", "text": "string"}


def library():
    """pyarrow; ImportError that says how to get it where it is not there."""
    try:
        import pyarrow
    except ImportError as error:
        raise ImportError(f"this needs pyarrow, which cannot be imported ({error}): pip install 'nanots[arrow]'") from None
    return pyarrow


def read(reader, stream, first, last, columns, segment):
    """As Reader.read_arrow."""
    pyarrow = library()
    parts, layout = chosen(reader, stream, first, last, segment)
    schema = schema_of(stream, layout, reader._unit, columns)
    return pyarrow.Table.from_batches(batches(reader, stream, parts, layout, schema), schema)


def schema_of(stream, layout, unit, columns=None):
    """`timestamp` and a column for each field, with its unit in the column's metadata; without a layout, `payload`.
    InvalidArgumentError for a column that is not there."""
    pyarrow = library()
    known = [pyarrow.field(TIME, pyarrow.timestamp(UNIT_NAMES[unit], "UTC"))]
    if layout is None:
        known.append(pyarrow.field(PAYLOAD, pyarrow.binary()))
    else:
        if TIME in layout.names:
            raise InvalidArgumentError(
                f"the layout of stream '{stream}' has a field called '{TIME}', which is the name of the column of times"
            )
        for field in layout.fields:
            metadata = {"unit": field.unit} if field.unit else None
            known.append(pyarrow.field(field.name, getattr(pyarrow, _TYPES[field.type])(), metadata=metadata))
    by_name = {field.name: field for field in known}
    for name in by_name if columns is None else columns:
        if name not in by_name:
            raise InvalidArgumentError(f"stream '{stream}' has no column {name!r}; it has {', '.join(by_name)}")
    schema = pyarrow.schema(known if columns is None else [by_name[name] for name in columns])
    size = _row_bytes(layout, schema)
    if size > MOST_ROW_BYTES:
        raise InvalidArgumentError(
            f"the columns of stream '{stream}' take {size} bytes of a row, and the most are {MOST_ROW_BYTES}; choose some"
        )
    return schema


def batches(reader, stream, parts, layout, schema, makers={}, with_keys=False):
    """The frames of the parts as record batches of the schema, in order, none of more than about BATCH_BYTES.

    makers: for columns that are to be otherwise, or are no fields, functions that make one from (timestamps, keys). Keys are
    None unless they are read, which takes a step for each frame.
    """
    pyarrow = library()
    fields = {field.name: field for field in layout.fields} if layout else {}
    row_bytes = _row_bytes(layout, schema)
    for timestamps, payloads, keys in _pieces(reader, stream, parts, layout, row_bytes, with_keys):
        arrays = []
        for wanted in schema:
            if wanted.name in makers:
                arrays.append(makers[wanted.name](timestamps, keys))
            elif wanted.name == TIME:
                arrays.append(pyarrow.array(timestamps, pyarrow.int64()).cast(wanted.type))
            elif layout is None:
                arrays.append(pyarrow.array(payloads, wanted.type))
            else:
                arrays.append(_array(fields[wanted.name], payloads))
        yield pyarrow.RecordBatch.from_arrays(arrays, schema=schema)


def _row_bytes(layout, schema):
    """What the columns of fields take of a row: more than the payload, where they lie over each other."""
    names = set(schema.names)
    return sum(field.byte_count for field in layout.fields if field.name in names) if layout else 0


def _pieces(reader, stream, parts, layout, row_bytes, with_keys):
    if layout is None:
        for part in parts:
            yield from _frames(reader, stream, part)
        return
    rows = max(1, BATCH_BYTES // max(layout.byte_count, row_bytes))
    for part in parts:
        blocks = max(1, rows * part.blocks // part.frames)
        found = 0
        for run in split(reader, stream, part, blocks, rows):
            piece = fill(reader, stream, run.first, run.last, layout.byte_count, part.filter, with_keys)
            check_count(stream, run, len(piece[0]))
            found += len(piece[0])
            yield piece
        # Runs are of what is there when the part's turn comes, which a writer may have taken before.
        check_count(stream, part, found)


def _frames(reader, stream, part):
    """What is no record, frame by frame: sizes differ."""
    timestamps, payloads, keys, size, count = [], [], [], 0, 0
    with reader._iterator(stream) as iterator:
        frame = at(iterator, part.first)
        while frame is not None and frame.timestamp <= part.last:
            if not part.is_shared or frame.segment == part.segment:
                data = frame.data
                timestamps.append(frame.timestamp)
                keys.append(frame.key)
                payloads.append(data)
                size += len(data)
                count += 1
            if size >= BATCH_BYTES or len(timestamps) * 16 >= BATCH_BYTES:
                yield timestamps, payloads, keys
                timestamps, payloads, keys, size = [], [], [], 0
            frame = iterator.next_frame()
    check_count(stream, part, count)
    if timestamps:
        yield timestamps, payloads, keys


def _array(field, data):
    pyarrow = library()
    values = column(field, data)
    if field.type != "text":
        return pyarrow.array(values)
    texts = pyarrow.array(values, pyarrow.binary())
    try:
        return texts.cast(pyarrow.string())
    except pyarrow.ArrowInvalid:
        # No UTF-8: what is none of it becomes U+FFFD, as everywhere else.
        return pyarrow.array([text.decode("utf-8", "replace") for text in values.tolist()], pyarrow.string())
