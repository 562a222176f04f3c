"""One round of every workload with the module `nanots` of this interpreter; prints nanoseconds for a frame, as JSON."""

import json
import os
import random
import sys
import time

import nanots

FRAMES, FINDS, SIZE, BLOCKS = 200_000, 50_000, 64, 96
#: What one lap around the store takes: writing is measured in a full one, as it is nearly always.
LAP = BLOCKS * (1 << 20) // (SIZE + 24) + FRAMES
IS_OTHER = hasattr(nanots, "SEC_KEY_UNSET")


def timed(work, count, times=1):
    """The shortest of several runs: the first one has the pages of the file to meet."""
    return min(once(work) for _ in range(times)) / count


def once(work):
    begun = time.perf_counter_ns()
    work()
    return time.perf_counter_ns() - begun


def single_writes(writer, context, data, times):
    write = writer.write
    # The newest release of the other module has the flags before the timestamp.
    if IS_OTHER:
        for at in times:
            write(context, data, 0, at)
    else:
        for at in times:
            write(context, data, at, 0)


def iterate(path):
    iterator = nanots.Iterator(path, "single")
    iterator.find(LAP)
    count = 0
    for _ in iterator:
        count += 1
    assert count == FRAMES


def find_and_get(path, count):
    """In the newest `count` frames: a few blocks, which stay in the processor's cache, or many."""
    places = random.Random(1).choices(range(LAP + FRAMES - count, LAP + FRAMES), k=FINDS)
    iterator = nanots.Iterator(path, "single")
    find, get = iterator.find, iterator.get_current_frame

    def work():
        for at in places:
            find(at)
            get()

    return timed(work, FINDS, 3)


def batches(writer, stream, data, results, name):
    """Batches of as many frames as the single writes, in the full store."""
    import numpy

    context = writer.create_context(stream, "")
    times = numpy.arange(FRAMES)
    rounds = []
    for lap in range(3):
        rounds.append(once(lambda: context.write_batch(times + lap * FRAMES, data)))
    context.close()
    results[name] = min(rounds) / FRAMES


def beyond(path, results):
    import numpy

    reader = nanots.Reader(path)
    results["read_numpy"] = timed(lambda: reader.read_numpy("single", LAP, LAP + FRAMES - 1, "V64"), FRAMES, 3)
    writer = nanots.Writer(path)
    batches(writer, "array", numpy.zeros((FRAMES, SIZE), "u1"), results, "write_batch")
    batches(writer, "list", [bytes(SIZE)] * FRAMES, results, "write_batch of a list")


def main():
    path = os.path.join(sys.argv[1], f"python-{os.getpid()}.nts")
    results = {}
    try:
        nanots.allocate_file(path, 1 << 20, BLOCKS)
        writer = nanots.Writer(path)
        context = writer.create_context("single", "")
        single_writes(writer, context, bytes(SIZE), range(LAP))
        results["write"] = timed(lambda: single_writes(writer, context, bytes(SIZE), range(LAP, LAP + FRAMES)), FRAMES)
        del context
        reader = nanots.Reader(path)
        results["Reader.read"] = timed(lambda: reader.read("single", LAP, LAP + FRAMES - 1), FRAMES, 3)
        results["for in Iterator"] = timed(lambda: iterate(path), FRAMES, 3)
        results["find and get in 1 MiB"] = find_and_get(path, 10_000)
        results["find and get in 17 MiB"] = find_and_get(path, FRAMES)
        if not IS_OTHER:
            beyond(path, results)
    finally:
        if os.path.exists(path):
            os.unlink(path)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
