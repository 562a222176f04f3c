"""The program that the project began from, as it is printed, with only its `db_file` named."""

import os
import pathlib
import subprocess
import sys
import unittest

from support import StoreTest

SEED = pathlib.Path(__file__).resolve().parents[3] / "shared" / "seed" / "nanots-python-readme.md"


class SeedTest(StoreTest):
    @unittest.skipUnless(SEED.exists(), f"{SEED} is not there")
    def test_the_program_runs_as_printed(self):
        program = SEED.read_text().split("```")[1].replace("import nanots\n", 'import nanots\ndb_file = "test.nts"\n')
        script = os.path.join(self.directory, "seed.py")
        pathlib.Path(script).write_text(program)
        run = subprocess.run(
            [sys.executable, script], cwd=self.directory, capture_output=True, text=True, encoding="utf-8",
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        )
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        lines = run.stdout.splitlines()
        temperatures = [20.0 + i + i * 0.5 for i in range(10)]
        self.assertEqual(len(lines), 10 + 3 + 1 + 8, run.stdout)
        for line, celsius in zip(lines, temperatures):
            self.assertIn(f'Writing data: {{"temp_c": {celsius}, "sensor": "temp_01"}} at ', line)
        read = [f"      {i + 1}. {celsius}°C from temp_01" for i, celsius in enumerate(temperatures[:3])]
        self.assertEqual(lines[10:13], read)
        self.assertEqual(lines[13], "Iterating through data:")
        base = int(lines[0].rsplit(" ", 1)[1])
        iterated = [
            f"      {i + 1}. {celsius}°C from temp_01 at {base + (i + 2) * 5000}"
            for i, celsius in enumerate(temperatures[2:])
        ]
        self.assertEqual(lines[14:], iterated)
