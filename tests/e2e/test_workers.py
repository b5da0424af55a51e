"""Four workers on one corpus: none loses what another found, and one that is killed from outside is named and replaced."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import ftf

TARGET, SECONDS, WORKERS = "json", 60, 4
KILL_AT, AFTER_KILL = 100, 6  # inputs, and seconds for another worker to take its place
ENOUGH = 3000                 # inputs: from 4,096 on a corpus gives some up, which is no loss


def children_of(pid):
    """The processes below one, with what each was started with."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            continue  # it has just ended
        if parent == pid:
            yield int(folder.name), command
            yield from children_of(int(folder.name))


def kill_one(campaign):
    """Ends a worker as the kernel does when memory runs out; its name."""
    for pid, command in sorted(children_of(campaign.pid)):
        name = next((word for word in command if word.startswith(b"--name=")), None)
        if name is not None and b"--serve" in command:
            os.kill(pid, signal.SIGKILL)
            return name.decode().removeprefix("--name=").split(".")[0]
    return None


def watch(campaign, corpus):
    """All names that were ever seen in the corpus, and the name of the worker that was killed in between. Ends the campaign."""
    seen, killed, killed_at = set(), None, 0
    while campaign.poll() is None:
        seen |= set(os.listdir(corpus)) if corpus.is_dir() else set()
        if killed is None and len(seen) >= KILL_AT:
            killed, killed_at = kill_one(campaign), time.monotonic()
        if killed is not None and (time.monotonic() - killed_at > AFTER_KILL or len(seen) >= ENOUGH):
            campaign.send_signal(signal.SIGINT)
            campaign.wait()
        time.sleep(0.1)
    return {name for name in seen if not name.startswith(".")}, killed


def run(tally):
    with ftf.Scratch("workers") as scratch:
        command = [str(ftf.FTFUZZ), "fuzz", TARGET, "--jobs", str(WORKERS), "--time", str(SECONDS), "--seed", "3", "--flavour", "asan",
                   "--confirm", "0", "--out", str(scratch), "--json"]
        with open(scratch / "err", "w", encoding="utf-8") as err:
            campaign = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=err, text=True)
            seen, killed = watch(campaign, scratch / TARGET / "corpus")
        summary = json.loads(campaign.stdout.read())
        said = (scratch / "err").read_text()
        left = set(os.listdir(scratch / TARGET / "corpus")) | set(os.listdir(scratch / TARGET / "quarantine"))
        tally.check("workers: a campaign of four goes on when one is killed", campaign.returncode in (0, 1), f"exit {campaign.returncode}")
        tally.check("workers: with fewer inputs than a corpus has room for", len(seen) < 4096, str(len(seen)))
        tally.check("workers: who was killed is named", killed is not None and f"worker {killed} was killed" in said and "SIGKILL" in said,
                    f"{killed}: {said[-400:]}")
        tally.check("workers: another one took its place", summary.get("starts", 0) > WORKERS, str(summary.get("starts")))
        tally.check(f"workers: of {len(seen)} inputs none was lost", len(seen) > 20 and seen <= left, str(sorted(seen - left))[:300])
        tally.check("workers: none outlives its campaign", not list(children_of(campaign.pid)))


if __name__ == "__main__":
    ftf.run_alone(run)
