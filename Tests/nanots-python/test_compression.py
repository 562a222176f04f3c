"""Compressed streams: everything reads as of plain ones."""

import json
import os

import nanots
from support import StoreTest


class CompressionTest(StoreTest):
    def record(self, store, count, **options):
        with store.writer(**options).create_context("s") as context:
            for index in range(count):
                text = json.dumps({"sensor": "boiler", "value": index * 37 % 101, "ok": index % 7 != 0})
                context.write(text.encode(), index * 10, flags=index % 3)

    def test_frames_come_back_and_the_store_says_what_it_takes(self):
        for number, options in enumerate(({}, {"compression": "lz4"}, {"compression": "lz4", "chunk_size": 1024})):
            with self.subTest(**options):
                path = os.path.join(self.directory, f"{number}.nts")
                with nanots.Store.create(path, block_size=65536, block_count=8) as store:
                    self.record(store, 2000, **options)
                    figures = store.stream_statistics("s")
                    self.assertEqual(figures["compression"], "lz4" if options else "off")
                    self.assertEqual(figures["stored_bytes"] < figures["bytes"], bool(options))
                    frames = store.iterator("s")
                    found = [(frame["timestamp"], frame["flags"]) for frame in frames]
                    self.assertEqual(found, [(10 * index, index % 3) for index in range(2000)])
                    frames.find(9990)
                    frame = frames.borrow()
                    self.assertEqual(json.loads(bytes(frame.view))["value"], 999 * 37 % 101)
                    self.assertTrue(frame.intact)
                    self.assertEqual(store.verify(), [])

    def test_a_borrowed_frame_tells_when_its_memory_holds_another_chunk(self):
        store = self.make(block_size=65536, compression="lz4")
        self.record(store, 2000)
        frames = store.iterator("s")
        frame = frames.borrow()
        self.assertTrue(frame.intact)
        frames.find(15000)
        self.assertFalse(frame.intact)

    def test_a_copy_is_stored_anew(self):
        store = self.make(block_size=65536)
        self.record(store, 3000)
        sizes = []
        for compression in ("lz4", "lz4hc"):
            path = os.path.join(self.directory, f"{compression}.nts")
            self.assertTrue(store.copy(path, compression=compression, chunk_size=4096)["is_complete"])
            with nanots.Store(path, "r") as copy:
                self.assertEqual(
                    [frame["data"] for frame in copy.iterator("s")], [frame["data"] for frame in store.iterator("s")]
                )
                sizes.append(copy.stream_statistics("s")["stored_bytes"])
        self.assertLess(sizes[1], sizes[0])
        self.assertLess(sizes[0] * 2, store.stream_statistics("s")["stored_bytes"])

    def test_what_cannot_be_is_refused(self):
        store = self.make(block_size=65536)
        for options in (
            {"compression": "zip"},
            {"compression": "lz4hc"},
            {"compression": "off", "chunk_size": 1024},
            {"chunk_size": 1024},
        ):
            with self.subTest(**options), self.assertRaises(nanots.InvalidArgumentError):
                store.writer(**options)
        with self.assertRaises(nanots.InvalidArgumentError):
            store.writer(compression="lz4", chunk_size=300).create_context("s")
        with self.assertRaises(nanots.InvalidArgumentError):
            nanots.Store.create(os.path.join(self.directory, "b.nts"), compression="lz4hc")
