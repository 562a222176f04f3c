"""Frames beyond the dict: keys, flags, places, batches, and bytes that are looked at where they lie."""

import array
import gc
import os
import random
import shutil
import signal
from datetime import datetime, timezone

import nanots
from support import StoreTest, payload


class FrameTest(StoreTest):
    def test_keys_order_frames_of_one_time(self):
        store = self.make()
        with store.writer().create_context("ticks") as context:
            for key in (1, 5, 9):
                context.write(b"k%d" % key, 100, key=key, flags=0xABCD0000 + key)
            with self.assertRaises(nanots.NonMonotonicTimestampError):
                context.write(b"", 100, key=9)
            self.assertEqual(context.last(), (100, 9))
        frames = store.iterator("ticks")
        frames.find(100, 4)
        frame = frames.borrow()
        self.assertEqual((frame.key, frame.flags, frame.ordinal, frame.data), (5, 0xABCD0005, 1, b"k5"))
        with self.assertRaises(nanots.NotFoundError):
            frames.find(100, 10)

    def test_a_find_while_the_iterator_waits_does_not_hide_the_move(self):
        store = self.make()
        with store.writer().create_context("s", "m") as context:
            for at in range(10):
                context.write(b"v%d" % at, at)
        frames = store.iterator("s")
        before = signal.signal(signal.SIGALRM, lambda *_: frames.find(self.found))
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        for self.found, follows in ((5, 6), (9, None)):
            frames.seek_end()
            signal.setitimer(signal.ITIMER_REAL, 0.02)
            waited = frames.wait_next(0.5)
            self.assertEqual(waited and waited.timestamp, follows)
            if follows is None:
                with self.assertRaises(nanots.InvalidArgumentError):
                    frames.get_current_frame()
            else:
                self.assertEqual(frames.get_current_frame()["timestamp"], follows)
        frames.reset()
        self.assertEqual(frames.get_current_frame()["metadata"], "m")

    def test_finalizers_that_move_the_iterator_leave_a_dict_of_one_frame(self):
        store = self.make()
        with store.writer() as writer:
            for first, metadata in ((0, "low"), (5, "high")):
                with writer.create_context("s", metadata) as context:
                    for at in range(first, first + 5):
                        context.write(b"v%d" % at + bytes(1500), at, flags=at // 2)
        frames = store.iterator("s")
        expected = list(frames)
        self.assertEqual([(f["data"][:2], f["metadata"]) for f in expected],
                         [(b"v%d" % at, "low" if at < 5 else "high") for at in range(10)])
        self.assertGreater(len({frame["block_sequence"] for frame in expected}), 5)
        generator = random.Random(1)

        class Finder:
            def __init__(self):
                self.me, self.places = self, generator.choices(range(10), k=generator.randrange(12))

            def __del__(self):
                gc.disable()
                finders.append(len(self.places))
                for at in self.places:
                    frames.find(at)
                    kept.append(frames.get_current_frame())

        self.addCleanup(gc.enable)
        self.addCleanup(gc.set_threshold, *gc.get_threshold())
        gc.disable()
        # So many that none is free for the next one: where a dict has to be made, a collection may come.
        kept, finders = [{} for _ in range(100)], []
        for turn in range(5000):
            for at in generator.choices(range(10), k=generator.choice((0, 2, 9))):
                frames.find(at)
                kept.append(frames.get_current_frame())
            Finder()
            at = generator.randrange(10)
            frames.find(at)
            # The collection comes at one or another of the objects that are now made.
            gc.set_threshold(max(1, gc.get_count()[0] + generator.randrange(-3, 3)), 100_000, 100_000)
            gc.enable()
            frame = next(frames) if turn % 2 else frames.get_current_frame()
            gc.disable()
            self.assertEqual(frame, expected[at])
            kept.append(frame)
        self.assertGreater(len(finders), 4000)
        for frame in kept[100:]:
            self.assertEqual(frame, expected[frame["timestamp"]])
        # Those that are left are not to meet another test.
        gc.collect()

    def test_metadata_that_is_damaged_is_none_and_no_other_frame_s(self):
        store = self.make()
        with store.writer().create_context("s", "the segment's") as context:
            self.fill(context, range(200))
        store.close()
        with open(self.path, "r+b") as file:
            content = file.read()
            place = content.index(b"the segment's")
            self.assertIn(b"the segment's", content[place + 1:], "more blocks than one")
            file.seek(place)
            file.write(b"The")
        frames = nanots.Store(self.path, "r").iterator("s")
        first = frames.current_block_sequence()
        read = list(frames)
        self.assertEqual([frame["data"] for frame in read], [payload(at) for at in range(200)])
        for frame in read:
            known = None if frame["block_sequence"] == first else "the segment's"
            self.assertEqual(frame["metadata"], known)
        # Once another block of the segment has told it, it is known.
        frames.reset()
        self.assertEqual((frames.current_metadata(), next(frames)["metadata"]), ("the segment's", "the segment's"))

    def test_every_entry_of_a_dict_is_of_its_frame_however_the_iterator_moves(self):
        seed = int(os.environ.get("NANOTS_TEST_SEED") or random.randrange(1 << 64))
        generator = random.Random(seed)
        store = self.make()
        # Runs of one flag and single ones, in several blocks of several segments.
        flags = [generator.choice((0, 0, 0, 1, 255)) if at // 50 % 2 else 7 for at in range(900)]
        with store.writer() as writer:
            for segment in range(3):
                with writer.create_context("s", f"m{segment}") as context:
                    for at in range(segment * 300, segment * 300 + 300):
                        context.write(payload(at), at, flags=flags[at] | 0xAB00)
        frames = store.iterator("s")
        blocks = set()

        def check(frame, block):
            at = frame["timestamp"]
            expected = (payload(at), at, flags[at], block, f"m{at // 300}")
            self.assertEqual(tuple(frame.values()), expected, f"NANOTS_TEST_SEED={seed}")
            self.assertEqual(list(frame), ["data", "timestamp", "flags", "block_sequence", "metadata"])
            blocks.add(block)

        for _ in range(400):
            center, width = generator.randrange(900), generator.choice((3, 100, 900))
            for _ in range(generator.choice((1, 5, 40))):
                at = min(899, max(0, center + generator.randrange(-width, width)))
                frames.find(at)
                check(frames.get_current_frame(), frames.current_block_sequence())
            for _ in range(generator.choice((0, 3, 30))):
                if not frames.valid():
                    break
                block = frames.current_block_sequence()
                check(next(frames), block)
        self.assertGreater(len(blocks), 8)

    def test_borrowed_bytes_are_those_of_the_frame(self):
        store = self.make()
        with store.writer().create_context("t") as context:
            self.fill(context, range(5), size=100)
        frames = store.iterator("t")
        seen, frame = [], frames.borrow()
        while frame is not None:
            self.assertEqual(bytes(frame.view), payload(frame.timestamp, 100))
            self.assertEqual((len(frame), len(frame.view), frame.view.readonly), (100, 100, True))
            self.assertTrue(frame.intact)
            seen.append(frame.ordinal)
            frame = frames.next_frame()
        self.assertEqual(seen, list(range(5)))
        self.assertEqual(frames.prev_frame().timestamp, 4)

    def test_a_frame_outlives_iterator_and_store(self):
        store = self.make()
        with store.writer().create_context("t") as context:
            self.fill(context, [1])
        frames = store.iterator("t")
        frame = frames.borrow()
        view = frame.view
        frames.close()
        store.close()
        del frames, store, frame
        gc.collect()
        self.assertEqual(bytes(view), payload(1))
        self.assertTrue(view.obj.intact)

    def test_a_frame_knows_that_it_was_recycled(self):
        store = self.make(blocks=4)
        with store.writer().create_context("t") as context:
            self.fill(context, [1])
            frame = store.iterator("t").borrow()
            view = frame.view
            self.fill(context, range(2, 5000))
        self.assertFalse(frame.intact)
        self.assertEqual(len(bytes(view)), 16, "the pages stay readable")
        for use in (lambda: frame.data, lambda: frame.view, lambda: memoryview(frame)):
            with self.assertRaisesRegex(nanots.OverwrittenError, "at 1 "):
                use()

    def test_a_lapped_iterator_says_how_many_it_missed(self):
        store = self.make(blocks=4)
        with store.writer().create_context("t") as context:
            self.fill(context, range(10))
            frames = store.iterator("t")
            self.fill(context, range(10, 5000))
        with self.assertRaises(nanots.OverwrittenError):
            frames.get_current_frame()
        frame = frames.next_frame()
        self.assertEqual(frame.data, payload(frame.timestamp))
        self.assertEqual((frame.missed, frames.missed()), (frame.ordinal - 1, frame.ordinal - 1))

    def test_places(self):
        store = self.make()
        with store.writer().create_context("t") as context:
            self.fill(context, range(10))
            frames = store.iterator("t")
            frames.last()
            self.assertEqual(frames.borrow().timestamp, 9)
            frames.seek_end()
            self.assertFalse(frames.valid())
            self.fill(context, [10])
            self.assertEqual(frames.next_frame().timestamp, 10)

    def test_batches_of_lists(self):
        store = self.make()
        with store.writer().create_context("t") as context:
            context.write_batch([1, 2, 3], [b"a", b"", bytearray(b"ccc")], flags=[7, 8, 1 << 31], keys=(0, 4, -2))
        frames = store.iterator("t")
        got = [frames.borrow(), frames.next_frame(), frames.next_frame()]
        self.assertEqual([(f.timestamp, f.key, f.flags, f.data) for f in got],
                         [(1, 0, 7, b"a"), (2, 4, 8, b""), (3, -2, 1 << 31, b"ccc")])

    def test_batches_of_arrays(self):
        store = self.make()
        times, values = array.array("q", range(1000)), array.array("d", [t * 0.5 for t in range(1000)])
        with store.writer().create_context("t") as context:
            context.write_batch(times, values)
        read = nanots.Reader(self.path).read("t", 0, 999)
        self.assertEqual([f["timestamp"] for f in read], list(times))
        self.assertEqual(b"".join(f["data"] for f in read), values.tobytes())

    def test_a_batch_is_refused_whole(self):
        store = self.make()
        with store.writer().create_context("t") as context:
            for times in ([1, 2, 2], [5, 4]):
                with self.assertRaises(nanots.NonMonotonicTimestampError):
                    context.write_batch(times, [b"x"] * len(times))
            with self.assertRaises(nanots.RowSizeTooBigError):
                context.write_batch([1, 2], [b"x", bytes(5000)])
            self.assertIsNone(context.last())

    def test_clamping_marks_the_frame(self):
        store = self.make()
        with store.writer(clamp=True).create_context("t") as context:
            context.write(b"a", 10)
            context.write(b"b", 5)
        frames = store.iterator("t")
        frames.last()
        self.assertEqual((frames.borrow().timestamp, frames.borrow().was_clamped), (11, True))

    def test_times_in_each_unit(self):
        moment = datetime(2026, 1, 31, 12, 30, 5, 250_000, tzinfo=timezone.utc)
        for unit, scale in (("ns", 10**9), ("us", 10**6), ("ms", 1000), ("s", 1)):
            store = self.make(time_unit=unit, replace=True)
            self.assertEqual(store.time_unit, unit)
            with store.writer().create_context("t") as context:
                context.write(b"x", moment)
            frame = store.iterator("t").borrow()
            self.assertEqual(frame.timestamp, int(moment.timestamp()) * scale + scale // 4)
            self.assertEqual(frame.time, moment if scale > 1 else moment.replace(microsecond=0))
            self.assertEqual(len(nanots.Reader(self.path).read("t", moment.replace(second=0), moment)), 1)
            self.assertEqual(nanots.to_datetime(nanots.to_timestamp(moment, unit), unit), frame.time)
        self.assertEqual(nanots.to_timestamp(moment.replace(tzinfo=None), "us"), nanots.to_timestamp(moment, "us"))
        self.assertEqual(nanots.to_timestamp(datetime(1969, 12, 31, 23, 59, 59, 999_999), "s"), -1)


class StoreObjectTest(StoreTest):
    def test_pins(self):
        store = self.make(blocks=8, pins_hold=True)
        with store.writer().create_context("t") as context:
            self.fill(context, range(100))
            with store.pin("t", 0, 10) as pin:
                self.assertEqual((pin.blocks, pin.intact), (1, True))
                frame = store.iterator("t").borrow()
                self.fill(context, range(100, 5000))
                self.assertEqual((pin.intact, frame.intact, frame.data), (True, True, payload(0)))
            self.fill(context, range(5000, 9000))
        self.assertFalse(frame.intact)

    def test_copies(self):
        store = self.make()
        with store.writer().create_context("a") as context, store.writer().create_context("b") as other:
            self.fill(context, range(500))
            self.fill(other, range(500))
        steps = []
        to = self.path + ".copy"
        report = store.copy(to, start_timestamp=100, end_timestamp=199, streams=["a"], progress=lambda *s: steps.append(s))
        self.assertEqual((report["is_complete"], report["frames"], report["streams"]), (True, 100, 1))
        self.assertGreater(len(steps), 1)
        copied = nanots.Reader(to)
        self.assertEqual([f["data"] for f in copied.read("a", 0, 999)], [payload(t) for t in range(100, 200)])
        self.assertEqual(copied.query_stream_tags(0, 999), ["a"])
        with self.assertRaises(nanots.AlreadyExistsError):
            store.copy(to)
        with self.assertRaises(nanots.CancelledError):
            store.copy(to, replace=True, progress=lambda *step: False)
        with self.assertRaisesRegex(ZeroDivisionError, "division"):
            store.copy(to, replace=True, progress=lambda *step: 1 // 0)
        self.assertEqual(copied.count("a", 0, 999), 100)

    def test_verify_finds_damage(self):
        store = self.make()
        with store.writer().create_context("t") as context:
            self.fill(context, range(100), size=24)
        self.assertEqual(store.verify(), [])
        store.close()
        with open(self.path, "r+b") as file:
            content = file.read()
            file.seek(content.index(payload(50, 24)))
            file.write(b"\xFF")
        findings = nanots.Store(self.path, "r").verify()
        self.assertEqual(len(findings), 1, findings)
        with open(self.path, "r+b") as file:
            # The first frame's bytes, which lie before those of the second.
            file.seek(content.index(payload(1, 24)) - 24)
            file.write(b"\xFF")
        # Each way to a frame that cannot be read comes to an end: on the one behind it.
        first = nanots.Store(self.path, "r").iterator("t", verify_checksums=True)
        for move in (first.reset, lambda: first.find(0), lambda: first.find(50)):
            with self.assertRaises(nanots.CorruptError):
                move()
            self.assertTrue(first.valid())
        self.assertEqual(first.get_current_frame()["timestamp"], 51)
        damaged = nanots.Store(self.path, "r").iterator("t", verify_checksums=True)
        with self.assertRaises(nanots.CorruptError):
            list(damaged)

    def test_a_snapshot_holds_what_was_there_when_it_was_opened(self):
        store = self.make()
        with store.writer().create_context("t") as context:
            self.fill(context, range(500))
            snapshot = nanots.Store(self.path, "snapshot")
            self.addCleanup(snapshot.close)
            self.fill(context, range(500, 600))
        self.assertEqual([frame["data"] for frame in snapshot.iterator("t")], [payload(time) for time in range(500)])
        cut = shutil.copy(self.path, self.path + ".cut")
        iterator = nanots.Store(cut, "snapshot").iterator("t")
        first = iterator.borrow()
        os.truncate(cut, 65536)
        self.assertEqual((bytes(first.data), first.intact), (payload(0), True))
        read = []
        with self.assertRaises(nanots.TruncatedError):
            for frame in iterator:
                read.append(frame["timestamp"])
        # The rest of the block that was entered before the file was cut.
        self.assertEqual(read, list(range(len(read))))
        self.assertTrue(0 < len(read) < 500, read)
        for refused in (
            lambda: snapshot.follow(["t"]), lambda: snapshot.pin("t", 0, 1), lambda: snapshot.copy(self.path + ".copy")
        ):
            with self.assertRaisesRegex(nanots.InvalidArgumentError, "snapshot"):
                refused()
        with self.assertRaises(nanots.ReadOnlyError):
            snapshot.writer()

    def test_statistics(self):
        store = self.make()
        with store.writer().create_context("t") as context:
            self.fill(context, range(100))
            self.assertEqual(store.stream_statistics("t")["frames"], 100)
            self.assertGreater(store.stream_statistics("t")["writer_process_id"], 0)
        figures = store.statistics()
        self.assertEqual((figures["frames"], figures["bytes"], figures["streams"]), (100, 1600, 1))
        self.assertEqual((figures["first_timestamp"], figures["last_timestamp"]), (0, 99))
        with self.assertRaises(nanots.NotFoundError):
            store.stream_statistics("unknown")

    def test_durabilities(self):
        store = self.make()
        for time, options in enumerate(
            ({"durability": "none"}, {"durability": "every_frame"}, {"durability": "on_seal"},
             {"durability": "interval", "interval_milliseconds": 50})
        ):
            with store.writer(**options).create_context("t") as context:
                context.write(b"x", time)
                context.flush()
        with self.assertRaisesRegex(nanots.InvalidArgumentError, "interval"):
            store.writer(durability="interval")
        with self.assertRaisesRegex(nanots.InvalidArgumentError, "on_seal, none, every_frame, interval"):
            store.writer(durability="often")
        self.assertEqual(nanots.Reader(self.path).count("t", 0, 9), 4)
