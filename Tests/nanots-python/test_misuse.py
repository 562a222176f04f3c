"""Wrong use: an error of the right class with the value in it, nothing lost, and the program goes on."""

import contextlib
import os
import threading

import nanots
from support import StoreTest, payload


class ArgumentTest(StoreTest):
    def setUp(self):
        super().setUp()
        self.store = self.make()
        self.context = self.store.writer().create_context("t")
        self.addCleanup(self.context.close)

    def refuses(self, error, words):
        return self.assertRaisesRegex(error, words)

    def test_paths(self):
        absent = os.path.join(self.directory, "absent.nts")
        for make in (nanots.Reader, nanots.Writer, nanots.Store, lambda path: nanots.Iterator(path, "t")):
            with self.refuses(nanots.CantOpenError, "absent.nts"):
                make(absent)
            with self.refuses(TypeError, "NoneType"):
                make(None)
            with self.refuses(ValueError, "null byte"):
                make("a\0b")
        other = os.path.join(self.directory, "text")
        with open(other, "w") as file:
            file.write("no store" * 1000)
        with self.refuses(nanots.SchemaError, "text"):
            nanots.Reader(other)
        self.assertIsInstance(nanots.Reader(os.fsencode(self.path)), nanots.Reader)

    def test_allocating(self):
        new = os.path.join(self.directory, "new.nts")
        with self.refuses(nanots.InvalidBlockSizeError, "100"):
            nanots.allocate_file(new, 100, 10)
        with self.refuses(nanots.InvalidArgumentError, "n_blocks is 0 to 4294967295, and -1 is not"):
            nanots.allocate_file(new, 4096, -1)
        with self.refuses(nanots.InvalidArgumentError, "0"):
            nanots.allocate_file(new, 4096, 0)
        with self.refuses(nanots.UnableToAllocateFileError, "no/such"):
            nanots.allocate_file(os.path.join(self.directory, "no/such/file"), 4096, 4)
        with self.refuses(TypeError, "block_size is a whole number, and '4096' is none"):
            nanots.allocate_file(new, "4096", 4)
        self.assertFalse(os.path.exists(new))

    def test_numbers_of_arguments(self):
        with self.refuses(TypeError, "needs the argument 'timestamp'"):
            self.context.write(b"x")
        with self.refuses(TypeError, "no argument 'time'"):
            self.context.write(b"x", time=1)
        with self.refuses(TypeError, "'data' twice"):
            self.context.write(b"x", 1, data=b"y")
        with self.refuses(TypeError, "takes 4 arguments by place, and got 5"):
            self.context.write(b"x", 1, 2, 3, 4)
        with self.refuses(TypeError, "takes 0 arguments by place"):
            self.store.writer("none")

    def test_none_means_the_default(self):
        store = nanots.Store.create(self.path, block_size=4096, initial_block_count=None, time_unit=None, replace=True)
        with store.writer(durability=None, clamp=None).create_context("t", None) as context:
            context.write(b"x", 1, None, None)
        frames = store.iterator("t", verify_checksums=None)
        frames.find(1, None)
        self.assertEqual(frames.current_metadata(), "")
        report = store.copy(self.path + ".copy", start_timestamp=None, end_timestamp=None, streams=None, progress=None)
        self.assertEqual(report["frames"], 1)
        self.assertEqual([f.data for f in store.follow("t", start=1, timeout=0)], [b"x"])

    def test_frames(self):
        self.context.write(b"first", 10)
        with self.refuses(nanots.NonMonotonicTimestampError, "10"):
            self.context.write(b"x", 10)
        with self.refuses(nanots.RowSizeTooBigError, "1000000"):
            self.context.write(bytes(1_000_000), 11)
        with self.refuses(nanots.InvalidArgumentError, "timestamp 18446744073709551616 does not fit"):
            self.context.write(b"x", 2**64)
        with self.refuses(nanots.InvalidArgumentError, "flags is 0 to 4294967295, and -1 is not"):
            self.context.write(b"x", 11, -1)
        with self.refuses(TypeError, "timestamp is a whole number or a datetime, and 1.5 is neither"):
            self.context.write(b"x", 1.5)
        with self.refuses(TypeError, "bytes-like"):
            self.context.write("text", 11)
        with self.refuses(BufferError, "contiguous"):
            self.context.write(memoryview(bytes(10))[::2], 11)
        self.context.write(bytes(self.context.maximum_frame_size), 11)
        self.assertEqual(self.context.last(), (11, 0))

    def test_names(self):
        writer = self.store.writer()
        for tag, words in (("", "empty"), ("x" * 193, "193"), ("a\0b", "NUL"), ("\ud800", "UTF-8")):
            with self.refuses(nanots.InvalidArgumentError, words):
                writer.create_context(tag)
        with self.refuses(TypeError, "stream_tag is a str, and b't' is none"):
            writer.create_context(b"t")
        with self.refuses(nanots.MetadataTooLargeError, "2000"):
            writer.create_context("u", "m" * 2000)
        with writer.create_context("é" * 96, "日本") as context:
            context.write(b"x", 1)
        frames = nanots.Iterator(self.path, "é" * 96)
        self.assertEqual(frames.current_metadata(), "日本")

    def test_a_context_of_another_writer(self):
        with self.refuses(nanots.InvalidArgumentError, "another writer"):
            self.store.writer().write(self.context, b"x", 1)
        with self.refuses(TypeError, "context is a WriteContext"):
            self.store.writer().write(None, b"x", 1)

    def test_ranges(self):
        reader = nanots.Reader(self.path)
        for ask in (reader.read, reader.count, reader.query_contiguous_segments):
            with self.refuses(nanots.InvalidArgumentError, "5"):
                ask("t", 10, 5)
        with self.refuses(nanots.InvalidArgumentError, "5"):
            reader.query_stream_tags(10, 5)

    def test_read_only(self):
        with self.refuses(nanots.ReadOnlyError, "."):
            nanots.Store(self.path, "r").writer()
        with self.refuses(nanots.InvalidArgumentError, "access is one of r, follow, rw, snapshot, and 'w' is not"):
            nanots.Store(self.path, "w")

    def test_a_bare_object(self):
        for kind in (nanots.WriteContext, nanots.Pin, nanots.Follower, nanots.Frame):
            thing = kind()
            for use in ("write", "next", "data", "intact", "flush", "view"):
                with contextlib.suppress(nanots.NanoTSError, TypeError, AttributeError):
                    getattr(thing, use)()
        iterator = nanots.Iterator.__new__(nanots.Iterator)
        with self.refuses(nanots.ClosedError, "closed"):
            iterator.valid()

    def test_timeouts(self):
        follower = self.store.follow("t")
        for timeout in (-1, float("nan")):
            with self.refuses(nanots.InvalidArgumentError, "0 seconds or more"):
                follower.next(timeout)
        with self.refuses(TypeError, "str"):
            follower.next("soon")
        with self.refuses(nanots.InvalidArgumentError, "followed already"):
            self.store.follow(["t", "t"])
        with self.refuses(nanots.InvalidArgumentError, "start is one of end, oldest"):
            self.store.follow("t", start="begin")


class ClosedTest(StoreTest):
    def test_everything_closed_says_so(self):
        store = self.make()
        writer = store.writer()
        context = writer.create_context("t")
        context.write(b"x", 1)
        reader, frames, follower = nanots.Reader(self.path), store.iterator("t"), store.follow("t")
        pin = store.pin("t", 0, 9)
        for thing in (context, writer, reader, frames, follower, pin, store):
            thing.close()
            thing.close()
        for name, use in (
            ("write context", lambda: context.write(b"x", 2)), ("write context", lambda: context.write_batch([2], [b"x"])),
            ("write context", context.flush), ("writer", lambda: writer.create_context("u")),
            ("reader", lambda: reader.read("t", 0, 9)), ("reader", lambda: reader.read_numpy("t", 0, 9, "u1")),
            ("iterator", frames.next), ("iterator", lambda: list(frames)), ("iterator", frames.__enter__),
            ("follower", follower.next), ("pin", lambda: pin.blocks), ("store", store.statistics),
            ("store", store.writer),
        ):
            with self.assertRaisesRegex(nanots.ClosedError, f"the {name} is closed"):
                use()

    def test_a_context_outlives_its_writer_and_store(self):
        store = self.make()
        writer = store.writer()
        context = writer.create_context("t")
        writer.close()
        store.close()
        context.write(payload(1), 1)
        context.close()
        self.assertEqual(nanots.Reader(self.path).read("t", 0, 9)[0]["data"], payload(1))

    def test_a_context_from_two_threads(self):
        """Calls that meet are told so; every call that returned has its frame in the store."""
        store = self.make(block_size=1 << 16, blocks=32)
        context = store.writer(durability="every_frame").create_context("t", None)
        lock, written, errors, at = threading.Lock(), [], [], iter(range(1, 10_000))

        def write():
            for _ in range(100):
                with lock:
                    time = next(at)
                try:
                    context.write(payload(time), time)
                    written.append(time)
                except (nanots.InUseError, nanots.NonMonotonicTimestampError) as error:
                    errors.append(error)

        threads = [threading.Thread(target=write) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        context.close()
        self.assertEqual([f["timestamp"] for f in nanots.Reader(self.path).read("t", 0, 10_000)], sorted(written))
        self.assertEqual(len(written) + len(errors), 400)
