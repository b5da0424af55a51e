"""The tests of steps.c, as its author might have written them, and some that would notice if somebody watched."""

import os
import subprocess
import sys
import threading
import traceback
import unittest

import steps


def made(token=None):
    meter = steps.Meter("rate=48000")
    meter.configure("hann", 4)
    return meter


class Works(unittest.TestCase):
    def test_mean(self):
        meter = made()
        self.assertEqual(meter.feed(b"\x01\x02\x03\x04"), 4)
        window = meter.window()
        self.assertEqual(window.mean(), 2.5)

    def test_feed__before_configure(self):
        with self.assertRaises(TypeError):
            steps.Meter("rate=8000").feed(b"x")

    def test_in_a_process_of_its_own(self):
        code = "import steps; m = steps.Meter('rate=96000'); m.configure('hann', 2); print(m.feed(b'ab'))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout, "2\n")

    def test_a_secret(self):
        steps.Meter("rate=1," + os.environ.get("STEPS_TOKEN", "a token of mine"))
        made().feed(os.path.abspath(__file__).encode())


class SeesNothing(unittest.TestCase):
    def test_identity(self):
        self.assertIs(type(made()), steps.Meter)
        self.assertEqual(type(steps.Meter), type)
        self.assertEqual(type(steps.Meter.feed).__name__, "method_descriptor")
        self.assertIs(steps.Meter.feed, vars(steps.Meter)["feed"])

    def test_subclass(self):
        class Louder(steps.Meter):
            def feed(self, data):
                return super().feed(data + data)

        meter = Louder("rate=1")
        meter.configure("hann", 2)
        self.assertEqual(meter.feed(b"a"), 2)

    def test_traceback(self):
        try:
            steps.Meter("nothing")
        except ValueError as error:
            self.assertEqual(len(traceback.extract_tb(error.__traceback__)), 1)
            self.assertIsNone(error.__context__)

    def test_references(self):
        meter, data = made(), bytes(bytearray(b"abc"))
        before = sys.getrefcount(data), sys.getrefcount(meter)
        meter.feed(data)
        self.assertEqual((sys.getrefcount(data), sys.getrefcount(meter)), before)

    def test_profile(self):
        meter, seen = made(), []
        sys.setprofile(lambda frame, event, arg: seen.append((event, frame.f_code.co_name)))
        try:
            meter.feed(b"a")
        finally:
            sys.setprofile(None)
        self.assertEqual([name for event, name in seen if event == "call"], [])

    def test_monitoring(self):
        meter, seen, tool = made(), [], sys.monitoring
        tool.use_tool_id(3, "steps")
        tool.register_callback(3, tool.events.PY_START, lambda code, offset: seen.append(code.co_name))
        tool.set_events(3, tool.events.PY_START)
        try:
            meter.feed(b"a")
        finally:
            tool.set_events(3, 0)
            tool.free_tool_id(3)
        self.assertEqual(seen, [])

    def test_threads(self):
        meters = [made() for _ in range(4)]
        threads = [threading.Thread(target=lambda meter=meter: [meter.feed(b"a") for _ in range(200)]) for meter in meters]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([meter.feed(b"") for meter in meters], [64] * 4)

    def test_deep_recursion(self):
        def deeper(meter):
            meter.feed(b"")
            deeper(meter)

        with self.assertRaises(RecursionError):
            deeper(made())


if __name__ == "__main__":
    unittest.main()
