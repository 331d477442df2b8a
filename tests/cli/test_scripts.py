"""The scripts around the program: sweeps in shards, and waiting for a package manager's lock."""

import json
import os
import shutil
import signal
import subprocess
import time
import unittest

from harness import ALEXNET, NETWORKS, PROGRAM, ROOT, environment, heed_interrupts
from sweeping import MANY, Sweep


def processes_with(word):
    """The command lines in which `word` stands."""
    found = []
    for entry in os.scandir("/proc"):
        try:
            with open(f"/proc/{entry.name}/cmdline", "rb") as file:
                text = file.read().decode(errors="replace")
        except OSError: # it has ended, or is none
            continue
        if word in text:
            found.append(text.replace("\0", " "))
    return found


class Scripts(Sweep):
    def run_script(self, name, *arguments, **more):
        return subprocess.run(["bash", ROOT / "scripts" / name, *map(str, arguments)],
                              capture_output=True, text=True, check=False,
                              env=environment(MBSOPT=PROGRAM, **more), cwd=self.folder)

    def other_parallel(self):
        """A PATH on which `parallel` is some other program than GNU's."""
        tools = self.folder / "tools"
        tools.mkdir(exist_ok=True)
        (tools / "parallel").write_text("#!/bin/sh\nexit 1\n")
        (tools / "parallel").chmod(0o755)
        return f"{tools}:{os.environ['PATH']}"

    def test_parallel(self):
        """With GNU parallel, if it is there, and with xargs."""
        whole = self.text(*MANY)
        for path in (os.environ["PATH"], self.other_parallel()):
            done = self.run_script("sweep_parallel.sh", 3, "out.csv", *MANY, PATH=path)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual((self.folder / "out.csv").read_text(), whole)
            (self.folder / "out.csv").unlink()
            self.assert_files("tools")
        self.assertIn("GNU parallel is not installed", done.stderr)
        for words in ([], [0, "x", ALEXNET], ["a", "x", ALEXNET], [3, "x"]):
            self.assertEqual(self.run_script("sweep_parallel.sh", *words).returncode, 2)
        self.assertNotEqual(
            self.run_script("sweep_parallel.sh", 2, "y", ALEXNET, "--batch=0").returncode, 0)
        self.assertFalse((self.folder / "y").exists())

    def test_ends_what_it_started(self):
        """Ended, it ends its sweeps, whose rows stay; the same command goes on."""
        few = [str(NETWORKS / "resnet50.json"), "--batch=1..120:+1", "--planner", "baseline,dp"]
        whole = self.text(*few)
        for path in (os.environ["PATH"], self.other_parallel()):
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                out = self.folder / "out.csv"
                command = ["bash", ROOT / "scripts" / "sweep_parallel.sh", "3", out, *few]
                settings = {"env": environment(MBSOPT=PROGRAM, PATH=path, JOBS="2")}
                with subprocess.Popen(command, stderr=subprocess.PIPE, text=True,
                                      preexec_fn=heed_interrupts, **settings) as running:
                    parts = [self.folder / f"out.csv.shard-{k}.part" for k in (0, 1)]
                    while running.poll() is None and not all(
                            part.exists() and part.stat().st_size > 2000 for part in parts):
                        time.sleep(0.01)
                    self.assertTrue(processes_with(str(out)))
                    running.send_signal(number)
                    message = running.communicate()[1]
                self.assertEqual(running.returncode, -number, message)
                self.assertIn("interrupted; the same command goes on\n", message)
                self.assertEqual(processes_with(str(out)), [])
                self.assertFalse(out.exists())
                rows = sum(part.read_text().count("\n") - 1 for part in parts)
                self.assertGreater(rows, 2)
                done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False,
                                      **settings)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(out.read_text(), whole)
                self.assert_files("out.csv", "tools")
                out.unlink()

    def test_does_not_replace(self):
        out = self.folder / "out.csv"
        out.write_text("mine")
        done = self.run_script("sweep_parallel.sh", 2, out, *MANY)
        self.assertEqual((done.returncode, out.read_text()), (1, "mine"))
        self.assertIn("out.csv is there already (--force replaces it)", done.stderr)
        done = self.run_script("sweep_parallel.sh", 2, out, *MANY, "--force")
        self.assertEqual((done.returncode, out.read_text()), (0, self.text(*MANY)), done.stderr)

    def test_slurm(self):
        """With an sbatch that runs the tasks at once, one after the other."""
        tools = self.folder / "tools"
        tools.mkdir()
        sbatch = tools / "sbatch"
        sbatch.write_text("""#!/bin/bash
set -e
tasks=""
while [[ $1 == --* ]]; do
    case $1 in
    --array=0-*) tasks=$(seq 0 "${1#--array=0-}") ;;
    --dependency=*) [ "$1" = --dependency=afterany:7 ] ;;
    --test-only) exit 0 ;;
    esac
    shift
done
cp "$1" spooled
shift
for task in ${tasks:-none}; do
    [ "$task" = none ] || export SLURM_ARRAY_TASK_ID=$task SLURM_CPUS_PER_TASK=2
    bash spooled "$@" >>log
done
rm spooled
echo "7;cluster"
""")
        sbatch.chmod(0o755)
        done = self.run_script("sweep.sbatch", 4, "out.csv", *MANY,
                               PATH=f"{tools}:{os.environ['PATH']}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"^\d+ points: .*\n\d+ in shard 0/4\njob array 7; ")
        self.assertEqual((self.folder / "out.csv").read_text(), self.text(*MANY))
        bad = self.run_script("sweep.sbatch", 4, "other.csv", ALEXNET, "--bufer=1", PATH=f"{tools}:{os.environ['PATH']}")
        self.assertEqual((bad.returncode, bad.stdout), (2, ""))
        self.assertIn("did you mean --buffer?", bad.stderr)
        shutil.rmtree(tools)
        self.assert_files("log", "out.csv")

    @unittest.skipUnless(shutil.which("shellcheck"), "no shellcheck")
    def test_shellcheck(self):
        scripts = [ROOT / "scripts" / name for name in ("sweep.sbatch", "sweep_lib.sh", "sweep_parallel.sh")]
        done = subprocess.run(["shellcheck", "-x", "-P", str(ROOT), *scripts], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stdout)


class Packages(Sweep):
    """lib.sh with an apt-get that finds its lock held a few times."""

    HELD = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 77 (apt-get)"
    OLD = "E: Could not get lock /var/lib/dpkg/lock - open (11: Resource temporarily unavailable)"
    LISTS = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 77 (apt-get)"
    DENIED = "E: Could not open lock file /var/lib/dpkg/lock - open (13: Permission denied)"

    def install(self, message, failures, command="apt_quietly install x"):
        tools = self.folder / "tools"
        tools.mkdir(exist_ok=True)
        (self.folder / "tries").write_text("")
        for name, text in (("apt-get", f"""echo "$@" >>'{self.folder}/tries'
[ "$(wc -l <'{self.folder}/tries')" -gt {failures} ] || {{ echo '{message}' >&2; exit 100; }}
"""), ("sudo", '[ "$1" = -n ] && shift; exec "$@"\n'), ("sleep", "exit 0\n")):
            (tools / name).write_text("#!/bin/sh\n" + text)
            (tools / name).chmod(0o755)
        done = subprocess.run(
            ["bash", "-c", f". '{ROOT}/scripts/lib.sh'; {command}"], capture_output=True, text=True,
            check=False, env=environment(PATH=f"{tools}:{os.environ['PATH']}"))
        return done, (self.folder / "tries").read_text().count("\n")

    def test_waits_for_a_lock(self):
        for message in (self.HELD, self.OLD, self.LISTS):
            done, tries = self.install(message, 3)
            self.assertEqual((done.returncode, done.stdout, tries), (0, "", 4), done)
            self.assertEqual(done.stderr, "waiting for another program that installs packages: " +
                             message[3:] + "\n")

    def test_says_so_where_a_failure_is_no_matter(self):
        done, tries = self.install(self.HELD, 1, "install_or_say 'some tests are skipped' x")
        self.assertEqual((done.returncode, tries), (0, 2), done)
        self.assertIn("held by process 77", done.stderr)

    def test_does_not_wait_for_ever(self):
        done, tries = self.install(self.HELD, 99, "apt_patience=0; apt_quietly install x")
        self.assertEqual((done.returncode, tries), (1, 1), done)
        self.assertEqual(done.stderr, self.HELD + "\n")

    def test_other_failures_are_told_at_once(self):
        for message in (self.DENIED, "E: Unable to locate package x"):
            done, tries = self.install(message, 99)
            self.assertEqual((done.returncode, done.stderr, tries), (1, message + "\n", 1))


if __name__ == "__main__":
    unittest.main()
