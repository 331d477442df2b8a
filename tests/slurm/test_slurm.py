"""scripts/sweep.sbatch on a one-node Slurm that this starts and ends: for scripts/test.sh --all, as root.

Debian's slurmctld, slurmd, slurm-client and munge; where they or the rights to start them are missing, it is skipped.
"""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("MBSOPT", str(ROOT / "build/src/cli/mbsopt"))
SCRIPT = ROOT / "scripts" / "sweep.sbatch"
TOOLS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "scancel", "squeue", "sinfo")
PATIENCE_S = 180
# 96 points, and so small a memory that many tasks find room
MANY = ["resnet50", "resnet152", "--buffer=1MiB..128MiB:x2", "--batch=4,8,16,32,48,64"]
FEW = ["alexnet", "--batch=1..6:+1"]
SMALL = "--cpus-per-task=1 --mem-per-cpu=200M"

CONFIGURATION = """ClusterName=mbsopt
SlurmctldHost={host}(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
SlurmUser=root
SlurmdUser=root
SlurmctldPort={first}
SlurmdPort={second}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,bf_interval=1
KillWait=5
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=1000 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=120 State=UP
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(what, condition):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"in {PATIENCE_S} s there was no {what}")
        time.sleep(0.1)


@unittest.skipUnless(all(map(shutil.which, TOOLS)) and os.geteuid() == 0, "Slurm and munge are not installed, or not root")
class Slurm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = pathlib.Path(tempfile.mkdtemp(prefix="mbsopt-slurm-"))
        cls.cluster.chmod(0o755)
        cls.addClassCleanup(shutil.rmtree, cls.cluster, True)
        for name in ("munge", "state", "spool"):
            (cls.cluster / name).mkdir(mode=0o755)
        (cls.cluster / "munge/key").write_bytes(os.urandom(128))
        (cls.cluster / "munge/key").chmod(0o400)
        host = socket.gethostname().split(".")[0]
        (cls.cluster / "slurm.conf").write_text(CONFIGURATION.format(
            folder=cls.cluster, host=host, first=free_port(), second=free_port()))
        cls.env = {**os.environ, "SLURM_CONF": str(cls.cluster / "slurm.conf"), "MBSOPT": PROGRAM,
                   "SBATCH_OPTIONS": SMALL, "LC_ALL": "C.UTF-8"}
        munge = cls.cluster / "munge"
        started = []
        cls.addClassCleanup(cls.end, started)
        for command in (["munged", "--foreground", "--force", f"--key-file={munge}/key", f"--socket={munge}/socket",
                         f"--pid-file={munge}/pid", f"--log-file={munge}/log", f"--seed-file={munge}/seed"],
                        ["slurmctld", "-D"], ["slurmd", "-D"]):
            started.append(subprocess.Popen(  # pylint: disable=consider-using-with
                command, env=cls.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            if command[0] == "munged":
                wait_for("munge", (munge / "socket").exists)
        wait_for("idle node", lambda: "idle" in cls.tell("sinfo", "-h", "-o", "%T"))

    @staticmethod
    def end(started):
        for process in reversed(started):
            process.terminate()
            process.wait()

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sweep-", dir=self.cluster))
        self.out = self.folder / "out.csv"

    @classmethod
    def tell(cls, *command, **more):
        done = subprocess.run([str(word) for word in command], env=cls.env, capture_output=True, text=True,
                              check=False, **more)
        return done.stdout + done.stderr

    def submit(self, *words, status=0, env=None, script=("bash", SCRIPT)):
        done = subprocess.run([str(word) for word in (*script, *words)], cwd=self.folder, env={**self.env, **(env or {})},
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def wait(self):
        wait_for("empty queue", lambda: not self.tell("squeue", "-h").strip())

    def logs(self):
        return "".join(path.read_text() for path in sorted(self.folder.glob("slurm-*.out")))

    def whole(self, words):
        """What one process writes."""
        return subprocess.run([PROGRAM, "sweep", *words], env=self.env, capture_output=True, text=True,
                              check=True).stdout

    def rows(self, shard):
        part = self.folder / f"out.csv.shard-{shard}.part"
        return part.read_text().count("\n") - 1 if part.exists() else 0

    def test_killed_and_requeued(self):
        """Four shards, one requeued and one killed in their midst; the same command goes on, and all is as in one run."""
        said = self.submit(4, self.out, *MANY)
        self.assertIn("96 points: 2 networks, 8 buffers, 6 batches, 1 planner, 1 machine\n24 in shard 0/4\n", said)
        array = re.search(r"job array (\d+)", said).group(1)
        wait_for("rows of shards 1 and 2", lambda: self.rows(1) > 1 and self.rows(2) > 1)
        self.tell("scontrol", "requeue", f"{array}_1")
        self.tell("scancel", f"{array}_2")
        self.wait()
        logs = self.logs()
        self.assertRegex(logs, r"shard 1 of 4: ended by SIGTERM, .*\n.*shard 1 of 4: not whole, status 143: \d+ rows are kept")
        self.assertRegex(logs, r"shard 1 of 4: started again, with [1-9]\d* rows")
        self.assertIn("shard 1 of 4: whole, 24 rows", logs)
        self.assertRegex(logs, r"shard 2 of 4 is not whole: \d+ rows; the same command goes on")
        self.assertFalse(self.out.exists())
        self.submit(4, self.out, *MANY)
        self.wait()
        self.assertIn("all 4 shards are whole: 96 rows in ", self.logs())
        self.assertEqual(self.out.read_text(), self.whole(MANY))
        self.assertEqual(list(self.folder.glob("out.csv?*")), [])

    def test_sbatch_itself(self):
        """From a job, and as an array, whose last task merges; the script is then a copy in the spool folder."""
        for more in ([], ["--array=0-2"]):
            self.submit(*SMALL.split(), *more, SCRIPT, 3, self.out, *FEW, script=("sbatch",), env={"SBATCH_OPTIONS": ""})
            wait_for("rows", self.out.exists)
            self.wait()
            self.assertEqual(self.out.read_text(), self.whole(FEW), self.logs())
            self.assertEqual(list(self.folder.glob("out.csv?*")), [])
            self.out.unlink()
        self.submit("--array=0-1", *SMALL.split(), SCRIPT, 3, self.out, *FEW, script=("sbatch",))
        self.wait()
        self.assertIn("3 shards: expected --array=0-2", self.logs())

    def test_what_is_refused_before_it_is_submitted(self):
        for words, status, says in (([3, self.out, "alexnet", "--bufer=1MiB"], 2, "did you mean --buffer?"),
                                    ([3, self.out, "alexnt"], 5, "alexnt"), ([0, self.out, "alexnet"], 2, "usage: "),
                                    ([3, self.out], 2, "usage: ")):
            self.assertIn(says, self.submit(*words, status=status))
        for options, why in (("--cpus-per-task=64", ".*not available"), (f"{SMALL} --partition=none", ".*partition"),
                             ("", ".*not available"),  # the script's own memory
                             (f"{SMALL} --time=121", "--time=02:01:00 is more than partition all allows, 2:00:00"),
                             (f"{SMALL} --time=9-0", "--time=9-00:00:00 is more than partition all allows, 2:00:00")):
            said = self.submit(3, self.out, *FEW, status=1, env={"SBATCH_OPTIONS": options})
            self.assertRegex(said, f"Slurm does not take the array: {why}")
            self.assertRegex(said, r"--partition=all  at most --time=2:00:00  --cpus-per-task=4  1000 MB a node")
        self.out.write_text("mine")
        self.assertIn("is there already", self.submit(3, self.out, *FEW, status=1))
        self.assertEqual(self.tell("squeue", "-h").strip(), "")


if __name__ == "__main__":
    unittest.main()
