"""Timestamps and datetimes. A unit is a number: 0 for ns, 1 for us, 2 for ms, 3 for s."""

PER_SECOND = (1_000_000_000, 1_000_000, 1_000, 1)


def timestamp(time, what, unit):
    """The timestamp of a datetime, or of NumPy's datetime64, rounded down."""
    from datetime import datetime, timedelta, timezone

    if isinstance(time, datetime):
        if time.tzinfo is None:
            time = time.replace(tzinfo=timezone.utc)
        microseconds = (time - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)
        return microseconds * PER_SECOND[unit] // 1_000_000
    if type(time).__name__ == "datetime64":
        return int(time.astype(f"datetime64[{('ns', 'us', 'ms', 's')[unit]}]").astype("int64"))
    raise TypeError(f"{what} is a whole number or a datetime, and {time!r} is neither")


def from_text(text, what, unit, fallback):
    """The timestamp that a text says: a whole number in the unit, or ISO 8601, which is in UTC where it names no zone."""
    from datetime import datetime

    from ._nanots import InvalidArgumentError
    from ._runs import HIGHEST, LOWEST

    if not text:
        return fallback
    # Before Python 3.11, the library knows no Z.
    iso = text[:-1] + "+00:00" if text.endswith("Z") else text
    try:
        time = int(text) if text.lstrip("-").isdecimal() else timestamp(datetime.fromisoformat(iso), what, unit)
    except ValueError:
        words = f"the option '{what}' is a whole number or a time in ISO 8601, and {text!r} is not"
        raise InvalidArgumentError(words) from None
    if not LOWEST <= time <= HIGHEST:
        raise InvalidArgumentError(f"the option '{what}' is {text!r}, which does not fit into 64 bits")
    return time


def datetime_of(timestamp, unit):
    """The datetime of a timestamp, in UTC, rounded down to microseconds."""
    from datetime import datetime, timedelta, timezone

    microseconds = timestamp * 1_000_000 // PER_SECOND[unit]
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=microseconds)
