"""Every reviewed seed of corpora/ runs in a fresh process: it parses, its target imports, and no bug of ours comes up.

What a seed shows of the target is no concern of this test; that is what it is a seed for. Seeds of packages want those to be built:
they are replayed by packages.py. That they are canonical scenarios is asked of all by tests/unit/test_seeds.c.
"""

import concurrent.futures
import os

import ftf


def run(tally):
    packages = {module for _, module in ftf.packages()}
    names = sorted(folder.name for folder in (ftf.ROOT / "corpora").iterdir() if folder.name not in packages)
    seeds = [seed for name in names for seed in ftf.seeds(name)]
    for name in names:
        ftf.ftfuzz("show", name)  # learnt once, before replays want it at the same time
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for seed, (wrong, _) in zip(seeds, pool.map(ftf.replay_seed, seeds)):
            tally.check(f"seed {seed.relative_to(ftf.ROOT)}", not wrong, wrong, quiet=True)
    print(f"ok    {len(seeds)} seeds were replayed" if seeds else "FAIL  no seeds")


if __name__ == "__main__":
    ftf.run_alone(run)
