"""The JSON of a record layout. Nothing in it is believed: metadata is whatever the writer of a segment gave."""

import json
import math
import re

from ._nanots import InvalidArgumentError
from .layout import INT64_MAX, MOST_FIELDS, RecordField, RecordLayout

# Of the fields that one group stands for, together: a long name would otherwise be there once for each of many fields.
MOST_NAME_CHARACTERS = 1 << 24

# Objects and lists in each other, the document itself among them. Other programs' parsers go no deeper.
DEEPEST_NESTING = 512
# More digits than any whole number that a layout may have.
MOST_DIGITS = 20

# A text, whether it ends or not, or a bracket.
_MARKS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)


class _Strange(Exception):
    """The text is no record layout."""


def layout_of(text):
    """The layout that the text tells, or None."""
    if not text.startswith("{"):
        return None
    try:
        _check_nesting(text)
        return _layout(json.loads(text, object_pairs_hook=_firsts, parse_constant=_refuse, parse_int=_integer))
    # Besides what says so: no JSON, or half of a surrogate pair (ValueError), and, for a caller that is deep in calls of its
    # own, brackets in brackets.
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


def _check_nesting(text):
    # So few brackets cannot be too deep: most layouts are not looked through.
    if text.count("{") + text.count("[") <= DEEPEST_NESTING:
        return
    depth = 0
    for mark in _MARKS.finditer(text):
        if mark[0] in ("[", "{"):
            depth += 1
            if depth > DEEPEST_NESTING:
                raise _Strange
        elif mark[0] in ("]", "}"):
            depth -= 1


def _firsts(pairs):
    """Of several values of one key the first one counts, as RecordLayouts.md says."""
    return dict(reversed(pairs))


def _integer(digits):
    """A number of many digits stands where nobody looks at it, or makes the text no layout: as a float, it is refused in each
    place. An int of so many may be refused already where it is read."""
    return int(digits) if len(digits) <= MOST_DIGITS else float(digits)


def _layout(document):
    _check_keys(document)
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
        _check_keys(item)
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
    if labels is not None:
        labels = [_checked(label) for label in labels]
    if not 0 <= count <= limit or count * len(inner) > limit:
        raise _Strange
    if labels is not None and len(labels) != count:
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
    _check_keys(item)
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


def _check_keys(item):
    """_Strange for what is no object, ValueError for one with half of a surrogate pair in a key."""
    if not isinstance(item, dict):
        raise _Strange
    for key in item:
        key.encode()


def _value(item, key, optional):
    if key not in item and not optional:
        raise _Strange
    return item.get(key)


def _text(item, key, optional=False):
    text = _value(item, key, optional)
    return None if text is None and optional else _checked(text)


def _checked(text):
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
