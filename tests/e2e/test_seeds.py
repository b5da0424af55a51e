"""Every reviewed seed of corpora/ runs in a fresh process: it parses, its target imports, and no bug of ours comes up.

What a seed shows of the target is no concern of this test; that is what it is a seed for.
"""

import concurrent.futures
import os

import ftf


def replay(seed):
    return seed, ftf.ftfuzz("replay", seed, "-n", 1, "--jobs", 1, "--flavour", "tsan", "--json", timeout=300)


def run(tally):
    seeds = sorted((ftf.ROOT / "corpora").glob("*/*.ft"))
    for name in sorted({seed.parent.name for seed in seeds}):
        ftf.ftfuzz("show", name)  # learnt once, before replays want it at the same time
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for seed, result in pool.map(replay, seeds):
            counts = result.json()
            ran = bool(counts) and counts[0]["n"] == 1 and counts[0]["broken"] == 0
            tally.check(f"seed {seed.relative_to(ftf.ROOT)}", result.code in (0, 1) and ran,
                        f"exit {result.code}, {result.err.strip()[-300:]}", quiet=True)
    print(f"ok    {len(seeds)} seeds were replayed" if seeds else "FAIL  no seeds")


if __name__ == "__main__":
    ftf.run_alone(run)
