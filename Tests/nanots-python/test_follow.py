"""Following streams as they are written, also from another process."""

import asyncio
import subprocess
import sys
import threading
import time

import nanots
from support import StoreTest, payload


class FollowTest(StoreTest):
    def test_a_loop_ends_after_its_timeout(self):
        store = self.make()
        with store.writer().create_context("t") as context:
            self.fill(context, range(5))
        follower = store.follow("t", start="oldest", timeout=0.05)
        self.assertEqual([(f.stream, f.timestamp, f.data) for f in follower], [("t", t, payload(t)) for t in range(5)])
        self.assertEqual([f.timestamp for f in store.follow("t", start=3, timeout=0)], [3, 4])
        self.assertEqual([f.timestamp for f in store.follow("t", timeout=0)], [])

    def test_several_streams_are_merged(self):
        store = self.make()
        with store.writer().create_context("a") as a, store.writer().create_context("b") as b:
            self.fill(a, range(0, 20, 2))
            self.fill(b, range(1, 20, 2))
        frames = list(store.follow(["a", "b"], start="oldest", timeout=0))
        self.assertEqual([f.timestamp for f in frames], list(range(20)))
        self.assertEqual({f.stream for f in frames if f.timestamp % 2}, {"b"})

    def test_frames_come_as_another_process_writes_them(self):
        store = self.make()
        follower = store.follow("t")
        writing = subprocess.Popen(
            [sys.executable, "-c",
             "import nanots, sys\n"
             "context = nanots.Writer(sys.argv[1]).create_context('t')\n"
             "for time in range(200): context.write(time.to_bytes(8, 'little') * 2, time)\n", self.path])
        seen = [follower.next(timeout=30) for _ in range(200)]
        self.assertEqual([(f.timestamp, f.data) for f in seen], [(t, payload(t)) for t in range(200)])
        self.assertEqual(writing.wait(), 0)

    def test_waiting_lets_other_threads_write(self):
        store = self.make()
        context = store.writer().create_context("t")
        frames = store.iterator("t")
        writer = threading.Timer(0.1, lambda: context.write(b"late", 1))
        writer.start()
        self.assertEqual(frames.wait_next(timeout=30).data, b"late")
        self.assertIsNone(frames.wait_next(timeout=0.01))
        writer.join()

    def test_asynchronously(self):
        store = self.make()
        context = store.writer().create_context("t")

        async def write():
            for at in range(20):
                context.write(payload(at), at)
                await asyncio.sleep(0)

        async def read():
            return [f.data async for f in store.follow("t", start="oldest", timeout=0.3)]

        async def both():
            return (await asyncio.gather(read(), write()))[0]

        self.assertEqual(asyncio.run(both()), [payload(t) for t in range(20)])

    def test_an_asynchronous_wait_can_be_cancelled(self):
        store = self.make()
        follower = store.follow("t")

        async def wait():
            async for _ in follower:
                self.fail("there is no frame")

        async def cancel():
            task = asyncio.ensure_future(wait())
            await asyncio.sleep(0.05)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task

        asyncio.run(cancel())
        with store.writer().create_context("t") as context:
            self.fill(context, [1])
        self.assertEqual(follower.next(timeout=30).timestamp, 1, "it can be used on")

    def test_what_was_missed_is_said(self):
        store = self.make(blocks=4)
        with store.writer().create_context("t") as context:
            self.fill(context, range(3))
            follower = store.follow("t", start="oldest")
            self.assertEqual(follower.next(timeout=0).timestamp, 0)
            self.fill(context, range(3, 5000))
        frame = follower.next(timeout=0)
        self.assertEqual((frame.data, frame.missed), (payload(frame.timestamp), frame.ordinal - 1))

    def test_closed_by_another_thread_while_waiting(self):
        store = self.make()
        for waiting, name in ((store.follow("t"), "follower"), (store.iterator("t"), "iterator")):
            threading.Timer(0.1, waiting.close).start()
            began = time.monotonic()
            with self.assertRaisesRegex(nanots.ClosedError, f"the {name} is closed"):
                waiting.next(timeout=60) if name == "follower" else waiting.wait_next(60)
            self.assertLess(time.monotonic() - began, 30)
