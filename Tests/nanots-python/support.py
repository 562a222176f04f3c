"""What the tests share: a directory for each test, and stores in it."""

import os
import tempfile
import unittest

import nanots


class StoreTest(unittest.TestCase):
    """A test with a directory of its own."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="nanots-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.path = os.path.join(self.directory, "test.nts")

    def make(self, block_size=4096, blocks=16, **options):
        """A store, and a writer of it."""
        store = nanots.Store.create(self.path, block_size=block_size, block_count=blocks, **options)
        self.addCleanup(store.close)
        return store

    def fill(self, context, times, size=16):
        """Frames whose bytes say which frame they are."""
        for time in times:
            context.write(payload(time, size), time)


def payload(time, size=16):
    """Bytes that prove which frame they are of: its time, over and over."""
    word = int(time).to_bytes(8, "little", signed=True)
    return (word * (size // 8 + 1))[:size]
