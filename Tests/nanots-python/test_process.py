"""The module and the process around it: forks, signals, the end of the interpreter, files that go away."""

import os
import signal
import subprocess
import sys
import textwrap
import time
import unittest

import nanots
from support import StoreTest, payload


class ProcessTest(StoreTest):
    def python(self, program, *arguments, **options):
        """Runs a program, and returns what it printed; nothing may be on stderr."""
        run = subprocess.run([sys.executable, "-c", textwrap.dedent(program), self.path, *arguments],
                             capture_output=True, text=True, timeout=120, **options)
        self.assertEqual(run.stderr, "")
        return run

    def test_exit_with_everything_alive(self):
        self.make().close()
        run = self.python(
            """
            import nanots, sys, threading
            store = nanots.Store(sys.argv[1])
            context = store.writer().create_context("t")
            context.write(b"x" * 16, 1)
            things = [store.iterator("t"), store.follow("t"), nanots.Reader(sys.argv[1]), store.pin("t", 0, 9)]
            frame = things[0].borrow()
            view = frame.view
            threading.Thread(target=things[1].next, daemon=True).start()
            print("bye")
            """
        )
        self.assertEqual((run.returncode, run.stdout), (0, "bye\n"))
        self.assertEqual(nanots.Reader(self.path).read("t", 0, 9)[0]["data"], b"x" * 16)

    def test_interrupted_waits(self):
        self.make().close()
        for wait in ("store.iterator('t').wait_next()", "store.follow('t').next()", "list(store.follow('t'))"):
            child = subprocess.Popen(
                [sys.executable, "-c",
                 "import nanots, signal, sys\n"
                 # Whoever started the tests may have it ignored.
                 "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
                 "store = nanots.Store(sys.argv[1])\n"
                 "print('waits', flush=True)\n"
                 f"try: {wait}\n"
                 "except KeyboardInterrupt: print('interrupted')\n", self.path],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            self.assertEqual(child.stdout.readline(), "waits\n")
            time.sleep(0.2)
            child.send_signal(signal.SIGINT)
            out, error = child.communicate(timeout=60)
            self.assertEqual((out, error, child.returncode), ("interrupted\n", "", 0), wait)

    def test_interrupted_reads(self):
        store = nanots.Store.create(self.path, block_size=1 << 20, block_count=64)
        with store.writer().create_context("t") as context:
            context.write_batch(range(1_000_000), [b"x" * 8] * 1_000_000)
        run = self.python(
            """
            import nanots, signal, sys
            def stop(*_): raise TimeoutError("stopped")
            signal.signal(signal.SIGALRM, stop)
            reader = nanots.Reader(sys.argv[1])
            signal.setitimer(signal.ITIMER_REAL, 0.02)
            try: reader.read("t", 0, 10**9)
            except TimeoutError as error: print(error)
            print(len(reader.read("t", 0, 99)))
            """
        )
        self.assertEqual(run.stdout, "stopped\n100\n")

    @unittest.skipUnless(hasattr(os, "fork"), "there is no fork here")
    def test_a_child_cannot_use_what_its_parent_made(self):
        self.make().close()
        run = self.python(
            """
            import nanots, os, sys, warnings
            warnings.simplefilter("ignore")
            store = nanots.Store(sys.argv[1])
            context = store.writer().create_context("t")
            context.write(b"parent", 1)
            frames = store.iterator("t")
            if os.fork() == 0:
                for use in (lambda: context.write(b"child", 2), frames.next, store.statistics):
                    try: use(); print("used")
                    except nanots.InvalidArgumentError as error: assert "before the process forked" in str(error)
                del context, frames, store, use
                try: nanots.Store(sys.argv[1]).writer().create_context("t"); print("two writers")
                except nanots.DuplicateStreamTagError: pass
                assert nanots.Reader(sys.argv[1]).read("t", 0, 9)[0]["data"] == b"parent"
                sys.stdout.flush()
                os._exit(7)
            print(os.waitstatus_to_exitcode(os.wait()[1]) if sys.version_info >= (3, 9) else 7)
            context.write(b"again", 2)
            context.close()
            """
        )
        self.assertEqual((run.returncode, run.stdout), (0, "7\n"))
        self.assertEqual([f["data"] for f in nanots.Reader(self.path).read("t", 0, 9)], [b"parent", b"again"])

    def test_a_deleted_file_is_usable_on(self):
        store = self.make()
        with store.writer().create_context("t") as context:
            self.fill(context, range(5))
            os.unlink(self.path)
            self.fill(context, range(5, 10))
        frames = store.iterator("t")
        self.assertEqual([f["data"] for f in frames], [payload(t) for t in range(10)])
        with self.assertRaises(nanots.CantOpenError):
            nanots.Reader(self.path)

    def test_a_truncated_file_with_the_guard(self):
        store = self.make()
        with store.writer().create_context("t") as context:
            self.fill(context, range(2000))
        store.close()
        run = self.python(
            """
            import nanots, os, sys
            nanots.guard_bus_errors()
            frames = nanots.Iterator(sys.argv[1], "t")
            os.truncate(sys.argv[1], 8192)
            try:
                for _ in frames: pass
            except nanots.IOFailureError as error:
                print("failed")
            """
        )
        self.assertEqual((run.returncode, run.stdout), (0, "failed\n"))

    def test_the_import_is_light(self):
        run = self.python("import sys, nanots; print([m for m in ('numpy', 'asyncio', 'pyarrow') if m in sys.modules])")
        self.assertEqual(run.stdout, "[]\n")
