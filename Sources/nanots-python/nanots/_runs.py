"""Which segments and blocks of a stream lie in a range, found without reading what they hold."""

from operator import index
from typing import NamedTuple

from ._nanots import InvalidArgumentError, NotFoundError, OverwrittenError
from ._times import timestamp
from .layout import RecordLayout

LOWEST, HIGHEST = -(1 << 63), (1 << 63) - 1


class Part(NamedTuple):
    """Frames of one segment between which no block is missing. Parts of a segment do not overlap in time."""

    segment: int
    metadata: str
    first: int
    last: int
    # Blocks and frames from the first frame to the last.
    blocks: int
    frames: int
    # Whether another segment has frames at the first or last timestamp, which only keys make possible: those are not to be
    # read with these.
    is_shared: bool

    @property
    def filter(self):
        """What Reader._fill_columns takes as the segment. To look at each frame's costs more than to look at none."""
        return self.segment if self.is_shared else None


class Run(NamedTuple):
    """A range of time within a part. Blocks are counted in the run in which they begin."""

    first: int
    last: int
    blocks: int
    frames: int


def whole(time, what, unit):
    """A time as the stores have it. HIGHEST and LOWEST bound what they can be compared with."""
    return index(time) if hasattr(time, "__index__") else timestamp(time, what, unit)


def survey(reader, stream, first, last):
    """The parts that have frames in [first, last], cut to it, oldest first. O(blocks of the stream)."""
    first, last = whole(first, "start_timestamp", reader._unit), whole(last, "end_timestamp", reader._unit)
    found = reader.query_contiguous_segments(stream, first, last)
    bounds = [(part["segment_id"], part["start_timestamp"], part["end_timestamp"]) for part in found]
    parts = []
    with reader._iterator(stream) as iterator:
        for place, (segment, begin, end) in enumerate(bounds):
            before = bounds[place - 1] if place > 0 else (None, None, None)
            after = bounds[place + 1] if place + 1 < len(bounds) else (None, None, None)
            if before[0] == segment and before[2] == begin:
                # The part before has all frames of this time.
                begin += 1
            is_shared = before[2] == begin or (after[0] != segment and after[1] == end)
            part = _part(iterator, segment, max(begin, first), min(end, last), is_shared)
            if part is not None:
                parts.append(part)
    return parts


def _part(iterator, segment, first, last, is_shared):
    newest = _last(iterator, segment, last)
    oldest = first_of(iterator, segment, first)
    if oldest is None or newest is None or oldest.segment != segment or oldest.ordinal > newest.ordinal:
        return None
    metadata = iterator.current_metadata()
    if metadata is None:
        raise OverwrittenError(f"the frames from {first} on were recycled while they were looked for")
    return Part(segment, metadata, oldest.timestamp, newest.timestamp,
                newest.block_sequence - oldest.block_sequence + 1, newest.ordinal - oldest.ordinal + 1, is_shared)


def at(iterator, time):
    """The first frame at or after the time, or None."""
    try:
        iterator.find(time, LOWEST)
    except NotFoundError:
        return None
    return iterator.borrow()


def first_of(iterator, segment, time):
    """The first frame at or after the time that is of the segment, or of a later one; or None."""
    frame = at(iterator, time)
    while frame is not None and frame.segment < segment:
        frame = iterator.next_frame()
    return frame


def _last(iterator, segment, time):
    """The segment's last frame at or before the time, or None."""
    if time == HIGHEST or at(iterator, time + 1) is None:
        iterator.last()
        frame = iterator.borrow() if iterator.valid() else None
    else:
        frame = iterator.prev_frame()
    while frame is not None and frame.segment > segment:
        frame = iterator.prev_frame()
    return frame if frame is not None and frame.segment == segment else None


def check_count(stream, part, found):
    """OverwrittenError where fewer frames of a part, or of a run, were read than there were."""
    if found < part.frames:
        raise OverwrittenError(
            f"of {part.frames} frames of stream '{stream}' from {part.first} to {part.last}, {found} were there still when they"
            " were read: a writer recycled the others; read a copy of the store"
        )


def split(reader, stream, part, blocks, rows):
    """Cuts a part into runs of so many blocks, but of no more than so many rows, each at least one timestamp long: frames
    of equal timestamp are not parted. O(runs * log(range of time)) steps, whatever the blocks hold."""
    with reader._iterator(stream) as iterator:
        start, end = first_of(iterator, part.segment, part.first), _last(iterator, part.segment, part.last)
        while start is not None and end is not None and start.timestamp <= end.timestamp:

            def is_beyond(frame):
                return frame.block_sequence >= start.block_sequence + blocks or frame.ordinal >= start.ordinal + rows

            boundary = None
            if is_beyond(end) and end.timestamp > start.timestamp:
                boundary = _bisect(iterator, start.timestamp, end.timestamp, is_beyond)
            if boundary is None:
                yield Run(start.timestamp, end.timestamp, end.block_sequence - start.block_sequence + 1,
                          end.ordinal - start.ordinal + 1)
                return
            yield Run(start.timestamp, boundary.timestamp - 1, boundary.block_sequence - start.block_sequence,
                      boundary.ordinal - start.ordinal)
            start = boundary


def _bisect(iterator, low, high, is_beyond):
    """The first frame of a timestamp above `low`, and at most `high`, that is beyond; that of `high` if none is."""
    while high - low > 1:
        middle = (low + high) // 2
        frame = at(iterator, middle)
        # Bound: `high` is a frame's timestamp. None: the frames were recycled, or the stream removed.
        if frame is None or is_beyond(frame):
            high = middle
        else:
            low = max(middle, min(frame.timestamp, high - 1))
    return at(iterator, high)


def common_layout(stream, parts):
    """The layout that all parts have; None where none has one. InvalidArgumentError, with both, where they differ."""
    known = None
    for part in parts:
        layout = RecordLayout.from_metadata(part.metadata)
        if known is None:
            known = (part, layout)
        elif known[1] != layout:
            raise InvalidArgumentError(
                f"stream '{stream}' holds different records in the range: {_described(*known)}; {_described(part, layout)};"
                " choose one by its segment"
            )
    return known[1] if known else None


def _described(part, layout):
    what = str(layout) if layout else f"no layout but {part.metadata[:200]!r}"
    return f"segment {part.segment}, from {part.first} to {part.last}, has {what}"


def chosen(reader, stream, first, last, segment):
    """The parts in the range, or those of one segment alone, and their layout. Where there are no frames, the layout is that
    of the stream's newest segment; NotFoundError for a stream that has none, or not that segment."""
    def of_segment(parts):
        return [part for part in parts if segment is None or part.segment == segment]

    parts = of_segment(survey(reader, stream, first, last))
    known = parts or of_segment(survey(reader, stream, LOWEST, HIGHEST))[-1:]
    if not known:
        what = "has no frames" if segment is None else f"has no frames in a segment {segment}"
        raise NotFoundError(f"stream '{stream}' {what}, and nothing says what its records are")
    return parts, common_layout(stream, known)
