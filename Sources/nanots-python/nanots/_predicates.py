"""What Spark's filters say of times and names, as far as that leaves out blocks. A filter is known by its class's name:
those of pyspark.sql.datasource have an `attribute` and, but for a few, a `value`."""

from datetime import datetime

from ._runs import HIGHEST, LOWEST
from ._times import timestamp

NANOSECONDS, MICROSECONDS = 0, 1


class Bounds:
    """A range of times, at first all. What is in it may match; what is not does not."""

    def __init__(self):
        self._bounds = []

    def narrow(self, filter):
        kind = type(filter).__name__
        if kind in ("EqualTo", "EqualNullSafe", "GreaterThan", "GreaterThanOrEqual"):
            self._bounds.append((True, [filter.value]))
        if kind in ("EqualTo", "EqualNullSafe", "LessThan", "LessThanOrEqual"):
            self._bounds.append((False, [filter.value]))
        if kind == "In":
            self._bounds += [(True, list(filter.value)), (False, list(filter.value))]

    def range(self, unit):
        """The range in a store's unit, both ends included; the first is above the last where nothing matches."""
        first, last = LOWEST, HIGHEST
        for is_lower, values in self._bounds:
            ends = [_end(value, unit, is_lower) for value in values if value is not None]
            # Of a kind that is not known: it says nothing.
            if None in ends:
                continue
            # A comparison with NULL holds for no row.
            if not ends:
                return HIGHEST, LOWEST
            if is_lower:
                first = max(first, min(ends))
            else:
                last = min(last, max(ends))
        return (first, last) if first <= HIGHEST and last >= LOWEST else (HIGHEST, LOWEST)


def _end(value, unit, is_lower):
    """A time that the stored ones are compared with, rounded outwards to the store's unit. None if it is no time."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, datetime):
        return None
    microseconds = timestamp(value, "timestamp", MICROSECONDS)
    if unit == NANOSECONDS:
        return microseconds * 1000 + (0 if is_lower else 999)
    per_unit = (1, 1, 1_000, 1_000_000)[unit]
    return microseconds // per_unit if is_lower else -(-microseconds // per_unit)


class Names:
    """Names of streams, at first all."""

    _TESTS = {
        "EqualTo": lambda name, value: name == value,
        "EqualNullSafe": lambda name, value: name == value,
        "In": lambda name, value: name in value,
        "StringStartsWith": str.startswith,
        "StringEndsWith": str.endswith,
        "StringContains": lambda name, value: value in name,
    }

    def __init__(self):
        self._tests = []

    def narrow(self, filter):
        test = self._TESTS.get(type(filter).__name__)
        if test is not None and filter.value is not None:
            self._tests.append((test, filter.value))

    def match(self, name):
        return all(test(name, value) for test, value in self._tests)
