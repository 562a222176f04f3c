"""The JSON of a record layout. Nothing in it is believed: metadata is whatever the writer of a segment gave."""

import json
import math

from ._nanots import InvalidArgumentError
from .layout import INT64_MAX, MOST_FIELDS, RecordField, RecordLayout

# Of the fields that one group stands for, together: a long name would otherwise be there once for each of many fields.
MOST_NAME_CHARACTERS = 1 << 24


class _Strange(Exception):
    """The text is no record layout."""


def layout_of(text):
    """The layout that the text tells, or None."""
    if not text.startswith("{"):
        return None
    try:
        return _layout(json.loads(text, parse_constant=_refuse))
    # Besides what says so: no JSON, or numbers of too many digits (ValueError, which half of a surrogate pair raises too),
    # and brackets in brackets without end.
    except (_Strange, InvalidArgumentError, ValueError, RecursionError):
        return None


def text_of(layout):
    """The text that `layout_of` reads; the same bytes as other programs of this project write for the layout."""
    items = []
    for field in layout.fields:
        item = {"name": field.name, "offset": field.offset, "type": field.type}
        if field.type == "text":
            item["byteCount"] = field.byte_count
        if field.unit:
            item["unit"] = field.unit
        items.append(item)
    document = {"byteOrder": "little", "byteCount": layout.byte_count, "layout": items}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _refuse(word):
    raise _Strange(word)


def _layout(document):
    if _text(document, "byteOrder") != "little":
        raise _Strange
    # What is for people still has to be what it says: a text that other programs cannot read is no layout here either.
    _text(document, "source", optional=True)
    _whole(document, "ticksPerSecond", optional=True)
    rate = document.get("rateHz")
    if rate is not None and (isinstance(rate, bool) or not isinstance(rate, (int, float)) or not math.isfinite(rate)):
        raise _Strange
    fields = []
    for item in _list(document, "layout"):
        if not isinstance(item, dict):
            raise _Strange
        if "fields" in item:
            fields += _repeated(item, MOST_FIELDS - len(fields))
        elif len(fields) == MOST_FIELDS:
            raise _Strange
        else:
            fields.append(_field(_told(item), 0))
    return RecordLayout(fields, _whole(document, "byteCount", optional=True))


def _repeated(group, limit):
    """The fields of a group; at most `limit` of them, which is looked at before any is made."""
    name, count, stride, offset = _text(group, "name"), *(_whole(group, key) for key in ("count", "stride", "offset"))
    inner = [_told(item) for item in _list(group, "fields")]
    labels = _list(group, "labels", optional=True)
    if not 0 <= count <= limit or count * len(inner) > limit:
        raise _Strange
    if labels is not None and (len(labels) != count or not all(isinstance(label, str) for label in labels)):
        raise _Strange
    longest = max(len(label) for label in labels or [name]) + 8 if count else 0
    if count * sum(longest + len(told[0]) for told in inner) > MOST_NAME_CHARACTERS:
        raise _Strange
    fields = []
    for index in range(count):
        base = _int64(offset + _int64(stride * index))
        label = labels[index] if labels is not None else f"{name}{index}"
        fields += [_field((f"{label}.{told[0]}", *told[1:]), base) for told in inner]
    return fields


def _told(item):
    """Name, type, offset, unit and size of a field as they are written."""
    return (_text(item, "name"), _text(item, "type"), _whole(item, "offset"), _text(item, "unit", optional=True) or "",
            _whole(item, "byteCount", optional=True))


def _field(told, base):
    name, type, offset, unit, byte_count = told
    # Bound: a layout's fields end within 64 bits, which is looked at when it is made.
    return RecordField(name, type, base + offset, unit, byte_count)


def _int64(number):
    if not -INT64_MAX - 1 <= number <= INT64_MAX:
        raise _Strange
    return number


def _value(item, key, optional):
    if not isinstance(item, dict) or (key not in item and not optional):
        raise _Strange
    return item.get(key)


def _text(item, key, optional=False):
    text = _value(item, key, optional)
    if text is None and optional:
        return None
    if not isinstance(text, str):
        raise _Strange
    # A JSON text can name half of a surrogate pair, which no UTF-8 has: a ValueError.
    text.encode()
    return text


def _whole(item, key, optional=False):
    number = _value(item, key, optional)
    if number is None and optional:
        return None
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int):
        raise _Strange
    return _int64(number)


def _list(item, key, optional=False):
    items = _value(item, key, optional)
    if not isinstance(items, list) and not (optional and items is None):
        raise _Strange
    return items
