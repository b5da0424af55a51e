#!/usr/bin/env python3
"""The end-to-end tests in their short form, as `make test` and CI run them. The last line is `N passed, N failed`.

    tests/e2e/run.py [SUITE...]        default: all of cli, main, seeds, freed, destroyed, stuck, steals, cold, enough, epochs,
                                       minimize, kill, report, repro, check, harvest, packages, export, workers, workflows, canaries
"""

import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.dont_write_bytecode = True
import ftf  # noqa: E402
import test_check  # noqa: E402
import test_cli  # noqa: E402
import test_cold  # noqa: E402
import test_destroyed  # noqa: E402
import test_main_job  # noqa: E402
import test_minimize  # noqa: E402
import test_packages  # noqa: E402
import test_export  # noqa: E402
import test_enough  # noqa: E402
import test_epochs  # noqa: E402
import test_freed  # noqa: E402
import test_harvest  # noqa: E402
import test_kill  # noqa: E402
import test_report  # noqa: E402
import test_repro  # noqa: E402
import test_seeds  # noqa: E402
import test_workers  # noqa: E402
import test_steals  # noqa: E402
import test_stuck  # noqa: E402
import test_workflows  # noqa: E402

# A bug has 60 s as in `make canaries` and takes a few; a twin, which never ends early, gets a taste only.
CANARIES = ["--time", "60", "--twin-time", "4", "--confirm", "4", "--seed", "1"]


def run_canaries(tally):
    process = subprocess.run([sys.executable, str(Path(__file__).parent / "canaries.py"), *CANARIES], stdout=subprocess.PIPE,
                             text=True, check=False)
    print(process.stdout, end="")
    match = re.search(r"^(\d+) passed, (\d+) failed$", process.stdout, re.M)
    if match is None:
        tally.check("canaries", False, f"exit {process.returncode}")
    else:
        tally.passed += int(match.group(1))
        tally.failed += int(match.group(2))


SUITES = {"cli": test_cli.run, "main": test_main_job.run, "seeds": test_seeds.run, "freed": test_freed.run,
          "destroyed": test_destroyed.run, "stuck": test_stuck.run, "steals": test_steals.run, "cold": test_cold.run,
          "enough": test_enough.run, "epochs": test_epochs.run, "minimize": test_minimize.run, "kill": test_kill.run,
          "report": test_report.run, "repro": test_repro.run, "check": test_check.run, "harvest": test_harvest.run,
          "packages": test_packages.run, "export": test_export.run, "workers": test_workers.run, "workflows": test_workflows.run,
          "canaries": run_canaries}


def main():
    ftf.need_ftfuzz()
    tally = ftf.Tally()
    for name in sys.argv[1:] or SUITES:
        print(f"--- {name}", flush=True)
        SUITES[name](tally)
    return tally.finish()


if __name__ == "__main__":
    sys.exit(main())
