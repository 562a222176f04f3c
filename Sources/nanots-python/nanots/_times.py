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


def datetime_of(timestamp, unit):
    """The datetime of a timestamp, in UTC, rounded down to microseconds."""
    from datetime import datetime, timedelta, timezone

    microseconds = timestamp * 1_000_000 // PER_SECOND[unit]
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=microseconds)
