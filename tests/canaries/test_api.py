"""Each canary on one thread: bug and twin are ordinary modules that do the same. One test per class, for both versions.

    PYTHONPATH=$(ci/build-target plain canaries) $(ci/build-python plain)/bin/python3.13t tests/canaries/test_api.py
"""

import gc
import importlib
import sys
import unittest

CHECKS = {}


def check(function):
    CHECKS[function.__name__] = function
    return function


@check
def ck01_lazy_static(test, m):
    test.assertEqual([m.weight(3, i) for i in range(3)], [0.5, 1.0, 0.5])
    test.assertEqual([m.weight(4, i) for i in range(4)], [0.4, 0.8, 0.8, 0.4])
    for size in range(257):
        test.assertAlmostEqual(m.gain(size), sum(m.weight(size, i) for i in range(size)))
    test.assertRaises(IndexError, m.weight, 1, 1)
    test.assertRaises(ValueError, m.gain, 257)
    test.assertRaises(TypeError, m.weight, 1)


@check
def ck02_lazy_field(test, m):
    document = m.Document("a bcd ef")
    test.assertEqual(document.longest(), 3)
    test.assertEqual(document.words, ("a", "bcd", "ef"))
    test.assertIs(document.words, document.words)
    test.assertEqual(len(document), 3)
    test.assertEqual(len(m.Document("")), 0)
    test.assertRaises(TypeError, m.Document, 1)


@check
def ck03_borrowed_item(test, m):
    journal = m.Journal()
    test.assertRaises(IndexError, journal.last)
    test.assertFalse(journal.drop())
    journal.add("one")
    journal.add("two")
    test.assertEqual((len(journal), journal.last()), (2, "1: two"))
    test.assertTrue(journal.drop())
    test.assertEqual(journal.last(), "0: one")
    journal.add("x" * 100)
    test.assertEqual(journal.last(), "1: " + "x" * 27)
    test.assertRaises(TypeError, journal.add, 1)
    test.assertRaises(TypeError, m.Journal, 1)


@check
def ck04_dict_next(test, m):
    registry = m.Registry()
    registry.register("a", "1")
    registry.register("b", "None")
    registry.register("a", "2")
    registry.register("c", "")
    test.assertEqual((sorted(registry.dump()), len(registry)), (["a = 2", "b = None"], 3))
    test.assertTrue(registry.unregister("a"))
    test.assertFalse(registry.unregister("a"))
    test.assertRaises(TypeError, registry.register, "a", 2)
    test.assertRaises(TypeError, registry.unregister, 1)


@check
def ck05_realloc(test, m):
    samples = m.Samples()
    test.assertEqual(samples.mean(), 0.0)
    for i in range(101):
        samples.append(i)
    test.assertEqual((samples.mean(), len(samples), samples[7], samples[100]), (50.0, 101, 7.0, 100.0))
    test.assertRaises(IndexError, lambda: samples[101])
    test.assertRaises(IndexError, lambda: samples[-1])
    test.assertRaises(TypeError, samples.append, "x")
    test.assertRaises(TypeError, iter, samples)


@check
def ck06_export_counter(test, m):
    blob = m.Blob(3)
    view = blob.view()
    test.assertEqual((view.tobytes(), len(blob)), (b"\0\1\2", 3))
    test.assertRaises(BufferError, blob.resize, 4)
    view.release()
    view.release()
    test.assertRaises(ValueError, view.tobytes)
    blob.resize(300)
    test.assertEqual(blob.view().tobytes(), bytes(i & 255 for i in range(300)))
    blob.resize(0)
    test.assertEqual((blob.view().tobytes(), len(blob)), (b"", 0))
    test.assertRaises(ValueError, blob.resize, -1)
    test.assertRaises(ValueError, m.Blob, 1 << 20)
    test.assertRaises(TypeError, m.View)
    view = m.Blob(1).view()
    test.assertEqual(view.tobytes(), b"\0")


@check
def ck07_swap_reference(test, m):
    latest = m.Latest()
    test.assertIsNone(latest.get())
    latest.publish("one")
    test.assertRaises(TypeError, latest.publish, 1)
    latest.publish("two")
    test.assertEqual(latest.get(), "<two>")
    latest.forget()
    latest.forget()
    test.assertIsNone(latest.get())


@check
def ck08_iterator_exhaustion(test, m):
    test.assertEqual(list(m.Pairs("abc")), [("a", "b"), ("b", "c")])
    test.assertEqual(list(m.Pairs([])), [])
    pairs = m.Pairs([1, 2])
    test.assertEqual(pairs.__length_hint__(), 1)
    test.assertEqual(next(pairs), (1, 2))
    for _ in range(3):
        test.assertRaises(StopIteration, next, pairs)
    test.assertEqual(pairs.__length_hint__(), 0)
    test.assertRaises(TypeError, m.Pairs, 1)


@check
def ck09_shared_cursor(test, m):
    numbers = m.Varints(b"\x01\x81\x00\x7f")
    test.assertEqual((list(numbers), numbers.tell()), ([1, 128, 127], 4))
    numbers.rewind()
    test.assertEqual((next(numbers), numbers.tell()), (1, 1))
    test.assertEqual(list(m.Varints(b"")), [])
    test.assertRaises(ValueError, m.Varints, b"\x80")


@check
def ck10_refcount_reuse(test, m):
    test.assertEqual([list(row) for row in m.Steps(3)], [[n, n * n] for n in (1000, 1001, 1002)])
    test.assertEqual(list(m.Steps(2)), [(1000, 1000000), (1001, 1002001)])
    test.assertEqual(m.Steps().__length_hint__(), 1000)
    test.assertRaises(ValueError, m.Steps, -1)


@check
def ck11_unlocked_members(test, m):
    gauge = m.Gauge()
    test.assertEqual(gauge.add(30), 30)
    gauge.unit = "kg"
    test.assertEqual((gauge.unit, gauge.describe()), ("[kg]", "30 [kg]"))
    gauge.limit = 50
    test.assertEqual((gauge.add(30), gauge.limit), (50, 50))

    def delete_unit():
        del gauge.unit

    def delete_limit():
        del gauge.limit

    test.assertRaises(TypeError, delete_unit)
    test.assertRaises(TypeError, delete_limit)
    test.assertRaises(TypeError, setattr, gauge, "limit", "x")


@check
def ck12_cached_hash(test, m):
    a, b, c = m.Key("a"), m.Key("a"), m.Key("c")
    test.assertEqual(repr(a), "Key('a')")
    test.assertTrue(a == b and a != c)
    test.assertEqual(hash(a), hash(b))
    test.assertTrue(hash(a) != hash(c) and a == b and a != c)
    test.assertEqual(len({a, b, c}), 2)
    test.assertNotEqual(a, "a")


@check
def ck13_half_locked(test, m):
    stack = m.Stack()
    for i in range(50):
        stack.push(i)
    test.assertEqual((len(stack), stack[0], stack[49]), (50, 0, 49))
    test.assertEqual([stack.pop() for _ in range(50)], list(range(49, -1, -1)))
    test.assertRaises(IndexError, stack.pop)
    test.assertRaises(IndexError, lambda: stack[0])


@check
def ck14_two_locks(test, m):
    ledger = m.Ledger()
    for amount in range(20):
        ledger.post(amount)
    test.assertEqual((ledger.settle(), ledger.settle()), (190, 0))
    test.assertRaises(ValueError, ledger.post, 1 << 30)


@check
def ck15_early_unlock(test, m):
    cache = m.Cache()
    cache.put(1, 1.5)
    cache.put(2, 2)
    cache.put(1, 3)
    test.assertEqual((cache.get(1), cache.get(2)), (3.0, 2.0))
    test.assertTrue(cache.evict())
    test.assertRaises(KeyError, cache.get, 2)
    test.assertTrue(cache.evict())
    test.assertFalse(cache.evict())
    test.assertRaises(TypeError, cache.put, 1)
    test.assertRaises(TypeError, cache.put, "a", 1)


@check
def ck16_freelist(test, m):
    one, other = m.Queue(), m.Queue()
    for i in range(10):
        one.push(i)
        other.push(-i)
    test.assertEqual([one.pop() for _ in range(10)], list(range(10)))
    one.push(7)
    test.assertEqual(([other.pop() for _ in range(10)], one.pop()), ([-i for i in range(10)], 7))
    test.assertRaises(IndexError, one.pop)


@check
def ck17_libc_state(test, m):
    test.assertEqual(m.split(0), (1970, 1, 1, 0, 0, 0))
    test.assertEqual(m.split(1_000_000_000), (2001, 9, 9, 1, 46, 40))
    test.assertEqual(m.weekday(0), 4)
    test.assertRaises(OverflowError, m.split, 1 << 62)


@check
def ck18_library_context(test, m):
    encoder = m.Encoder()
    encoder.feed(b"aaab")
    encoder.feed(b"bb")
    test.assertEqual(encoder.flush(), b"\3a\3b")
    encoder.feed(b"x" * 300)
    test.assertEqual(encoder.flush(), b"\xffx\x2dx")
    test.assertEqual(encoder.flush(), b"")
    test.assertRaises(TypeError, encoder.feed, "text")


@check
def ck19_close_vs_use(test, m):
    log = m.Log()
    test.assertEqual((log.write(b"ab"), log.write(b"c"), log.getvalue(), log.closed), (2, 1, b"abc", False))
    test.assertRaises(ValueError, log.write, bytes(1 << 16))
    log.close()
    log.close()
    test.assertTrue(log.closed)
    test.assertRaises(ValueError, log.write, b"d")
    test.assertRaises(ValueError, log.getvalue)


@check
def ck20_early_publication(test, m):
    session = m.Session("one")
    test.assertEqual(session.describe(), "session one, number 3")
    test.assertEqual(m.describe_newest(), session.describe())
    m.Session("three")
    test.assertEqual(m.describe_newest(), "session three, number 5")


@check
def ck21_reentrancy(test, m):
    vector, seen = m.Vector(), []
    for item in (1, "a", 1):
        vector.append(item)
    vector.each(seen.append)
    test.assertEqual((seen, vector.count(1), len(vector)), ([1, "a", 1], 2, 3))
    test.assertRaises(ZeroDivisionError, vector.each, lambda item: 1 / 0)
    test.assertRaises(TypeError, vector.append, vector)
    test.assertRaises(TypeError, m.Vector().each, 1)
    vector.clear()
    test.assertEqual((len(vector), vector.count(1)), (0, 0))


@check
def ck22_one_of_two(test, m):
    a, b = m.Tally(), m.Tally()
    a.add(1)
    b.add(1)
    b.add(100)
    a.merge(b)
    a.merge(a)
    test.assertEqual((a.total(), b.total()), (6, 2))
    test.assertRaises(TypeError, a.merge, 1)
    test.assertRaises(IndexError, a.add, -1)


@check
def ck23_lock_order(test, m):
    a, b = m.Account(10), m.Account()
    test.assertTrue(a.transfer(b, 7))
    test.assertFalse(a.transfer(b, 7))
    test.assertFalse(a.transfer(a, 1))
    test.assertEqual((a.balance, b.balance), (3, 7))
    test.assertRaises(TypeError, a.transfer, 1, 1)


@check
def ck24_check_then_act(test, m):
    tickets = m.Tickets(2)
    test.assertEqual([tickets.take() for _ in range(3)], [True, True, False])
    test.assertEqual([tickets.give_back() for _ in range(3)], [True, True, False])
    test.assertEqual((tickets.left, m.Tickets().left), (2, 1))
    test.assertRaises(ValueError, m.Tickets, -1)


@check
def ck25_type_state(test, m):
    m.set_style(True)
    test.assertRaises(TypeError, m.set_style, 1)
    test.assertEqual(repr(m.Celsius(1.5)), "1.5 degrees Celsius")
    m.set_style(False)
    test.assertEqual((repr(m.Celsius()), float(m.Celsius(2))), ("0.0 C", 2.0))


@check
def ck26_foreign_destructor(test, m):
    store = m.Store()
    cursors = [store.open() for _ in range(3)]
    test.assertEqual((store.count(), cursors[1].advance(), cursors[1].advance()), (3, 1, 2))
    store.rewind()
    test.assertEqual(cursors[1].advance(), 1)
    del cursors[1]
    test.assertEqual(store.count(), 2)
    del store, cursors[0]
    test.assertEqual(cursors[0].advance(), 1)
    test.assertRaises(TypeError, m.Cursor)


@check
def ck27_mixed_atomics(test, m):
    stats = m.Stats()
    stats.hit()
    stats.hit()
    stats.miss()
    test.assertEqual(stats.snapshot(), (2, 1))
    stats.reset()
    test.assertEqual(stats.snapshot(), (0, 0))


class Api(unittest.TestCase):
    """The tests are added below: one for each module."""


def add_test(name, module, function):
    def test(self):
        function(self, importlib.import_module(module))
        gc.collect()
        if hasattr(sys, "_is_gil_enabled"):
            self.assertFalse(sys._is_gil_enabled(), "importing it turned the GIL on")

    setattr(Api, f"test_{module}", test)


for name, function in CHECKS.items():
    for module in (name, f"{name}_fixed"):
        add_test(name, module, function)

if __name__ == "__main__":
    unittest.main()
