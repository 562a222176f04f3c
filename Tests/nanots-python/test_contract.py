"""Each row of the table of interfaces that programs for earlier NanoTS call from Python, by its name."""

import inspect

import nanots
from support import StoreTest, payload


class ContractTest(StoreTest):
    def setUp(self):
        super().setUp()
        nanots.allocate_file(self.path, 4096, 16)

    def written(self, times=range(1000, 1010), metadata="celsius"):
        writer = nanots.Writer(self.path)
        with writer.create_context("t", metadata) as context:
            for time in times:
                writer.write(context, payload(time), time, time % 7)
        return writer

    def test_allocate_file(self):
        nanots.allocate_file(filename=self.path, block_size=8192, n_blocks=4)
        self.assertEqual(nanots.Store(self.path, "r").statistics()["block_count"], 4)
        self.assertEqual(nanots.Store(self.path, "r").statistics()["block_size"], 8192)
        self.assertEqual(nanots.Store(self.path, "r").time_unit, "ms")

    def test_Writer_reclaims_by_default(self):
        self.written(range(100_000))
        self.assertGreater(nanots.Store(self.path, "r").statistics()["reclaimed_blocks"], 0)

    def test_Writer_auto_reclaim_off(self):
        writer = nanots.Writer(self.path, auto_reclaim=False)
        with writer.create_context("t") as context, self.assertRaises(nanots.NoFreeBlocksError):
            for time in range(100_000):
                writer.write(context, payload(time), time)

    def test_Writer_create_context(self):
        writer = nanots.Writer(self.path)
        context = writer.create_context("t")
        self.assertIsInstance(context, nanots.WriteContext)
        with self.assertRaisesRegex(nanots.DuplicateStreamTagError, "'t'"):
            nanots.Writer(self.path).create_context(stream_tag="t", metadata="again")
        context.close()

    def test_Writer_write(self):
        writer = nanots.Writer(self.path)
        context = writer.create_context("t", "m")
        writer.write(context, b"one", 1)
        writer.write(context, bytearray(b"two"), 2, 200)
        writer.write(context=context, data=memoryview(b"three"), timestamp=3, flags=255)
        writer.write(context, b"", 4)
        frames = nanots.Reader(self.path).read("t", 1, 4)
        self.assertEqual([f["data"] for f in frames], [b"one", b"two", b"three", b""])
        self.assertEqual([f["flags"] for f in frames], [0, 200, 255, 0])

    def test_Writer_free_blocks(self):
        self.written(range(500))
        first = nanots.Reader(self.path).query_contiguous_segments("t", 0, 500)
        self.assertEqual(len(first), 1)
        nanots.Writer.free_blocks(self.path, "t", 150, 350)
        runs = nanots.Reader(self.path).query_contiguous_segments("t", 0, 500)
        self.assertEqual(len(runs), 2, "freeing the middle leaves two runs")
        self.assertGreaterEqual(runs[0]["end_timestamp"], 100)
        self.assertLess(runs[0]["end_timestamp"], 350)

    def test_Reader_read(self):
        self.written()
        frames = nanots.Reader(self.path).read("t", 1002, 1005)
        self.assertIsInstance(frames, list)
        for frame, time in zip(frames, range(1002, 1006)):
            self.assertEqual(set(frame), {"data", "timestamp", "flags", "block_sequence", "metadata"})
            self.assertIsInstance(frame["data"], bytes)
            self.assertEqual(
                frame,
                {"data": payload(time), "timestamp": time, "flags": time % 7, "block_sequence": 0, "metadata": "celsius"},
            )
        self.assertEqual(len(frames), 4, "both ends are included")

    def test_Reader_read_of_nothing(self):
        self.written()
        reader = nanots.Reader(self.path)
        self.assertEqual(reader.read("t", 5000, 6000), [])
        self.assertEqual(reader.read("unknown", 0, 6000), [])

    def test_Reader_query_contiguous_segments(self):
        self.written(range(10))
        self.written(range(20, 30))
        segments = nanots.Reader(self.path).query_contiguous_segments("t", 0, 100)
        self.assertEqual(
            segments,
            [
                {"segment_id": 0, "start_timestamp": 0, "end_timestamp": 9},
                {"segment_id": 1, "start_timestamp": 20, "end_timestamp": 29},
            ],
        )

    def test_Reader_query_contiguous_segments_of_an_open_one(self):
        writer = nanots.Writer(self.path)
        context = writer.create_context("t")
        writer.write(context, b"x", 7)
        segments = nanots.Reader(self.path).query_contiguous_segments("t", 0, 100)
        self.assertEqual(segments, [{"segment_id": 0, "start_timestamp": 7, "end_timestamp": 7}])

    def test_Reader_query_stream_tags(self):
        writer = nanots.Writer(self.path)
        for tag, time in [("b", 10), ("a", 20), ("c", 30)]:
            with writer.create_context(tag) as context:
                writer.write(context, b"x", time)
        reader = nanots.Reader(self.path)
        self.assertEqual(reader.query_stream_tags(0, 100), ["a", "b", "c"])
        self.assertEqual(reader.query_stream_tags(15, 25), ["a"])
        self.assertEqual(reader.query_stream_tags(40, 50), [])

    def test_Iterator_begins_on_the_first_frame(self):
        self.written()
        iterator = nanots.Iterator(self.path, "t")
        self.assertTrue(iterator.valid())
        self.assertEqual(iterator.get_current_frame()["timestamp"], 1000)

    def test_Iterator_valid_of_an_unknown_stream(self):
        iterator = nanots.Iterator(self.path, "unknown")
        self.assertFalse(iterator.valid())
        self.assertEqual(list(iterator), [])

    def test_Iterator_get_current_frame(self):
        self.written()
        frame = nanots.Iterator(self.path, "t").get_current_frame()
        self.assertEqual(
            frame,
            {"data": payload(1000), "timestamp": 1000, "flags": 1000 % 7, "block_sequence": 0, "metadata": "celsius"},
        )

    def test_Iterator_next_and_prev_past_both_ends(self):
        self.written()
        iterator = nanots.Iterator(self.path, "t")
        for time in range(1000, 1010):
            self.assertEqual(iterator.get_current_frame()["timestamp"], time)
            iterator.next()
        self.assertFalse(iterator.valid())
        for time in reversed(range(1000, 1010)):
            iterator.prev()
            self.assertEqual(iterator.get_current_frame()["timestamp"], time)
        iterator.prev()
        self.assertFalse(iterator.valid())

    def test_Iterator_find(self):
        self.written(range(1000, 1100, 10))
        iterator = nanots.Iterator(self.path, "t")
        iterator.find(1045)
        self.assertEqual(iterator.get_current_frame()["timestamp"], 1050)
        iterator.find(1050)
        self.assertEqual(iterator.get_current_frame()["timestamp"], 1050)
        with self.assertRaises(nanots.InvalidArgumentError):
            iterator.find(1091)
        self.assertFalse(iterator.valid())
        with self.assertRaises(nanots.InvalidArgumentError):
            iterator.get_current_frame()

    def test_Iterator_find_and_then_a_move(self):
        self.written(range(1000, 1010))
        iterator = nanots.Iterator(self.path, "t")
        moves = {
            "next": 1006, "prev": 1004, "reset": 1000, "last": 1009, "iter_all": 1000, "next_frame": 1006,
            "prev_frame": 1004, "wait_next": 1006, "__next__": 1006,
        }
        for name, time in moves.items():
            iterator.find(1005)
            self.assertEqual(iterator.get_current_frame()["timestamp"], 1005, name)
            getattr(iterator, name)()
            self.assertEqual(iterator.get_current_frame()["timestamp"], time, name)
        iterator.find(1005)
        iterator.seek_end()
        with self.assertRaises(nanots.InvalidArgumentError):
            iterator.get_current_frame()

    def test_Iterator_reset(self):
        self.written()
        iterator = nanots.Iterator(self.path, "t")
        iterator.find(1005)
        iterator.reset()
        self.assertEqual(iterator.get_current_frame()["timestamp"], 1000)

    def test_Iterator_current_block_sequence(self):
        self.written(range(1000))
        iterator = nanots.Iterator(self.path, "t")
        self.assertEqual(iterator.current_block_sequence(), 0)
        iterator.last()
        self.assertEqual(iterator.current_block_sequence(), iterator.get_current_frame()["block_sequence"])
        self.assertGreater(iterator.current_block_sequence(), 0)

    def test_Iterator_current_metadata_changes_with_the_segment(self):
        self.written(range(5), "first")
        self.written(range(10, 15), "second")
        iterator = nanots.Iterator(self.path, "t")
        self.assertEqual(iterator.current_metadata(), "first")
        self.assertEqual([f["metadata"] for f in iterator], ["first"] * 5 + ["second"] * 5)
        self.assertIsNone(iterator.current_metadata())

    def test_Iterator_iter_all(self):
        self.written()
        iterator = nanots.Iterator(self.path, "t")
        iterator.find(1005)
        self.assertEqual([f["timestamp"] for f in iterator.iter_all()], list(range(1000, 1010)))

    def test_Iterator_for_goes_on_from_its_place(self):
        self.written()
        iterator = nanots.Iterator(self.path, "t")
        iterator.find(1005)
        self.assertEqual([f["timestamp"] for f in iterator], list(range(1005, 1010)))
        self.assertEqual(list(iterator), [])

    def test_exceptions(self):
        names = """CantOpenError SchemaError NoFreeBlocksError InvalidBlockSizeError DuplicateStreamTagError
            UnableToCreateSegmentError UnableToCreateSegmentBlockError NonMonotonicTimestampError RowSizeTooBigError
            UnableToAllocateFileError InvalidArgumentError NotFoundError"""
        for code, name in zip((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13), names.split()):
            error = getattr(nanots, name)
            self.assertTrue(issubclass(error, nanots.NanoTSError), name)
            self.assertEqual(error.code, code, name)

    def test_everything_has_a_docstring_and_a_type(self):
        """Public methods are documented, and the stubs know them."""
        import pathlib

        package = pathlib.Path(nanots.__file__).parent
        stubs = (package / "__init__.pyi").read_text() + (package / "layout.pyi").read_text()
        for name, thing in vars(nanots).items():
            if name.startswith("_") or inspect.ismodule(thing):
                continue
            self.assertTrue(inspect.getdoc(thing), name)
            self.assertIn(f" {name}", stubs)
            for member in vars(thing) if inspect.isclass(thing) else ():
                if not member.startswith("_"):
                    self.assertTrue(inspect.getdoc(getattr(thing, member)), f"{name}.{member}")
                    self.assertIn(member, stubs, f"{name}.{member}")
