"""A real S3 server for tools/bench/checkpoint, and what it is compared with there: curl that puts
the same bytes in parallel, as objects of the size of our parts, with as many connections.

checkpoint_s3.py ENDPOINT BUCKET REGION FOLDER BYTES   speaks checkpoint_side.cc's protocol.
"""
import os
import pathlib
import resource
import socket
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
REGION, BUCKET = "us-east-1", "bench"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIABENCH", "AWS_SECRET_ACCESS_KEY": "secret-for-bench",
        "AWS_EC2_METADATA_DISABLED": "true"}
PART, CONNECTIONS = 8 << 20, 4


class Server:
    """versitygw with one empty bucket, whose objects are files in folder / BUCKET."""

    def __init__(self, folder):
        program = ROOT / ".servers" / "bin" / "versitygw"
        if not program.exists():
            raise OSError(f"{program} is not there: run tools/setup")
        (folder / "data" / BUCKET).mkdir(parents=True)
        (folder / "iam").mkdir()
        self.objects = folder / "data" / BUCKET
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        environment = {"ROOT_ACCESS_KEY": KEYS["AWS_ACCESS_KEY_ID"],
                       "ROOT_SECRET_KEY": KEYS["AWS_SECRET_ACCESS_KEY"], "HOME": str(folder)}
        self.process = subprocess.Popen(
            [program, "--port", f"127.0.0.1:{self.port}", "--region", REGION, "--quiet",
             "--iam-dir", folder / "iam", "posix", folder / "data"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        self.endpoint = f"http://127.0.0.1:{self.port}"
        for _ in range(600):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        raise OSError("the S3 server does not answer")

    def uri(self):
        return f"s3://{BUCKET}/ours?endpoint={self.endpoint}&region={REGION}"

    def stop(self):
        self.process.kill()
        self.process.wait()


def write_parts(folder, size):
    names = []
    for start in range(0, size, PART):
        names.append(f"part{len(names)}")
        (folder / names[-1]).write_bytes(os.urandom(min(PART, size - start)))
    return names


def put(endpoint, region, folder, names, target):
    config = "".join(f'upload-file = "{folder}/{n}"\nurl = "{endpoint}/{target}/{n}"\n'
                     for n in names)
    command = ["curl", "--silent", "--show-error", "--fail", "--parallel", "--parallel-max",
               str(CONNECTIONS), "--parallel-immediate", "--aws-sigv4", f"aws:amz:{region}:s3",
               "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD", "-H", "Expect:", "-K", "-"]
    user = f'user = "{KEYS["AWS_ACCESS_KEY_ID"]}:{KEYS["AWS_SECRET_ACCESS_KEY"]}"\n'
    subprocess.run(command, input=user + config, text=True, check=True, capture_output=True)


def main():
    endpoint, bucket, region, folder, size = sys.argv[1:6]
    folder = pathlib.Path(folder)
    names = write_parts(folder, int(size))
    print("ready", flush=True)
    for line in sys.stdin:
        start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        put(endpoint, region, folder, names, f"{bucket}/{line.split()[1]}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(f"0 0 {time.monotonic() - start:.6f} {cpu:.6f} {size}", flush=True)


if __name__ == "__main__":
    main()
