"""Streams as Parquet and Arrow files: python -m nanots.export STORE [STREAM...] -o FILE.parquet|.arrow|.feather

Written in batches that are bounded in memory, each of a run of blocks; in a Parquet file each is a row group.
"""

import argparse
import contextlib
import os
import sys

from . import Reader, Store
from ._arrow import batches, library, schema_of
from ._nanots import AlreadyExistsError, InvalidArgumentError, NanoTSError, NotFoundError
from ._runs import HIGHEST, LOWEST, chosen, whole
from ._times import from_text

STREAM = "stream"


def export(filename, streams, output, *, start_timestamp=LOWEST, end_timestamp=HIGHEST, segment=None, replace=False):
    """Writes streams of the store to a Parquet (.parquet) or Arrow IPC file (.arrow, .feather), and returns how many rows.

    streams: a name, or several, whose records have to have one layout, and get a column `stream`; empty for all that there
    are. The range is from start_timestamp to end_timestamp, both included. segment: that one of each stream alone, where
    the segments in the range differ in layout.

    What there is when the export begins is pinned until it is written: writers go on, in other blocks while there are any, and
    what they append meanwhile is not in the file. In a store with pins_hold they may find no block until it is written. Each
    stream takes a file descriptor until then.

    The file gets its name when it is complete. AlreadyExistsError for one that is there, unless replace; NotFoundError for
    a stream without frames; InvalidArgumentError, with both, for layouts that differ, and for another kind of file;
    OverwrittenError when a writer recycled frames all the same, since nothing but pinned blocks was left: export a copy of the
    store then (Store.copy), or a shorter range.
    """
    output = os.fspath(output)
    open_writer = _writer_of(output)
    if os.path.exists(output) and os.path.samefile(output, filename):
        raise InvalidArgumentError(f"{output} is the store that is read; take another path")
    if os.path.exists(output) and not replace:
        raise AlreadyExistsError(f"there is a file {output}; ask for it to be replaced")
    with Reader(filename) as reader, Store(filename, "r") as store, contextlib.ExitStack() as pins:
        known = reader.query_stream_tags(LOWEST, HIGHEST)
        names = [streams] if isinstance(streams, str) else list(streams) or known
        if not names:
            raise NotFoundError(f"the store {os.fspath(filename)} has no frames")
        for name in names:
            if name not in known:
                there = ", ".join(known[:12]) + (", …" if len(known) > 12 else "")
                raise NotFoundError(f"there are no frames of a stream '{name}'; the store has {there or 'none of any'}")
        first = whole(start_timestamp, "start_timestamp", reader._unit)
        last = whole(end_timestamp, "end_timestamp", reader._unit)
        held, found = [], []
        for name in names:
            pin, end = _pin(store, name, first, last)
            held.append(pins.enter_context(pin))
            found.append((name, *chosen(reader, name, first, end, segment)))
        schema = _common_schema(found, reader._unit)
        partial = f"{output}.part-{os.getpid()}"
        try:
            rows = 0
            with open_writer(partial, schema) as write:
                for pin, each in zip(held, found):
                    rows += _write(reader, schema, write, *each)
                    pin.close()
            os.replace(partial, output)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(partial)
            raise
    return rows


def _pin(store, stream, first, last):
    """A pin of the frames of a range, and the last time that it holds: blocks that come later are not in it, and are the first
    that a writer takes again."""
    with store.iterator(stream) as iterator:
        iterator.last()
        if iterator.valid():
            newest = iterator.borrow().timestamp
            last = min(last, newest) if newest >= first else last
    return store.pin(stream, first, last), last


def _write(reader, schema, write, stream, parts, layout):
    pyarrow = library()
    makers = {}
    if layout is None or STREAM not in layout.names:
        makers[STREAM] = lambda timestamps, keys: pyarrow.repeat(stream, len(timestamps))
    rows = 0
    for batch in batches(reader, stream, parts, layout, schema, makers):
        write(batch)
        rows += len(batch)
    return rows


def _common_schema(found, unit):
    pyarrow = library()
    (first, _, layout), *others = found
    for stream, _, other in others:
        if other != layout:
            raise InvalidArgumentError(
                "streams go into one file if their records have one layout; name those that have:"
                f" '{first}' has {layout or 'none'}, and '{stream}' {other or 'none'}"
            )
    schema = schema_of(first, layout, unit)
    if not others:
        return schema
    if STREAM in schema.names:
        raise InvalidArgumentError(f"the layout of stream '{first}' has a field called '{STREAM}', which is to tell the stream")
    return pyarrow.schema([pyarrow.field(STREAM, pyarrow.string()), *schema])


def _writer_of(output):
    """What opens a file of the kind that the name says: a context manager with a function that writes a batch."""
    kinds = {".parquet": _parquet, ".arrow": _ipc, ".feather": _ipc}
    ending = os.path.splitext(output)[1]
    if ending not in kinds:
        raise InvalidArgumentError(f"{output!r} ends with none of {', '.join(kinds)}, which say what file is to be written")
    return kinds[ending]


@contextlib.contextmanager
def _parquet(path, schema):
    library()
    import pyarrow.parquet

    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        yield lambda batch: writer.write_batch(batch, row_group_size=max(1, len(batch)))


@contextlib.contextmanager
def _ipc(path, schema):
    pyarrow = library()
    with pyarrow.OSFile(path, "wb") as file, pyarrow.ipc.new_file(file, schema) as writer:
        yield writer.write_batch


def _raise_limit():
    """Each stream that is pinned has a file open; processes begin with a low limit."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m nanots.export", description="Streams as Parquet and Arrow files.")
    parser.add_argument("store")
    parser.add_argument("stream", nargs="*", help="all streams where none is named; several need one layout")
    parser.add_argument("-o", "--output", required=True, help="FILE.parquet, FILE.arrow or FILE.feather")
    parser.add_argument("--from", dest="start", metavar="T", help="the first time: a timestamp, or ISO 8601")
    parser.add_argument("--to", dest="end", metavar="T", help="the last time")
    parser.add_argument("--segment", type=int, help="that segment of the stream alone")
    parser.add_argument("--replace", action="store_true", help="replace a file that is there")
    given = parser.parse_args(arguments)
    _raise_limit()
    try:
        with Reader(given.store) as reader:
            start = from_text(given.start, "--from", reader._unit, LOWEST)
            end = from_text(given.end, "--to", reader._unit, HIGHEST)
        rows = export(given.store, given.stream, given.output, start_timestamp=start, end_timestamp=end,
                      segment=given.segment, replace=given.replace)
    except (NanoTSError, ImportError, OSError, ValueError) as error:
        print(f"nanots.export: {error}", file=sys.stderr)
        return 1
    print(f"{rows} rows in {given.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
