"""A headless Chromium, driven over its own pipe by the DevTools protocol: no driver in between.

    with Browser(folder) as browser:
        page = browser.open("http://127.0.0.1:7413/", width=390, height=844)
        page.evaluate("document.title")

What it would ask of the network beyond the page (updates, sign-in, variations) is turned off; every
request that a page makes is in page.requests, by address.
"""
import base64
import json
import os
import select
import shutil
import subprocess
import time

PROGRAM = "chromium-headless-shell"
DEADLINE_S = 120
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--mute-audio",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--no-first-run", "--no-default-browser-check", "--disable-extensions",
         "--hide-scrollbars", "--force-color-profile=srgb"]


class Browser:
    """One process with a profile of its own below `folder`."""

    def __init__(self, folder, *options):
        program = shutil.which(PROGRAM)
        assert program, f"no {PROGRAM}: run tools/setup"
        theirs_in, self.out = os.pipe()
        self.into, theirs_out = os.pipe()

        def hand_over():
            # The protocol is spoken at descriptors 3 and 4, whatever they are now.
            high_in, high_out = os.dup(theirs_in), os.dup(theirs_out)
            os.dup2(high_in, 3)
            os.dup2(high_out, 4)
        self.log = open(os.path.join(folder, "chromium.log"), "wb")
        self.process = subprocess.Popen(
            [program, *QUIET, *options, "--remote-debugging-pipe",
             f"--user-data-dir={os.path.join(folder, 'chromium')}"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, close_fds=False,
            preexec_fn=hand_over)
        os.close(theirs_in)
        os.close(theirs_out)
        self.last, self.waiting, self.pages = 0, b"", {}

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.out)
        os.close(self.into)
        self.log.close()

    def read(self, deadline):
        """The next message; what belongs to a page is given to it."""
        while b"\0" not in self.waiting:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.into], [], [], left)[0]:
                raise AssertionError("Chromium did not answer in time")
            part = os.read(self.into, 1 << 16)
            assert part, "Chromium has ended"
            self.waiting += part
        text, self.waiting = self.waiting.split(b"\0", 1)
        message = json.loads(text)
        page = self.pages.get(message.get("sessionId"))
        if page and "method" in message:
            page.heard(message["method"], message["params"])
        return message

    def call(self, method, session=None, deadline_s=DEADLINE_S, **parameters):
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + deadline_s
        while True:
            answer = self.read(deadline)
            if answer.get("id") == self.last:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]

    def open(self, url, width=1280, height=900, **emulation):
        """A new tab with storage of its own."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank",
                           browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self.pages[session] = Page(self, session)
        page.resize(width, height, **emulation)
        answer = page.call("Page.navigate", url=url)
        assert "errorText" not in answer, (url, answer)
        page.wait_for("document.readyState === 'complete'", "the page is loaded")
        return page


class Page:
    """A tab. `requests`: addresses asked for; `trouble`: what its console complained about."""

    def __init__(self, browser, session):
        self.browser, self.session = browser, session
        self.requests, self.trouble = [], []
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(domain + ".enable")

    def call(self, method, **parameters):
        return self.browser.call(method, session=self.session, **parameters)

    def heard(self, method, what):
        if method == "Network.requestWillBeSent":
            self.requests.append(what["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.trouble.append(what["exceptionDetails"].get("text", "") + " " + str(
                what["exceptionDetails"].get("exception", {}).get("description", "")))
        elif method == "Log.entryAdded" and what["entry"]["level"] == "error":
            self.trouble.append(what["entry"]["text"] + " " + what["entry"].get("url", ""))

    def resize(self, width, height, dark=False, mobile=False, scale=1):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=scale, mobile=mobile)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def evaluate(self, expression):
        """The value of a JavaScript expression, waited for when it is a promise."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True,
                           awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait_for(self, expression, what="", deadline_s=DEADLINE_S):
        """Asks until the expression is true, and returns its value."""
        deadline = time.monotonic() + deadline_s
        while True:
            value = self.evaluate(expression)
            if value:
                return value
            if time.monotonic() > deadline:
                text = self.evaluate("document.body.innerText")
                raise AssertionError(f"not within {deadline_s} s: {what or expression}\n"
                                     f"{text}\n{self.trouble}")
            time.sleep(0.1)

    def press(self, key):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                      windowsVirtualKeyCode={"Tab": 9, "Enter": 13}[key],
                      **({"text": "\r"} if (kind, key) == ("keyDown", "Enter") else {}))

    def type(self, text):
        self.call("Input.insertText", text=text)

    def picture(self, path, whole=True):
        """A PNG of the tab, or of the whole document."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole,
                         **({"clip": self.whole()} if whole else {}))
        with open(path, "wb") as f:
            f.write(base64.b64decode(shot["data"]))

    def whole(self):
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
