"""versitygw, a real S3 server, for system tests; tools/setup installs it."""
import base64
import datetime
import hashlib
import hmac
import os
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree

from cluster import until
from programs import ROOT

ACCESS, SECRET, BUCKET, REGION = "AKIATEST", "secret-for-tests", "ocellus-system", "us-east-1"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def hashed(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class S3:
    """A server with one bucket, and a small client of its own: SigV4 by the book."""

    def __init__(self, folder):
        self.folder, self.process, self.port = str(folder), None, 0

    def start(self):
        program = os.path.join(ROOT, ".servers", "bin", "versitygw")
        assert os.path.exists(program), f"{program} is not there: run tools/setup"
        for name in ("data", "iam"):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
        self.port = self.port or free_port()
        env = {"ROOT_ACCESS_KEY": ACCESS, "ROOT_SECRET_KEY": SECRET, "HOME": self.folder}
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(
                [program, "--port", f"127.0.0.1:{self.port}", "--region", REGION, "--quiet",
                 "--iam-dir", os.path.join(self.folder, "iam"), "posix",
                 os.path.join(self.folder, "data")], stdout=log, stderr=log, env=env)
        until(self.makes_bucket, "the S3 server makes a bucket", 60)
        return self

    def makes_bucket(self):
        assert self.process.poll() is None, "the S3 server has ended"
        try:
            return self.call("PUT", "/" + BUCKET)[0] in (200, 409)
        except OSError:
            return False

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait(timeout=60)

    @property
    def env(self):
        return {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET,
                "AWS_EC2_METADATA_DISABLED": "true"}

    def uri(self, prefix):
        return f"s3://{BUCKET}/{prefix}?endpoint=http://127.0.0.1:{self.port}&region={REGION}"

    def call(self, method, path, query="", body=b""):
        """(status, body) of a signed request."""
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        digest = hashlib.sha256(body).hexdigest()
        host = f"127.0.0.1:{self.port}"
        path = urllib.parse.quote(path)
        names = "host;x-amz-content-sha256;x-amz-date"
        canonical = (f"{method}\n{path}\n{query}\nhost:{host}\nx-amz-content-sha256:{digest}\n"
                     f"x-amz-date:{now}\n\n{names}\n{digest}")
        scope = f"{now[:8]}/{REGION}/s3/aws4_request"
        text = (f"AWS4-HMAC-SHA256\n{now}\n{scope}\n"
                f"{hashlib.sha256(canonical.encode()).hexdigest()}")
        key = ("AWS4" + SECRET).encode()
        for part in scope.split("/"):
            key = hashed(key, part)
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        request = urllib.request.Request(
            f"http://{host}{path}" + (f"?{query}" if query else ""), method=method,
            data=body if method == "PUT" else None,
            headers={"x-amz-date": now, "x-amz-content-sha256": digest,
                     "Authorization": f"AWS4-HMAC-SHA256 Credential={ACCESS}/{scope}, "
                                      f"SignedHeaders={names}, Signature={signature}"})
        if body:
            request.add_header("Content-MD5",
                               base64.b64encode(hashlib.md5(body).digest()).decode())
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def put_file(self, key, path):
        with open(path, "rb") as f:
            status, text = self.call("PUT", f"/{BUCKET}/{key}", body=f.read())
        assert status == 200, text

    def get(self, key):
        status, body = self.call("GET", f"/{BUCKET}/{key}")
        assert status == 200, (key, body[:500])
        return body

    def unfinished(self):
        """Keys of multipart uploads that nobody ended."""
        status, body = self.call("GET", f"/{BUCKET}", "uploads=")
        assert status == 200, body[:500]
        return [e.text for e in ElementTree.fromstring(body).iter() if e.tag.endswith("}Key")]

    def keys(self, prefix=""):
        query = "list-type=2&max-keys=1000&prefix=" + urllib.parse.quote(prefix, safe="")
        status, body = self.call("GET", f"/{BUCKET}", query)
        assert status == 200, body[:500]
        return [e.text for e in ElementTree.fromstring(body).iter() if e.tag.endswith("Key")]
