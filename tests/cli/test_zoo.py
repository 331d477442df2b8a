"""The networks that come with mbsopt, and the table of them in docs/zoo.md."""

import csv
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from harness import NETWORKS, ROOT, CliTest, environment  # noqa: E402


def rows(text):
    """The table's rows by network, cells without blanks around."""
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| "))
    return {row[0]: row for row in cells if row[0] != "network"}


class ZooTest(CliTest):
    def test_size(self):
        files = list(NETWORKS.iterdir())
        self.assertLessEqual(len(files), 26)
        self.assertLess(sum(file.stat().st_size for file in files), 5_000_000)

    def test_table_names_what_is_here(self):
        table = rows((ROOT / "docs/zoo.md").read_text())
        self.assertEqual({name for name, row in table.items() if row[1]}, {file.stem for file in NETWORKS.iterdir()})
        for file in NETWORKS.iterdir():
            parameters, = re.findall(r", (\d+) parameters", self.succeed("show", file).out)
            self.assertEqual(table[file.stem][3].replace(" ", ""), parameters, file.stem)

    def test_table_is_what_compare_says(self):
        out = self.folder / "zoo.md"
        names = ["resnet18", "squeezenet1_1"]
        done = subprocess.run([sys.executable, str(ROOT / "scripts/zoo_table.py"), "-o", str(out),
                               *(str(NETWORKS / f"{name}.json") for name in names)], capture_output=True, text=True,
                              env=environment())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("2 networks", done.stderr)
        self.assertRegex(done.stderr, r"took \d+ s")
        table = rows(out.read_text())
        self.assertEqual(list(table), names)
        for name in names:
            text = self.succeed("compare", NETWORKS / f"{name}.json", "--planner", "baseline,mbs2,dp,best", "--order", "given",
                                "--dram-efficiency=1", "--format", "csv").out
            found = {row["planner"]: row for row in csv.DictReader(text.splitlines())}
            totals = [f"{int(found[planner]['total_bytes']) / 1e9:.2f}" for planner in ("baseline", "mbs2", "dp")]
            self.assertEqual(table[name][5:8], totals)
            proven = " ✓" if found["best"]["outcome"] == "optimal" else ""
            self.assertEqual(table[name][9], f"{int(found['best']['total_bytes']) / 1e9:.2f}{proven}")
            saved = 1 - float(found["dp"]["time_s"]) / float(found["baseline"]["time_s"])
            self.assertEqual(table[name][10], f"{100 * saved:.1f} %")
            self.assertGreaterEqual(float(table[name][11].split()[0]), round(100 * saved, 1))
            text = self.succeed("compare", NETWORKS / f"{name}.json", "--planner", "baseline,dp", "--buffer=1MiB",
                                "--format=csv").out
            baseline, *both = csv.DictReader(text.splitlines())
            less, fuller = ([100 * (1 - int(r["total_bytes"]) / int(baseline["total_bytes"])) for r in both],
                            [float(r["utilisation"]) for r in both])
            self.assertEqual(table[name][12], f"{less[0]:.1f} % → {less[1]:.1f} %")
            self.assertEqual(table[name][14], f"{fuller[0]:.2f} → {fuller[1]:.2f}")
            self.assertLess(*less)
        out.unlink()


if __name__ == "__main__":
    unittest.main()
