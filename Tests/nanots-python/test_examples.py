"""The examples, on the recordings they are for; what they print is worked out here from the recordings alone."""

import csv
import math
import pathlib
import subprocess
import sys
import unittest

from support import StoreTest

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "Sources" / "nanots-python" / "examples"
DATA = ROOT.parent / "shared" / "data"
IMU, TEMPERATURE = DATA / "imu_xio_100hz.csv", DATA / "machine_temperature_5min.csv"


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def imu():
    return [(round(float(row.pop("time_s")) * 1e6), [float(text) for text in row.values()]) for row in rows(IMU)]


class ReadmeTest(StoreTest):
    def test_the_examples_of_both_readmes_run(self):
        for readme in (ROOT / "README.md", ROOT / "Sources" / "nanots-python" / "README.md"):
            program = readme.read_text().split("```python\n")[1].split("```")[0]
            run = subprocess.run([sys.executable, "-c", program], cwd=self.directory, capture_output=True, text=True)
            self.assertEqual((run.returncode, run.stderr), (0, ""), readme)
            self.assertGreater(len(run.stdout.splitlines()), 3)


@unittest.skipUnless(DATA.exists(), f"{DATA} is not there")
class ExampleTest(StoreTest):
    def printed(self, example, source):
        run = subprocess.run([sys.executable, EXAMPLES / example, source, self.path], capture_output=True, text=True)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        return run.stdout.splitlines()

    def test_sensor_logger(self):
        lines = self.printed("sensor_logger.py", TEMPERATURE)
        readings = rows(TEMPERATURE)
        day = sum(row["timestamp"].startswith("2014-02-01") for row in readings)
        self.assertEqual(lines[0], f"{day} readings on 2014-02-01")
        highest, latest, behind = {}, "", 0
        for row in readings:
            behind += row["timestamp"] <= latest
            latest = max(latest, row["timestamp"])
            if float(row["value"]) > 105:
                date = row["timestamp"][:10]
                highest[date] = max(float(row["value"]), highest.get(date, 0))
        self.assertEqual(lines[1:], [f"{date} {value:.2f}" for date, value in highest.items()]
                         + [f"{behind} readings while the clock was behind"])

    def test_key_frames(self):
        samples = imu()
        for line, seconds in zip(self.printed("key_frames.py", IMU), (1, 60, 120)):
            time, values = [sample for sample in samples if sample[0] <= seconds * 1_000_000][-1]
            self.assertEqual(line, f"{time} {[round(value * 1000) for value in values]}")

    def test_keys(self):
        time, values = next(sample for sample in imu() if sample[0] >= 60_000_000)
        lines = self.printed("keys.py", IMU)
        self.assertEqual(lines, [f"{name} {time} " + " ".join(f"{value:.3f}" for value in values[3 * key : 3 * key + 3])
                                 for key, name in enumerate(("gyro", "acc", "mag"))])

    def test_numpy_analysis(self):
        samples = [sample for sample in imu() if 10_000_000 <= sample[0] <= 70_000_000]
        strengths = [math.hypot(*values[3:6]) for _, values in samples]
        steps = [later[0] - earlier[0] for earlier, later in zip(samples, samples[1:])]
        lines = self.printed("numpy_analysis.py", IMU)
        self.assertEqual(lines[0], f"{len(samples)} samples, {sum(steps) / len(steps) / 1000:.3f} ms apart, "
                         f"at most {max(steps) / 1000:.1f}")
        top = max(range(len(samples)), key=strengths.__getitem__)
        self.assertEqual(lines[1], f"acceleration {sum(strengths) / len(strengths):.4f} g on average, "
                         f"{strengths[top]:.4f} at {samples[top][0]} us")
