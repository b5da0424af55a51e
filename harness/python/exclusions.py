"""What is never called, whatever the target is, and why. One table; `*` stands for any text.

A name is a dotted path, `module.function` or `module.Type.method`; it is compared with the name under which the target
offers a callable and with the one under which it was defined (`os.fork` is `posix.fork`).
"""

from fnmatch import fnmatchcase

_TABLE = """
ends the process
    os._exit os.abort os.kill os.killpg os.pidfd_send_signal sys.exit sys._exit builtins.exit builtins.quit
    _thread.interrupt_main thread.interrupt_main _thread.exit _thread.exit_thread _testcapi.*
    signal.raise_signal os.wait* faulthandler.* signal.pthread_kill signal.siginterrupt signal.pidfd_send_signal
    psutil.Process.kill psutil.Process.terminate psutil.Process.suspend psutil.Process.resume psutil.Process.send_signal
    multiprocessing.* os.WCOREDUMP
makes processes
    os.fork os.forkpty os.exec* os.spawn* os.posix_spawn* os.system os.popen os.startfile os.register_at_fork
    pty.* subprocess.* os.unshare os.setns _posixsubprocess.* _winapi.* webbrowser.* platform.popen
    uuid._*_getter concurrent.futures.* multiprocessing.* _multiprocessing.* asyncio.create_subprocess_*
    psutil.Popen* asyncio.run os.login_tty ctypes.util.find_library uuid.getnode uuid.uuid1 _uuid.generate_time_safe
starts threads
    _thread.start_new_thread _thread.start_new _thread.start_joinable_thread threading.Timer threading.Thread*
    thread.start_new* _thread._make_thread_handle _thread.daemon_threads_allowed threading._* sched.*
changes signal handling
    signal.* _signal.*
waits for input or time
    builtins.input builtins.breakpoint time.sleep getpass.* select.select* os.posix_openpt os.openpty code.*
    pdb.* readline.* rlcompleter.* cmd.* fileinput.* queue.*.get queue.*.put queue.*.join *.epoll.poll
    *.poll.poll threading.*.wait threading.*.acquire threading.Barrier* _thread.*.acquire _thread.*.acquire_lock
    _thread.*.__enter__ threading.main_thread threading.*.__enter__ *.SSLSocket.do_handshake
    asyncio.*.run_until_complete asyncio.*.run_forever asyncio.Runner* fcntl.flock fcntl.lockf os.lockf
    socket.*.accept *.socket._accept _thread._ThreadHandle.join threading.*.join *.sigwait* socket.socket.recv*
    socket.create_server os.read os.readv os.preadv os.splice os.sendfile os.getrandom
connects to a network
    socket.create_connection socket.getaddrinfo socket.gethostby* socket.getnameinfo socket.getfqdn
    *.socket.connect* *.SSLSocket.connect* socket.sethostname ssl.get_server_certificate urllib.request.*
    http.client.*.connect smtplib.* ftplib.* poplib.* imaplib.* nntplib.* telnetlib.* xmlrpc.* socketserver.*
    http.server.* logging.handlers.* *.socket.bind *.socket.listen *.socket.sendto *.SocketType.sendto
    ssl.SSLSocket.bind ssl.SSLSocket.listen ssl.SSLSocket.sendto ssl.SSLSocket.accept
changes files or their names
    os.remove os.unlink os.rmdir os.removedirs os.rename os.renames os.replace os.chmod os.lchmod os.fchmod
    os.chown os.lchown os.fchown os.chflags os.truncate os.mkdir os.makedirs os.mkfifo os.mknod os.link
    os.symlink os.mount os.utime os.setxattr os.removexattr shutil.* tempfile.* pathlib.*.unlink pathlib.*.rmdir
    pathlib.*.rename pathlib.*.replace pathlib.*.chmod pathlib.*.lchmod pathlib.*.touch pathlib.*.mkdir
    pathlib.*.*_to pathlib.*.write_* dbm.* shelve.* zipapp.* venv.* ensurepip.* compileall.* py_compile.*
    posixshmem.* _posixshmem.* *.Connection.backup os.walk os.fwalk os.scandir os.listdir
changes the process for everything in it
    os.chdir os.fchdir os.chroot os.umask os.nice os.set*id* os.setres* os.setreg* os.setreu* os.setgroups
    os.initgroups os.setpriority os.setsid os.setpgrp os.sched_set* os.putenv os.unsetenv os.environ.*
    os.closerange os.close os.dup2 os.tcsetpgrp os.set_blocking os.set_inheritable os.ctermid os.pidfd_open
    os.memfd_create os.eventfd* os.timerfd* os.posix_fallocate os.posix_fadvise os.copy_file_range os.pwrite*
    os.ftruncate os.reload_environ resource.setrlimit resource.prlimit locale.setlocale locale.resetlocale
    time.tzset sys.setswitchinterval sys.settrace sys.setprofile sys.setrecursionlimit sys.set_asyncgen_hooks
    sys.set_coroutine_origin_tracking_depth sys.addaudithook sys._* sys.setdlopenflags
    sys.activate_stack_trampoline sys.deactivate_stack_trampoline sys.excepthook sys.displayhook
    sys.unraisablehook sys.breakpointhook sys.monitoring.* sys.set_int_max_str_digits sys.call_tracing
    sys.setrlimit gc.* atexit.* _imp.* imp.* importlib.* runpy.* site.* sysconfig._* syslog.* termios.* tty.*
    psutil.*.proc_*_set
    curses.* _curses.* _curses_panel.* tkinter.* _tkinter.* builtins.__import__ builtins.exec builtins.eval
    builtins.compile builtins.print builtins.open socket.close socket.fromfd socket.send_fds socket.recv_fds
    socket.setdefaulttimeout socket.if_nameindex tracemalloc.start tracemalloc.stop tracemalloc.clear_traces
    _tracemalloc.start _tracemalloc.stop _tracemalloc.clear_traces _interpreters.* _interpchannels.*
    _interpqueues.* _xxsubinterpreters.* _lsprof.Profiler.enable cProfile.Profile.enable cProfile.Profile.run*
    cProfile.run* cProfile.Profile.runc* cProfile.Profile.__enter__ _lsprof.Profiler.__enter__ profile.* trace.*
    bdb.* warnings.* _warnings.* threading.setprofile* threading.settrace* threading.excepthook
    threading.stack_size _thread.stack_size thread.stack_size contextvars.Context.run decimal.setcontext
    decimal.localcontext codecs.register* _codecs.register* copyreg.* sqlite3.enable_callback_tracebacks
    sqlite3.register_* sqlite3.adapt csv.unregister_dialect faulthandler.* resource.* fcntl.ioctl fcntl.fcntl
    *.socket.detach *.socket.close time.clock_settime* os.sync builtins.help builtins.license builtins.credits
    builtins.copyright
reads or writes raw addresses
    ctypes.string_at ctypes.wstring_at ctypes.memmove ctypes.memset ctypes.cast ctypes.*.from_address
    ctypes.py_object* ctypes.PyDLL* ctypes.CDLL* ctypes.dlopen ctypes.dlsym ctypes.LibraryLoader*
    _ctypes.PyObj_FromPtr _ctypes.call_* _ctypes.dl* _ctypes.Py_INCREF _ctypes.Py_DECREF _ctypes.*.from_address
    ctypes.*.in_dll _ctypes.*.in_dll ctypes.CFUNCTYPE ctypes.PYFUNCTYPE _ctypes.CFuncPtr* _ctypes.addressof
    ctypes._CFuncPtr* ctypes.DllGetClassObject ctypes.DllCanUnloadNow _ctypes._* ctypes.c_char_p*
    ctypes.c_wchar_p* ctypes.c_void_p* ctypes.POINTER ctypes.SetPointerType ctypes._Pointer* _ctypes._Pointer*
    _ctypes.POINTER _ctypes.buffer_info _ctypes.set_conversion_mode _ctypes._unpickle _remote_debugging.*
    time.pthread_getcpuclockid _testinternalcapi.* _xxtestfuzz.* xxsubtype.* types.CodeType* builtins.code*
    ctypes.pointer _ctypes.pointer
makes generators, which must not be shared on 3.13 and 3.14
    contextlib.contextmanager contextlib.asynccontextmanager
leaves descriptors open
    os.open os.pipe os.pipe2 os.dup os.fdopen socket.dup _socket.dup
"""


def _read():
    rows, reason = [], None
    for line in _TABLE.strip().splitlines():
        if line.startswith(" "):
            rows.extend((pattern, reason) for pattern in line.split())
        else:
            reason = line
    return rows


_ROWS = _read()
_EXACT = {pattern: reason for pattern, reason in _ROWS if "*" not in pattern}
_GLOBS = [(pattern, reason) for pattern, reason in _ROWS if "*" in pattern]

# The only argument lists that are safe for a callable that must not be left out: a call that may block otherwise.
FIXED = {
    "queue.*.get": [{"args": [], "kwargs": {"block": "=False"}}, {"args": ["=False"], "kwargs": {}}],
    "queue.*.put": [{"args": ["int"], "kwargs": {"block": "=False"}}, {"args": ["list", "=False"], "kwargs": {}}],
    "_thread.*.acquire": [{"args": ["=False"], "kwargs": {}}, {"args": [], "kwargs": {"blocking": "=False"}}],
    "threading.*.acquire": [{"args": ["=False"], "kwargs": {}}],
    "threading.*.wait": [{"args": ["=0"], "kwargs": {}}],
    "time.sleep": [{"args": ["=0"], "kwargs": {}}, {"args": ["=0.0001"], "kwargs": {}}],
    "select.select": [{"args": ["=[]", "=[]", "=[]", "=0"], "kwargs": {}}],
    "*.poll.poll": [{"args": ["=0"], "kwargs": {}}],
    "*.epoll.poll": [{"args": ["=0"], "kwargs": {}}, {"args": ["=0", "=8"], "kwargs": {}}],
}


def names_of(symbol, module, owner_class=None):
    """All dotted names a callable may stand under in the tables."""
    value = symbol.value
    home = getattr(value, "__module__", None)
    if not isinstance(home, str):
        home = getattr(owner_class, "__module__", None)
    qualified = getattr(value, "__qualname__", symbol.label)
    names = {module + "." + symbol.label, symbol.label}
    for path in (module, home, getattr(symbol.definer, "__module__", None)):
        if isinstance(path, str):
            short = "os" if path == "posix" else path
            for name in {symbol.label, str(qualified)}:
                names.add(short + "." + name)
                names.add(short.lstrip("_") + "." + name)
    return sorted(names)


def why(names):
    """Why a callable of these names is never called, or None."""
    for name in names:
        if name in _EXACT:
            return _EXACT[name]
    for pattern, reason in _GLOBS:
        if any(fnmatchcase(name, pattern) for name in names):
            return reason
    return None


def fixed(names):
    """The only patterns a callable of these names may have, or None when it may have any."""
    for pattern, patterns in FIXED.items():
        if any(fnmatchcase(name, pattern) for name in names):
            return patterns
    return None
