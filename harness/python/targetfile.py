"""Reads targets/<name>.toml: what cannot be learned about a module (targets/README.md explains every key)."""

CONTRACTS = ("no-crash", "memory-safe", "consistent")

# Table -> key -> the type it must have.
_SCHEMA = {
    "target": {
        "import": str, "contract": str, "description": str, "share": list, "reinit": bool, "modules": list,
        "exact": list,
    },
    "skip": {"name": str, "reason": str},
    "make": {"type": str, "lines": list},
    "pattern": {"callable": str, "args": list, "kwargs": dict},
    "values": {},
    "blame": {"files": list},
    "package": {"requirement": str, "system": list, "env": dict, "config": dict},  # of ci/packages/settings.py
}  # fmt: skip
_LISTS = ("skip", "make", "pattern")  # written [[name]]
_REQUIRED = {"skip": ("name", "reason"), "make": ("type", "lines"), "pattern": ("callable",)}


class TargetFileError(Exception):
    """The file cannot be used; the message is one line that names file and reason."""


class TargetFile:
    """The content of a target file, with a default for everything."""

    def __init__(self):
        self.import_name = None
        self.contract = "memory-safe"
        self.description = ""
        self.share = []
        self.reinit = False
        self.modules = []
        self.exact = []
        self.skips = {}
        self.makes = []
        self.patterns = []
        self.values = {}
        self.blame_files = []
        self.proposed_makes = []  # of a harvest: the same, but nobody has promised that they work
        self.proposed_patterns = []


def load(path, kinds):
    """The TargetFile of a path; `kinds` are the names that [values] may use."""
    import tomllib

    try:
        with open(path, "rb") as file:
            data = tomllib.load(file)
    except OSError as error:
        raise TargetFileError("%s: %s" % (path, error.strerror)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TargetFileError("%s: %s" % (path, error)) from None
    try:
        _check(data, kinds)
    except TargetFileError as error:
        raise TargetFileError("%s: %s" % (path, error)) from None
    result = TargetFile()
    head = data.get("target", {})
    result.import_name = head.get("import")
    for key in ("contract", "description", "share", "reinit", "modules", "exact"):
        setattr(result, key, head.get(key, getattr(result, key)))
    result.skips = {row["name"]: row["reason"] for row in data.get("skip", [])}
    result.makes = data.get("make", [])
    result.patterns = data.get("pattern", [])
    result.values = data.get("values", {})
    result.blame_files = data.get("blame", {}).get("files", [])
    return result


def _check(data, kinds):
    for table, content in data.items():
        if table not in _SCHEMA:
            raise TargetFileError("unknown table [%s]; known are %s" % (table, ", ".join(sorted(_SCHEMA))))
        rows = content if table in _LISTS else [content]
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            form = "[[%s]]" if table in _LISTS else "[%s]"
            raise TargetFileError("'%s' must be written as a table, %s" % (table, form % table))
        for row in rows:
            _check_row(table, row, kinds)
    contract = data.get("target", {}).get("contract", CONTRACTS[0])
    if contract not in CONTRACTS:
        raise TargetFileError("[target] contract is '%s'; known are %s" % (contract, ", ".join(CONTRACTS)))


def _check_row(table, row, kinds):
    known = dict.fromkeys(kinds, list) if table == "values" else _SCHEMA[table]
    for key, value in row.items():
        if key not in known:
            raise TargetFileError("unknown key '%s' in [%s]; known are %s" % (key, table, ", ".join(sorted(known))))
        if not isinstance(value, known[key]):
            raise TargetFileError("[%s] %s must be of type %s" % (table, key, known[key].__name__))
        texts = value if known[key] is list else value.values() if known[key] is dict else ()
        if not all(isinstance(text, str) for text in texts):
            raise TargetFileError("[%s] %s must hold strings only" % (table, key))
    for key in _REQUIRED.get(table, ()):
        if not row.get(key):
            raise TargetFileError("[[%s]] needs '%s'" % (table, key))
