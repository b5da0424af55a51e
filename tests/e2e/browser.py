"""A page in a real browser, without a driver: chromium opens a wrapper that holds the page in frames of the widths asked for, looks at
it with a script of the test's, and prints what that found.

    seen = browser.look(scratch, page, widths=(1280, 400), script="return document.title", dark=False)
    seen.frames[400], seen.requests, seen.errors

`script` is the body of a function that is called with the frame's `document` and `window`; what it returns must be JSON. Everything
that wants the network is led to a proxy of ours, which answers nothing and remembers what was asked.
"""

import html
import json
import os
import re
import shutil
import socket
import subprocess
import threading

import ftf

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--disable-default-apps", "--disable-extensions", "--hide-scrollbars", "--virtual-time-budget=20000",
         "--disable-features=OptimizationHints,MediaRouter,Translate", "--proxy-bypass-list=<-loopback>"]
PATIENCE_S = 120

# What the browser asks for itself, whatever it shows and whatever the flags say.
OWN = re.compile(r"(clients\d?|accounts|update|optimizationguide-pa|content-autofill|safebrowsing|redirector)"
                 r"\.(google|googleapis|gvt1)\.com")

WRAPPER = """<!DOCTYPE html><meta charset="utf-8"><title>wrapper</title>%(frames)s
<script>
function look(document, window) {%(script)s}
window.onload = function () {
  var found = {};
  document.querySelectorAll("iframe").forEach(function (frame) {
    var one;
    try { one = {value: look(frame.contentDocument, frame.contentWindow)}; } catch (error) { one = {failed: String(error.stack)}; }
    one.errors = frame.contentWindow.seenErrors;
    one.overflow = frame.contentDocument.documentElement.scrollWidth - frame.contentWindow.innerWidth;
    found[frame.width] = one;
  });
  var out = document.createElement("pre");
  out.id = "found";
  out.textContent = JSON.stringify(found);
  document.body.replaceChildren(out);
};
</script>"""

SPY = """<script>var seenErrors = [];
window.addEventListener("error", function (e) { seenErrors.push(e.message || "a resource: " + e.target.outerHTML); }, true);
window.addEventListener("securitypolicyviolation", function (e) { seenErrors.push("refused: " + e.blockedURI); });</script>"""


class Proxy:
    """Refuses everything, and remembers the first line of each request."""

    def __init__(self):
        self.requests = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                try:
                    first = connection.recv(4096).split(b"\r\n")[0].decode("latin-1")
                    connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                except OSError:
                    first = "a connection that broke off"
                if first:  # chromium also opens connections in advance and closes them without a word: nothing is asked
                    self.requests.append(first)

    def close(self):
        self.listener.close()


class Seen:
    """What the script returned in the frame of each width, what went wrong there, and what was asked of the network."""

    def __init__(self, found, requests, trouble):
        self.frames = {int(width): one.get("value") for width, one in found.items()}
        self.overflow = {int(width): one["overflow"] for width, one in found.items()}
        self.errors = [error for one in found.values() for error in one.get("errors") or []]
        self.errors += [one["failed"] for one in found.values() if "failed" in one]
        self.requests, self.trouble = [line for line in requests if not OWN.search(line)], trouble


def find(tally):
    """The browser; None, and one line that says so, where there is none. On a CI machine that is a failure."""
    process = subprocess.run([str(ftf.ROOT / "ci" / "install-deps"), "--tests"], capture_output=True, text=True, check=False)
    path = shutil.which("chromium")
    if path is None and os.environ.get("CI"):
        tally.check("a browser can be installed", False, ftf.one_line(process.stderr, 300))
    elif path is None:
        print(f"skip  the page in a browser: {ftf.one_line(process.stderr, 200)}", flush=True)
    return path


def chromium(path, scratch, url, *more):
    """The page's DOM when it had come to rest."""
    command = [path, *FLAGS, f"--user-data-dir={scratch / 'browser'}", *more, url]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=PATIENCE_S, check=False)


def look(path, scratch, page, widths, script, dark=False):
    text = page.read_text(encoding="utf-8").replace("<head>", "<head>" + SPY, 1)
    frames = "".join(f'<iframe width="{width}" height="900" srcdoc="{html.escape(text)}"></iframe>' for width in widths)
    wrapper = scratch / "wrapper.html"
    wrapper.write_text(WRAPPER % {"frames": frames, "script": script}, encoding="utf-8")
    proxy = Proxy()
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    process = chromium(path, scratch, wrapper.as_uri(), "--dump-dom", scheme, f"--proxy-server=127.0.0.1:{proxy.port}")
    proxy.close()
    match = re.search(r'<pre id="found">(.*?)</pre>', process.stdout, re.S)
    found = json.loads(html.unescape(match.group(1))) if match else {}
    return Seen(found, proxy.requests, "" if match else process.stderr[-400:])


def screenshot(path, scratch, page, width, height, out, dark=False):
    """For people: a picture of the page."""
    chromium(path, scratch, page.as_uri(), f"--window-size={width},{height}", f"--screenshot={out}",
             f"--blink-settings=preferredColorScheme={0 if dark else 1}")
