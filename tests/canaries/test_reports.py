"""reports.py: which findings it reads out of what sanitizers print."""

import unittest

import reports

RACE = """\
noise before
==================
WARNING: ThreadSanitizer: data race (pid=1)
  Write of size 8 at 0x7f01 by thread T2:
    #0 _Py_atomic_store_ptr /include/python3.13t/cpython/pyatomic_gcc.h:300:3 (m.so+0x1)
    #1 writer /src/targets/canaries/m.c:10:5 (m.so+0x1)
    #2 cfunction_vectorcall /src/Objects/methodobject.c:484:24 (python3.13t+0x2)

  Previous atomic read of size 8 at 0x7f01 by thread T1:
    #0 list_get_item_ref /src/Objects/listobject.c:365:12 (python3.13t+0x3)
    #1 reader /src/targets/canaries/m.c (m.so+0x4)

  Location is heap block of size 32 at 0x7f00 allocated by main thread:
    #0 malloc <null> (python3.13t+0x5)
    #1 maker /src/targets/canaries/m.c:99:5 (m.so+0x6)

SUMMARY: ThreadSanitizer: data race /src/targets/canaries/m.c:10:5 in writer
==================
"""

FREED = """\
=================================================================
==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x60 at pc 0x1 bp 0x2 sp 0x3
READ of size 8 at 0x60 thread T3
    #0 0x7f01 in user /src/targets/canaries/m.c:20:9
    #1 0x7f02 in cfunction_vectorcall /src/Objects/methodobject.c:484:24

0x60 is located 0 bytes inside of 64-byte region [0x60,0xa0)
freed by thread T2 here:
    #0 0x55 in free (/bin/python3.13t+0x9)
    #1 0x7f03 in closer /src/targets/canaries/m.c:30:5

previously allocated by thread T0 here:
    #0 0x55 in malloc (/bin/python3.13t+0x9)
    #1 0x7f04 in maker /src/targets/canaries/m.c:40:5

SUMMARY: AddressSanitizer: heap-use-after-free /src/targets/canaries/m.c:20:9 in user
"""

ORDER = """\
WARNING: ThreadSanitizer: lock-order-inversion (potential deadlock) (pid=1)
  Cycle in lock order graph: M0 (0x1) => M1 (0x2) => M0

  Mutex M1 acquired here while holding mutex M0 in thread T1:
    #0 pthread_mutex_lock <null> (python3.13t+0x1)
    #1 lock_both /src/targets/canaries/m.c:50:5 (m.so+0x2)

  Mutex M0 previously acquired by the same thread here:
    #0 pthread_mutex_lock <null> (python3.13t+0x1)
    #1 first /src/targets/canaries/m.c:49:5 (m.so+0x2)

  Mutex M0 acquired here while holding mutex M1 in thread T2:
    #0 pthread_mutex_lock <null> (python3.13t+0x1)
    #1 lock_both /src/targets/canaries/m.c:50:5 (m.so+0x2)

SUMMARY: ThreadSanitizer: lock-order-inversion (potential deadlock)
"""


def ours(path):
    return "/targets/canaries/" in path


def parse(text):
    return [str(finding) for finding in reports.parse(text, ours)]


class Parse(unittest.TestCase):
    def test_a_race_is_its_two_accesses(self):
        self.assertEqual(parse(RACE), ["data-race reader <-> writer"])

    def test_use_after_free_is_access_and_free(self):
        self.assertEqual(parse(FREED), ["use-after-free closer <-> user"])

    def test_lock_order_is_the_two_acquisitions(self):
        self.assertEqual(parse(ORDER), ["lock-order lock_both <-> lock_both"])

    def test_poisoned_memory_counts_as_freed(self):
        text = FREED.replace("heap-use-after-free", "use-after-poison").partition("0x60 is located")[0]
        self.assertEqual(parse(text), ["use-after-free user"])

    def test_several_reports(self):
        self.assertEqual(len(parse(RACE + "text between\n" + RACE)), 2)

    def test_a_stack_outside_of_the_extension(self):
        (finding,) = reports.parse(RACE.replace("/src/targets/canaries/m.c", "/src/other.c"), ours)
        self.assertFalse(finding.touches)

    def test_nothing_is_nothing(self):
        self.assertEqual(parse("hammer: 12 rounds\n"), [])


if __name__ == "__main__":
    unittest.main()
