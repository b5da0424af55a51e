ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 1000000
SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 5  # of CPU time, so that it means the same on a busy machine
BATCH = 1024  # rounds between two pauses in which objects are made and dropped
STUCK = 20  # seconds without an end of what runs: a deadlock, or a call that does not return


def failed():
    """What an extension may never do has happened: it broke the rules for exceptions."""
    traceback.print_exc()
    os._exit(70)


def meet(index, here, patience, dice):
    """Waits for the others to be here, then a moment more, to go through all the ways to meet. Returns how long to wait the
    next time. Nobody sleeps: to ThreadSanitizer, waking up is being told what the others have done meanwhile."""
    here[index] = True
    for _ in range(patience) if patience else itertools.count():
        if all(here):
            patience = min(2 * patience, 64)
            break
    else:
        patience = max(patience // 2, 1)
    for _ in range(int(2 ** (6 * dice.random())) - 1):
        pass
    return patience


def work(index):
    """One thread: its lane on each of the objects that `play` has laid out, then waits for the next ones.

    It waits for the others at each object, but mostly not for long: where there are fewer processors than threads, one may have
    been put to sleep in the middle of a call, which is as good. What the threads share they hold for no longer than they need
    it: each new reference is news of the other threads, too."""
    dice = random.Random(index)
    while True:
        gate.wait()
        if todo[index] is None:
            return
        lane, boxes, meetings = todo[index]
        patience = 64
        while boxes:
            left = len(boxes)
            if left == len(meetings) or left % 32 == 0:
                meet(index, meetings[left - 1], 0, dice)
            else:
                patience = meet(index, meetings[left - 1], patience, dice)
            try:
                if TIMES == 1:
                    lane(*boxes.pop())  # nobody else holds what the lane gives up
                else:
                    box = boxes.pop()
                    for _ in range(TIMES):
                        lane(*box)
            except BaseException:
                pass
            box = None
        gate.wait()


def play(setup, lanes, finish, keep, count):
    """Runs a scenario so often, each time on fresh objects.

    They are made by a thread that ends: then whoever drops the last reference frees, at once, and not their owner later."""
    fresh = []
    maker = threading.Thread(target=lambda: fresh.extend(setup() for _ in range(count)))
    maker.start()
    maker.join()
    lanes = [lane for lane in lanes for _ in range(COPIES)]
    meetings = [[False] * len(lanes) for _ in range(count)]
    todo[:] = [(lane, fresh[:], meetings) for lane in lanes] + [(None, [], [])] * (len(todo) - len(lanes))
    if not keep:
        fresh.clear()
    gate.wait()
    gate.wait()
    for box in fresh if finish else ():
        finish(*box)


def begin():
    """Starts the threads."""
    threads = [threading.Thread(target=work, args=(index,), daemon=True) for index in range(len(todo))]
    for thread in threads:
        thread.start()
    faulthandler.dump_traceback_later(STUCK, exit=True)
    return threads


def end(threads):
    """Ends them, so that the interpreter's own end is a quiet one."""
    todo[:] = [None] * len(todo)
    gate.wait()
    for thread in threads:
        thread.join()


def play_first():
    """A round in a process of its own that has called nothing yet, and ends as that process ends."""
    pid = os.fork()
    if pid == 0:
        begin()
        for scenario in SCENARIOS:
            play(*scenario, 1)
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status):
        os.kill(os.getpid(), os.WTERMSIG(status))
    if status != 0:
        os._exit(os.WEXITSTATUS(status))


def main():
    if getattr(sys, "_is_gil_enabled", lambda: True)():
        print("note: the GIL is on, so this shows little; take a free-threaded Python, with -X gil=0", file=sys.stderr)
    gc.disable()
    threads = [] if FIRST_CALLS else begin()
    start = looked = time.monotonic()
    rounds, size, used = 0, 1, 0.0
    while rounds < ROUNDS and used < SECONDS and looked - start < 10 * SECONDS:
        size = min(size, ROUNDS - rounds)
        if FIRST_CALLS:
            play_first()
        for scenario in () if FIRST_CALLS else SCENARIOS:
            play(*scenario, size)
        rounds += size
        now, used_now = time.monotonic(), sum(os.times()[:4])
        if len(SCENARIOS) == 1 and not FIRST_CALLS:
            quick = used_now - used < 0.1 and now - looked < 1
            size = min(2 * size, BATCH) if quick else max(size // 2, 1)
        if int(now) != int(looked) and not FIRST_CALLS:
            gc.collect()
            faulthandler.dump_traceback_later(STUCK, exit=True)
        looked, used = now, used_now
    if threads:
        end(threads)
    print(f"nothing happened in {rounds} rounds")


todo = [None] * (COPIES * max(len(lanes) for _, lanes, _, _ in SCENARIOS))
gate = threading.Barrier(len(todo) + 1)
if __name__ == "__main__":
    main()
