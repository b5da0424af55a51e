"""A package with planted bugs (K7, an owned reference swapped without atomicity, and K21, reentrancy) behind a Python front."""

from planted import _stubborn
from planted._latest import Latest

__all__ = ["Latest", "twice"]
twice = _stubborn.twice
