"""Record layouts: what the payloads of a stream's segment hold, field by field, as JSON in the segment's metadata.

    {"byteCount":36,"byteOrder":"little","layout":[{"name":"ax","offset":0,"type":"f32","unit":"g"}, ...]}

Types: i8 i16 i32 i64 u8 u16 u32 u64 f32 f64, bool (one byte, 0 is false), and text, which has its "byteCount" beside it
(UTF-8; what follows the first zero byte is no part of it). Numbers are little-endian. NumPy is imported by the calls that
need it.
"""

from operator import index
from typing import NamedTuple
import unicodedata

from ._nanots import InvalidArgumentError

MOST_FIELDS = 1 << 16
MOST_TEXT_BYTES = 1 << 30
# What an item of a NumPy array can have.
MOST_DTYPE_BYTES = (1 << 31) - 1
INT64_MAX = (1 << 63) - 1

# The type as it is stored, and as NumPy writes it.
NUMBERS = {
    "i8": "<i1", "i16": "<i2", "i32": "<i4", "i64": "<i8", "u8": "<u1", "u16": "<u2", "u32": "<u4", "u64": "<u8",
    "f32": "<f4", "f64": "<f8", "bool": "?",
}
_OF_NUMPY = {text.lstrip("<").replace("?", "b1"): name for name, text in NUMBERS.items()}


class _Field(NamedTuple):
    name: str
    type: str
    offset: int
    unit: str
    byte_count: int


class RecordField(_Field):
    """RecordField(name, type, offset, unit='', byte_count=None)

    One field of a record. type: 'i8' to 'u64', 'f32', 'f64', 'bool', or 'text', which needs a byte_count of 1 to 2**30.
    offset: bytes from the payload's start. InvalidArgumentError for any other type or size.
    """

    __slots__ = ()

    def __new__(cls, name, type, offset, unit="", byte_count=None):
        if not isinstance(name, str) or not isinstance(unit, str):
            raise TypeError(f"name and unit of a field are a str each, and {name!r} and {unit!r} are not")
        offset = index(offset)
        if type == "text":
            if byte_count is None or not 1 <= byte_count <= MOST_TEXT_BYTES:
                raise InvalidArgumentError(
                    f"the text '{name}' has 1 to {MOST_TEXT_BYTES} bytes, and a byte_count of {byte_count} is given"
                )
        elif type in NUMBERS:
            size = 1 if type == "bool" else int(type[1:]) // 8
            if byte_count not in (None, size):
                raise InvalidArgumentError(f"field '{name}' of type {type} has {size} bytes, and {byte_count} are given")
            byte_count = size
        else:
            raise InvalidArgumentError(f"field '{name}' has the type {type!r}; types are {', '.join(NUMBERS)} and text")
        return super().__new__(cls, name, type, offset, unit, byte_count)

    @property
    def numpy(self):
        """The type as NumPy writes it, such as '<f4' or 'S16'."""
        return f"S{self.byte_count}" if self.type == "text" else NUMBERS[self.type]

    @property
    def described(self):
        """As in the errors: 'ax: f32 [g] at 0'."""
        type = f"text({self.byte_count})" if self.type == "text" else self.type
        return f"{self.name}: {type}{f' [{self.unit}]' if self.unit else ''} at {self.offset}"


class RecordLayout:
    """RecordLayout(fields, byte_count=None)

    What a payload holds, field by field. Not changed after it was made; equal to another with the same fields and size.

    fields: RecordFields, or tuples of their arguments; 1 to 65,536, each with a name of its own, all within the payload.
    byte_count: bytes of a payload; None for where the last field ends. InvalidArgumentError, which names the field, when
    something of this does not hold. O(fields).
    """

    __slots__ = {"fields": "A tuple of RecordFields.", "byte_count": "Bytes of a payload."}

    def __init__(self, fields, byte_count=None):
        fields = tuple(field if isinstance(field, RecordField) else RecordField(*field) for field in fields)
        if not 1 <= len(fields) <= MOST_FIELDS:
            raise InvalidArgumentError(
                f"a record layout has {len(fields)} fields; the least is 1 and the most {MOST_FIELDS}"
            )
        names = set()
        for field in fields:
            end = field.offset + field.byte_count
            if field.offset < 0 or end > (INT64_MAX if byte_count is None else byte_count):
                raise InvalidArgumentError(
                    f"field '{field.name}' of {field.byte_count} bytes at {field.offset} lies outside the record"
                    + ("" if byte_count is None else f" of {byte_count} bytes")
                )
            # Composed, since other programs hold two ways of writing one text for the same.
            name = unicodedata.normalize("NFC", field.name)
            if name in names:
                raise InvalidArgumentError(
                    f"two fields of a record are called '{field.name}'; each needs its own name"
                )
            names.add(name)
        object.__setattr__(self, "fields", fields)
        size = max(field.offset + field.byte_count for field in fields) if byte_count is None else byte_count
        object.__setattr__(self, "byte_count", size)

    def __setattr__(self, name, value):
        raise AttributeError("a RecordLayout is not changed; make another")

    def __reduce__(self):
        return RecordLayout, (self.fields, self.byte_count)

    def __eq__(self, other):
        if not isinstance(other, RecordLayout):
            return NotImplemented
        return (self.fields, self.byte_count) == (other.fields, other.byte_count)

    def __hash__(self):
        return hash((self.fields, self.byte_count))

    def __str__(self):
        return f"{self.byte_count} bytes: {', '.join(field.described for field in self.fields)}"

    def __repr__(self):
        return f"<RecordLayout of {self}>"

    @property
    def names(self):
        """The fields' names, in their order."""
        return [field.name for field in self.fields]

    def without_units(self):
        """The same, with what decides where a value lies alone: units are for people."""
        return RecordLayout([field._replace(unit="") for field in self.fields], self.byte_count)

    # ------------------------------------------------------------------------------------------------------- metadata

    @classmethod
    def from_metadata(cls, text):
        """The layout in a segment's metadata. None where it says something else, or nothing that can be believed: offsets
        that overflow, too many fields, types of a later release. Raises nothing, whatever str it is. O(length)."""
        from ._layout_document import layout_of

        return layout_of(text)

    @property
    def metadata(self):
        """The text to give to a writer as its segment's metadata."""
        from ._layout_document import text_of

        return text_of(self)

    # ---------------------------------------------------------------------------------------------------------- NumPy

    @classmethod
    def from_dtype(cls, dtype, units={}):
        """The layout of an array's items. A dtype without fields becomes one field, called `value`.

        units: of fields by name. InvalidArgumentError, with the field and its type, for what no layout tells: objects,
        complex numbers, datetimes, half and long floats, big-endian numbers, fields within fields and arrays as fields.
        """
        import numpy

        dtype = numpy.dtype(dtype)
        if dtype.names is None:
            described = {"value": (dtype, 0)}
        else:
            described = {name: dtype.fields[name][:2] for name in dtype.names}
        strange = [name for name in units if name not in described]
        if strange:
            raise InvalidArgumentError(f"a unit is given for '{strange[0]}', and the fields are {', '.join(described)}")
        return cls(
            [_field_of(name, kind, offset, units.get(name, "")) for name, (kind, offset) in described.items()],
            dtype.itemsize,
        )

    def dtype(self):
        """The layout as a NumPy dtype with the same offsets and size; a text of n bytes is 'S<n>', a bool '?'.

        InvalidArgumentError for a layout of more than 2**31 - 1 bytes, or with a field that has no name, which no dtype has.
        """
        import numpy

        if self.byte_count > MOST_DTYPE_BYTES:
            raise InvalidArgumentError(
                f"a record of {self.byte_count} bytes is more than an item of an array has, which is {MOST_DTYPE_BYTES}"
            )
        if "" in self.names:
            raise InvalidArgumentError("a field of the layout has no name, which an array's fields need")
        return numpy.dtype(
            {
                "names": self.names,
                "formats": [field.numpy for field in self.fields],
                "offsets": [field.offset for field in self.fields],
                "itemsize": self.byte_count,
            }
        )


def _field_of(name, dtype, offset, unit):
    told = dtype.str.lstrip("<|=")
    if dtype.kind == "S" and dtype.itemsize > 0 and dtype.subdtype is None:
        return RecordField(name, "text", offset, unit, dtype.itemsize)
    if dtype.names is not None or dtype.subdtype is not None or told not in _OF_NUMPY:
        raise InvalidArgumentError(
            f"field '{name}' has the type {dtype}, which no record layout tells; there are whole numbers of 1, 2, 4 and 8"
            " bytes, floats of 4 and 8, bool and texts ('S<bytes>'), all little-endian"
        )
    return RecordField(name, _OF_NUMPY[told], offset, unit)


# ------------------------------------------------------------------------------------------------------------- writing


def taken(metadata):
    """What Writer.create_context was given as metadata: the text to store, and the layout in it, or None. TypeError for
    what is none of a str, a RecordLayout and a NumPy dtype."""
    import sys

    if isinstance(metadata, str):
        return metadata, RecordLayout.from_metadata(metadata)
    if isinstance(metadata, RecordLayout):
        return metadata.metadata, metadata
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(metadata, numpy.dtype):
        layout = RecordLayout.from_dtype(metadata)
        return layout.metadata, layout
    raise TypeError(f"metadata is a str, a RecordLayout or a NumPy dtype, and {metadata!r} is none")


def check(layout, dtype):
    """Sees to it that an array of `dtype` holds what the segment's layout says, but for units: else InvalidArgumentError,
    with both."""
    try:
        given = RecordLayout.from_dtype(dtype)
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"the segment holds {layout}, and of the array {error}") from None
    if given != layout.without_units():
        raise InvalidArgumentError(f"the segment holds {layout}, and the array {given}")
