"""What the tests of `mbsopt sweep` share."""

import csv
import io
import subprocess
import sys

from harness import ALEXNET, NETWORKS, ROOT, CliTest, conv, network, relu

RESNET18 = str(NETWORKS / "resnet18.json")
MACHINES = [str(ROOT / "models" / "hardware" / name)
            for name in ("wavecore.json", "wavecore-gddr5.json", "wavecore-lpddr4.json")]
SMALL = network([conv("c1", "image"), relu("r1", "c1"), conv("c2", "r1")])
MERGE = str(ROOT / "scripts" / "sweep_merge.py")

# 2 networks, 3 buffers, 2 batches, 2 planners, 3 machines
MANY = [ALEXNET, RESNET18, "--buffer", "1MiB..4MiB:x2", "--batch", "4,9", "--planner",
        "baseline,dp", "--hardware", ",".join(MACHINES)]
POINTS = 2 * 3 * 2 * 2 * 3


class Sweep(CliTest):
    def few(self):
        """A sweep that takes next to no time: 2 networks, 2 buffers, 2 planners."""
        paths = [self.file(f"{name}.json", SMALL.replace('"test"', f'"{name}"'))
                 for name in ("first", "second")]
        return [*paths, "--buffer", "4KiB,8KiB", "--batch=5", "--planner", "baseline,dp"], 2 * 2 * 2

    def text(self, *arguments, **more):
        return self.succeed("sweep", *arguments, **more).out

    def rows(self, *arguments, **more):
        return list(csv.DictReader(io.StringIO(self.text(*arguments, **more))))

    def merge(self, *arguments):
        return subprocess.run([sys.executable, MERGE, *map(str, arguments)], capture_output=True,
                              text=True, check=False)
