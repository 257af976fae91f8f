"""The page for browsers, in a real one: during a run, on a phone, without colour, for strangers.

OCELLUS_PICTURES=docs/pictures keeps the pictures that docs/USAGE.md shows.
"""
import base64
import hashlib
import json
import os
import ssl
import subprocess
import urllib.error
import urllib.request

import pytest
from PIL import Image

from browser import Browser
from documents import tiny, waiting

# What is on the page and can be read, with the colours that it has: everything that has a text of
# its own, the signs of states among them.
CONTRASTS = """(() => {
  const parse = (c) => (c.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => {
    for (let n = node; n; n = n.parentElement) {
      const [r, g, b, a = 1] = parse(getComputedStyle(n).backgroundColor);
      if (a === 1 && r !== undefined) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((c) => c.nodeType === 3 && c.data.trim());
    if (!own || !node.getClientRects().length || node.closest(".skip")) continue;
    const style = getComputedStyle(node);
    const ink = parse(node.namespaceURI.endsWith("svg") ? style.fill : style.color);
    const [a, b] = [light(ink), light(behind(node))];
    found.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05),
      node.tagName + " " + node.textContent.trim().slice(0, 40)]);
  }
  return found;
})()"""
TOO_WIDE = """[...document.querySelectorAll("body *")]
  .filter((n) => n.getClientRects().length && !n.closest(".skip, thead, pre"))
  .filter((n) => n.getBoundingClientRect().right > innerWidth + 0.5)
  .map((n) => n.tagName + " " + n.className + " " + n.textContent.slice(0, 40))"""
CURVE = """({words: document.getElementById("curve-words").textContent,
  path: document.querySelector("#chart .loss")?.getAttribute("d") || ""})"""
PICTURE = """(() => { const i = document.getElementById("reconstruction");
  return i.complete && i.naturalWidth > 0 && !i.hidden && i.src; })()"""
HOSTILE = "<script>window.hit = 1</script><img src=x onerror='window.hit = 1'>"


def keep_picture(page, name, **how):
    """For the docs: with fewer colours, which nobody sees and which makes it small."""
    folder = os.environ.get("OCELLUS_PICTURES")
    if folder:
        path = os.path.join(folder, name)
        page.picture(path, **how)
        with Image.open(path) as picture:
            picture.convert("RGB").quantize(256).save(path, optimize=True)


def get(url, method="GET", **headers):
    """(status, headers, body) of a plain request that trusts whoever answers."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    how = {"context": trusting} if url.startswith("https") else {}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    asked = urllib.request.Request(url, headers=named, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=20, **how) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


@pytest.fixture
def browser(tmp_path):
    with Browser(str(tmp_path)) as made:
        yield made


def long_run(images):
    """A run that goes on until it is cancelled, with pictures now and then."""
    return tiny(images, name="demo-mae", schedule={"total_steps": 20000},
                eval={"every_steps": 40, "pictures": 6})


def check_reading(page):
    """Text stands out in light and in dark, and nothing is wider than the screen."""
    for dark in (False, True):
        for width, height in ((1280, 900), (390, 844), (320, 640)):
            page.resize(width, height, dark=dark)
            wide = page.evaluate(TOO_WIDE)
            assert not wide and page.evaluate("document.documentElement.scrollWidth") <= width, wide
        faint = [c for c in page.evaluate(CONTRASTS) if c[0] < 4.5]
        assert not faint, (dark, faint)
    assert len(page.evaluate(CONTRASTS)) > 40


def test_during_a_run(cluster, browser, images):
    """The loss moves, the pictures appear and change, nothing is asked of anybody else."""
    cluster.start()
    page = browser.open(cluster.page)
    page.wait_for("document.getElementById('no-jobs').checkVisibility()", "no job yet")
    cluster.submit(waiting("later"))
    job = cluster.submit(long_run(images))
    cluster.submit(waiting("too-large"))
    first = page.wait_for(f"{CURVE}.path && {CURVE}", "a curve")
    later = page.wait_for(f"{CURVE}.words !== {json.dumps(first['words'])} && {CURVE}", "it moves")
    assert later["path"] != first["path"] and "Loss " in later["words"]
    picture = page.wait_for(PICTURE, "the reconstruction is decoded and shown")
    page.wait_for(f"{PICTURE} !== {json.dumps(picture)} && {PICTURE}", "a newer one")
    rows = "[...document.querySelectorAll('#job-rows tr')].map((r) => r.innerText).join()"
    assert "demo-mae" in page.evaluate(rows) and "running" in page.evaluate(rows)
    page.wait_for("!!document.querySelector('#chart .commit-word')", "a checkpoint's mark")
    # A gang that dies and comes back is one curve.
    step = cluster.step(job)
    os.kill(cluster.ranks()[0], 9)
    page.wait_for("document.getElementById('failure').checkVisibility()", "the failure")
    assert "SIGKILL" in page.evaluate("document.getElementById('failure-words').innerText")
    page.wait_for("/generation 2/.test(document.getElementById('events').innerText)", "the next")
    page.wait_for(f"{rows}.includes('running')", "it runs again")
    page.wait_for(f"Number(/step (\\d+)/.exec({CURVE}.words)[1]) >= {step + 60}", "on from there")
    keep_picture(page, "page-desktop.png")
    check_reading(page)
    page.resize(390, 844, mobile=True, scale=2)
    page.evaluate("document.getElementById('job').scrollIntoView()")
    keep_picture(page, "page-phone.png", whole=False)
    page.resize(1280, 900, dark=True)
    page.evaluate("scrollTo(0, 0)")
    keep_picture(page, "page-dark.png", whole=False)
    cluster.cli("job", "cancel", job)
    page.wait_for(f"{rows}.includes('cancelled')", "the end")
    assert {"/".join(r.split("/")[:3]) + "/" for r in page.requests if not r.startswith("blob:")} \
        == {cluster.page}
    assert any(r.endswith("/reconstruction") for r in page.requests)
    assert not page.trouble, page.trouble


def test_without_colour_and_without_mouse(cluster, browser):
    """States are words, signs and patterns; lines differ by their dashes; the keyboard suffices."""
    cluster.start_coordinator()
    waiting = cluster.submit(tiny("/nowhere/*.tar", name="waits"))
    ended = cluster.submit(tiny("/nowhere/*.tar", name="ended"))
    cluster.cli("job", "cancel", ended)
    page = browser.open(cluster.page)
    page.call("Emulation.setEmulatedVisionDeficiency", type="achromatopsia")
    page.wait_for("document.querySelectorAll('#job-rows tr').length === 2")
    states = page.wait_for("""(() => { const s = [...document.querySelectorAll('#job-rows .state')]
      .map((n) => [n.textContent, n.dataset.sign, getComputedStyle(n).borderTopStyle]);
      return s.some(([word]) => word === 'cancelled') && s; })()""", "both states")
    assert sorted(s[0] for s in states) == ["cancelled", "pending"]
    assert states[0][1] != states[1][1] and states[0][2] != states[1][2]
    dashes = page.evaluate("""(() => { const svg = document.getElementById('chart');
      return ['loss', 'chance', 'commit'].map((name) => {
        const line = document.createElementNS(svg.namespaceURI, 'path');
        line.setAttribute('class', name);
        svg.append(line);
        return getComputedStyle(line).strokeDasharray; }); })()""")
    assert len(set(dashes)) == 3, dashes
    assert page.evaluate("[...document.querySelectorAll('th')].every((t) => t.scope === 'col')")
    reached = ""
    for _ in range(12):
        page.press("Tab")
        reached = page.evaluate("document.activeElement.textContent")
        if reached == "waits":
            break
    assert reached == "waits"
    outline = "getComputedStyle(document.activeElement)"
    assert page.evaluate(f"{outline}.outlineStyle + {outline}.outlineWidth") == "solid3px"
    page.press("Enter")
    page.wait_for("document.getElementById('job-title').innerText === 'waits'")
    assert page.evaluate("location.hash") == f"#job={waiting}"
    # What has the focus keeps it while the page is brought up to date.
    shown = page.evaluate("document.getElementById('pulse').innerText")
    page.wait_for(f"document.getElementById('pulse').innerText !== {json.dumps(shown)}")
    assert page.evaluate("document.activeElement.textContent") == "waits"
    check_reading(page)


def test_hostile_texts_are_texts(cluster, browser, stubs):
    """What agents and ranks say may hold markup; on the page it is read, never run."""
    from fake_agent import FakeAgent
    from ocellus.v1 import job_pb2, worker_pb2
    cluster.start_coordinator("--backoff-base-ms", "600000")
    agent = FakeAgent(cluster.grpc, node="node-1")
    agent.register()
    agent.open()
    job = cluster.submit(tiny("/nowhere/*.tar", name="x"))
    gang = agent.gang(agent.order("start"))
    agent.report(gang, warning=worker_pb2.Warning(text=HOSTILE))
    agent.report(gang, progress=job_pb2.Progress(step=3, loss=float("nan"), phase=HOSTILE,
                                                 checkpoint_trouble=HOSTILE))
    other = cluster.store + "/default/j-another/artifacts/reconstruction-000000001.png"
    for kind in ("reconstruction", "history"):
        agent.report(gang, artifact=worker_pb2.Artifact(kind=kind, uri=other))
    agent.report(gang, ended=worker_pb2.RankEnded(
        failure_class=job_pb2.FAILURE_CLASS_UNKNOWN, outcome="X", exit_code=1, message=HOSTILE,
        last_lines=[HOSTILE, "fine"]))
    page = browser.open(cluster.page + f"#job={job}")
    page.wait_for("document.getElementById('failure-words').innerText.includes('<script>')")
    page.wait_for("document.getElementById('events').innerText.includes('<script>')")
    assert "onerror" in page.evaluate("document.getElementById('failure-lines').innerText")
    assert page.evaluate("window.hit === undefined && !document.querySelector('main script')")
    assert page.evaluate("document.getElementById('reconstruction').hidden")
    for part in ("reconstruction", "curve"):
        assert get(f"{cluster.page}api/jobs/{job}/{part}")[0] == 404
    # Were markup to get in, the policy would still not let it run.
    refused = page.evaluate("""(() => { try { document.body.innerHTML = '<b>x</b>'; return 'in'; }
      catch (e) { return e.name; } })()""")
    assert refused == "TypeError"
    agent.close()


def test_only_reading_and_only_here(cluster):
    """Local mode: no other method, no other name, no other site, no other file."""
    cluster.start_coordinator()
    code, headers, body = get(cluster.page)
    assert code == 200 and b"<title>Ocellus</title>" in body
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert not [h for h in headers if h.startswith("Access-Control")]
    data = cluster.page + "api/overview"
    assert get(data)[0] == 200
    assert get(data, Host="ocellus.attacker.example")[0] == 421
    assert get(data, Host=cluster.page.split("/")[2].replace("127.0.0.1", "localhost"))[0] == 200
    assert get(data, Sec_Fetch_Site="cross-site")[0] == 403
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert get(data, method=method)[0] == 405
    for path in ("../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "api/jobs/", "api/jobs/x/spec",
                 "x" * 4000, "api/jobs/" + "a" * 300):
        assert get(cluster.page + path)[0] == 404, path
    refused = cluster.launch("elsewhere", [
        cluster.coordinator.command[0], "--data-dir", cluster.path("e"), "--listen", "127.0.0.1:0",
        "--metrics-listen", "127.0.0.1:0", "--page-listen", "0.0.0.0:0"])
    assert refused.popen.wait(timeout=30) == 2 and "loopback" in refused.output()


def pinned(secure):
    """The option that lets Chromium trust this one key, as a person who checked it would."""
    key = subprocess.run("openssl x509 -noout -pubkey | openssl pkey -pubin -outform der",
                         input=open(secure.path("coordinator", "tls", "server.pem"), "rb").read(),
                         shell=True, check=True, capture_output=True).stdout
    digest = base64.b64encode(hashlib.sha256(key).digest()).decode()
    return f"--ignore-certificate-errors-spki-list={digest}"


def log_in(page, token):
    page.wait_for("document.getElementById('login').checkVisibility() && "
                  "document.activeElement.id === 'token'")
    page.type(token)
    page.press("Enter")


def test_strangers_and_viewers(secure, tmp_path):
    """Secure mode: nothing without a token; with one what its owner may see, while they may."""
    from ocellus.v1 import auth_pb2
    secure.start_coordinator()
    mine = secure.submit_as(secure.admin, "seen", "vision")
    theirs = secure.submit_as(secure.admin, "unseen", "audio")
    viewer = secure.token("ann", "viewer", "vision")
    assert secure.page.startswith("https://")
    for path in ("overview", f"jobs/{mine.id}", f"jobs/{mine.id}/curve", "jobs/seen"):
        for headers in ({}, {"Authorization": "Bearer oct_" + "x" * 43}):
            code, said, body = get(f"{secure.page}api/{path}", **headers)
            assert code == 401 and said["WWW-Authenticate"] == "Bearer"
            assert mine.id.encode() not in body and b"seen" not in body
    as_ann = {"Authorization": f"Bearer {viewer}"}
    body = get(secure.page + "api/overview", **as_ann)[2]
    assert mine.id.encode() in body and theirs.id.encode() not in body and b"unseen" not in body
    for name in (theirs.id, "unseen", "none"):
        assert get(f"{secure.page}api/jobs/{name}", **as_ann)[0] == 404
    with Browser(str(tmp_path), pinned(secure)) as browser:
        page = browser.open(secure.page)
        log_in(page, "oct_" + "x" * 43)
        page.wait_for("document.getElementById('refused').checkVisibility()")
        assert "seen" not in page.evaluate("document.body.innerText")
        check = "document.getElementById('job-rows').innerText"
        log_in(page, viewer)
        page.wait_for(f"{check}.includes('seen')")
        assert "unseen" not in page.evaluate("document.body.innerText")
        assert not [r for r in page.requests if viewer in r]
        assert page.evaluate("localStorage.length") == 0
        assert "ann" in page.evaluate("document.getElementById('who').innerText")
        tokens = secure.as_admin().ListTokens(auth_pb2.ListTokensRequest(), timeout=20).tokens
        revoked = next(t.id for t in tokens if t.principal == "ann")
        secure.as_admin().RevokeToken(auth_pb2.RevokeTokenRequest(id=revoked), timeout=20)
        page.wait_for("document.getElementById('login').checkVisibility()", "asked again")
        assert "vision" not in page.evaluate("document.body.textContent")
        foreign = [r for r in page.requests if not r.startswith(secure.page)]
        assert not foreign, foreign
