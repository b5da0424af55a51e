"""Loads scripts of this folder into a process that imports the target, too.

    sys.path.insert(0, FOLDER)
    import siblings
    parts = siblings.load(FOLDER, ("language", "calls"))        {name: module}
"""

import os
import sys


def load(folder, names):
    """Imports the modules of a folder that is first in sys.path, then takes it and all that came from it out of the way, this
    module as well: a target may have the same name as one."""
    before = set(sys.modules) - {__name__}
    loaded = {name: __import__(name) for name in names}
    sys.path.remove(folder)
    for name in set(sys.modules) - before:
        if os.path.dirname(getattr(sys.modules[name], "__file__", None) or "") == folder:
            del sys.modules[name]
    return loaded
