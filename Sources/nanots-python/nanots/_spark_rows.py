"""A run of a stream's blocks as rows of Spark."""

from pyspark.sql.types import (
    BinaryType, BooleanType, ByteType, DecimalType, DoubleType, FloatType, IntegerType, LongType, ShortType, StringType,
    StructField, StructType, TimestampType,
)

from ._arrow import PAYLOAD, batches, library, schema_of
from ._columns import UNIT_NAMES
from ._nanots import InvalidArgumentError
from ._records import TIME
from ._runs import common_layout

STORE, STREAM, KEY = "store", "stream", "key"
NANOSECONDS, MICROSECONDS = 0, 1
# Spark has no unsigned numbers: each gets a type that has all its values.
_TYPES = {
    "i8": ByteType(), "i16": ShortType(), "i32": IntegerType(), "i64": LongType(), "u8": ShortType(), "u16": IntegerType(),
    "u32": LongType(), "u64": DecimalType(20, 0), "f32": FloatType(), "f64": DoubleType(), "bool": BooleanType(),
    "text": StringType(),
}


def columns_of(layout, unit, extra):
    """The columns of streams of that layout and unit, and those that are asked for besides."""
    columns = [StructField(STORE, StringType())] if STORE in extra else []
    columns += [StructField(STREAM, StringType()),
                StructField(TIME, LongType() if unit == NANOSECONDS else TimestampType())]
    if KEY in extra:
        columns.append(StructField(KEY, LongType()))
    if layout is None:
        columns.append(StructField(PAYLOAD, BinaryType()))
    else:
        columns += [StructField(field.name, _TYPES[field.type], True, {"unit": field.unit} if field.unit else {})
                    for field in layout.fields]
    taken = {}
    for column in columns:
        # Spark does not tell names apart by case.
        other = taken.get(column.name.lower())
        if other is not None:
            raise InvalidArgumentError(f"two columns would be called '{other}' and '{column.name}', which Spark holds for one")
        taken[column.name.lower()] = column.name
    return StructType(columns)


def rows_of(reader, path, stream, parts, wanted, extra):
    """The frames as record batches with the columns, and of the types, that Spark expects."""
    pyarrow = library()
    layout = common_layout(stream, parts)
    target = pyarrow.schema([pyarrow.field(field.name, _arrow_type(field)) for field in wanted])
    makers = {
        STREAM: lambda timestamps, keys: pyarrow.repeat(stream, len(timestamps)),
        TIME: lambda timestamps, keys: _times(timestamps, reader._unit, target.field(TIME).type),
    }
    if STORE in extra:
        makers[STORE] = lambda timestamps, keys: pyarrow.repeat(path, len(timestamps))
    if KEY in extra:
        makers[KEY] = lambda timestamps, keys: pyarrow.array(keys, pyarrow.int64())
    stored = schema_of(stream, layout, reader._unit, [name for name in target.names if name not in makers])
    schema = pyarrow.schema([field if field.name in makers else stored.field(field.name) for field in target])
    for batch in batches(reader, stream, parts, layout, schema, makers, with_keys=KEY in extra):
        arrays = [column.cast(field.type) for column, field in zip(batch.columns, target)]
        yield pyarrow.RecordBatch.from_arrays(arrays, schema=target)


def _times(timestamps, unit, wanted):
    import numpy

    pyarrow = library()
    timestamps = numpy.asarray(timestamps, numpy.int64)
    if pyarrow.types.is_timestamp(wanted) and unit == NANOSECONDS:
        # Rounded down also before 1970, as the bounds that are pushed down are.
        timestamps, unit = timestamps // 1000, MICROSECONDS
    if pyarrow.types.is_timestamp(wanted):
        return pyarrow.array(timestamps).cast(pyarrow.timestamp(UNIT_NAMES[unit], "UTC")).cast(wanted)
    return pyarrow.array(timestamps)


def _arrow_type(field):
    pyarrow = library()
    types = {
        "tinyint": pyarrow.int8(), "smallint": pyarrow.int16(), "int": pyarrow.int32(), "bigint": pyarrow.int64(),
        "float": pyarrow.float32(), "double": pyarrow.float64(), "boolean": pyarrow.bool_(), "string": pyarrow.string(),
        "binary": pyarrow.binary(), "timestamp": pyarrow.timestamp("us", "UTC"), "decimal(20,0)": pyarrow.decimal128(20, 0),
    }
    named = field.dataType.simpleString()
    if named not in types:
        raise InvalidArgumentError(f"column '{field.name}' cannot be read as {named}; types are {', '.join(types)}")
    return types[named]
