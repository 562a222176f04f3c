"""One round of every workload with the module `nanots` of this interpreter; prints nanoseconds for a frame, as JSON."""

import array
import json
import os
import random
import sys
import time

import nanots

FRAMES, FINDS, SIZE = 200_000, 50_000, 64
IS_OTHER = hasattr(nanots, "SEC_KEY_UNSET")


def timed(work, count, times=1):
    """The shortest of several runs: the first one has the pages of the file to meet."""
    return min(once(work) for _ in range(times)) / count


def once(work):
    begun = time.perf_counter_ns()
    work()
    return time.perf_counter_ns() - begun


def single_writes(writer, context, data):
    write = writer.write
    # The newest release of the other module has the flags before the timestamp.
    if IS_OTHER:
        for at in range(1, FRAMES + 1):
            write(context, data, 0, at)
    else:
        for at in range(1, FRAMES + 1):
            write(context, data, at, 0)


def iterate(path):
    count = 0
    for _ in nanots.Iterator(path, "single"):
        count += 1
    assert count == FRAMES


def find_and_get(path):
    places = random.Random(1).choices(range(1, FRAMES + 1), k=FINDS)
    iterator = nanots.Iterator(path, "single")
    find, get = iterator.find, iterator.get_current_frame

    def work():
        for at in places:
            find(at)
            get()

    return timed(work, FINDS, 3)


def beyond(path, writer, results):
    import numpy

    rows = numpy.zeros((FRAMES, SIZE), "u1")
    times = numpy.arange(1, FRAMES + 1)
    context = writer.create_context("batch", "")
    results["write_batch"] = timed(lambda: context.write_batch(times, rows), FRAMES)
    context.close()
    reader = nanots.Reader(path)
    results["read_numpy"] = timed(lambda: reader.read_numpy("single", 1, FRAMES, "V64"), FRAMES, 3)
    listed = writer.create_context("listed", "")
    payloads, stamps = [bytes(SIZE)] * FRAMES, array.array("q", range(1, FRAMES + 1))
    results["write_batch of a list"] = timed(lambda: listed.write_batch(stamps, payloads), FRAMES)
    listed.close()


def main():
    path = os.path.join(sys.argv[1], f"python-{os.getpid()}.nts")
    results = {}
    try:
        nanots.allocate_file(path, 1 << 20, 96)
        writer = nanots.Writer(path)
        context = writer.create_context("single", "")
        results["write"] = timed(lambda: single_writes(writer, context, bytes(SIZE)), FRAMES)
        del context
        reader = nanots.Reader(path)
        results["Reader.read"] = timed(lambda: reader.read("single", 1, FRAMES), FRAMES, 3)
        results["for in Iterator"] = timed(lambda: iterate(path), FRAMES, 3)
        results["find and get"] = find_and_get(path)
        if not IS_OTHER:
            beyond(path, writer, results)
    finally:
        if os.path.exists(path):
            os.unlink(path)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
