"""Running commands, and leaving out tests of what is not installed."""

import shutil
import subprocess
import unittest


def run(*command, **more):
    """What it writes; an assertion fails if it does."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **more)
    if done.returncode != 0:
        raise AssertionError(f"{command}\n{done.stdout[-6000:]}{done.stderr[-4000:]}")
    return done.stdout


def needs(*programs):
    """Skips what it decorates, with a word, where one of the programs is missing."""
    missing = [name for name in programs if not shutil.which(name)]
    return unittest.skipIf(missing, f"not installed: {', '.join(missing)}")


def debian_mirror():
    """Where apt gets Debian 12 from, as a line for mmdebstrap; or null."""
    sources = run("apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)").splitlines()
    mirror = next((line.split()[0] for line in sources if line.endswith(" bookworm")), None)
    return f"deb {mirror} bookworm main" if mirror else None
