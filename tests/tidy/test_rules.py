"""Runs every rule of rules.py over the files that git knows (and those it would add), and over the rule's own sample.

    python3 tests/tidy/test_rules.py [RULE...]
"""

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.dont_write_bytecode = True
import rules  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]


def files():
    """The tree without what is ignored; without git (an unpacked archive), everything but build and out."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"],
                            capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        return sorted(p for p in set(listed.stdout.splitlines()) if (ROOT / p).is_file())
    return sorted(str(p.relative_to(ROOT)) for p in ROOT.rglob("*")
                  if p.is_file() and p.relative_to(ROOT).parts[0] not in ("build", "out", ".git"))


def main():
    wanted = sys.argv[1:]
    texts = {}
    for path in files():
        try:
            texts[path] = (ROOT / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            pass  # a binary file has no lines to judge
    failed = 0
    for rule in rules.RULES:
        if wanted and rule.name not in wanted:
            continue
        sample_path, sample = rule.trips
        if not rule.applies(sample_path) or not list(rule.check(sample_path, sample)):
            print(f"{rule.name}: its own sample does not trip it")
            failed += 1
        looked_at = [path for path in texts if rule.applies(path)]
        problems = [(path, line, what) for path in looked_at for line, what in rule.check(path, texts[path])]
        for path, line, what in problems:
            print(f"{path}:{line}: {what} [{rule.name}]")
        failed += len(problems)
        print(f"{rule.name}: {len(looked_at)} files, {len(problems)} problems")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
