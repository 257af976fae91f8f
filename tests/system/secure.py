"""A cluster in secure mode: TLS, tokens of people, certificates of nodes."""
import os
import re
import stat
import subprocess
import uuid

import grpc

from cluster import Cluster, until
from test_submit import spec_of

SECRET = re.compile(r"oc[tj]_[A-Za-z0-9_-]{43}")  # tokens of people, join tokens
PROTOCOL = ("ocellus-protocol", "1")
SERVICES = {"JobService": "service", "LogService": "service", "CheckpointService": "service",
            "NodeService": "service", "AdminService": "service", "WorkerService": "worker",
            "AuthService": "auth"}


class SecureCluster(Cluster):
    """As Cluster, with --secure; its commands run as the first admin unless told otherwise."""

    def start_coordinator(self, *options, wait=True):
        started = super().start_coordinator("--secure", *options, wait=wait)
        self.ca = self.path("coordinator", "tls", "authority.pem")
        self.admin_file = self.path("coordinator", "admin-token")
        self.cli_env = {"OCELLUS_CA": self.ca, "OCELLUS_TOKEN": self.admin}
        return started

    @property
    def admin(self):
        with open(self.admin_file, encoding="ascii") as f:
            return f.read().strip()

    def secret_file(self, name, secret):
        path = self.path(name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w",
                  encoding="ascii") as f:
            f.write(secret + "\n")
        return path

    def join_token(self, node="node-1", uses=1, seconds=3600):
        from ocellus.v1 import auth_pb2
        request = auth_pb2.CreateJoinTokenRequest(node=node, uses=uses)
        request.lifetime.seconds = seconds
        return self.as_admin().CreateJoinToken(request, timeout=20).secret

    def start_worker(self, name="worker", node="node-1", *options):
        join = self.secret_file(f"{name}.join", self.join_token(node))
        return super().start_worker(name, node, "--ca", self.ca, "--join", join, *options)

    def as_admin(self):
        return self.stub("AuthService", token=self.admin)

    def token(self, principal, role=None, project="vision", seconds=3600):
        from ocellus.v1 import access_pb2, auth_pb2
        if role:
            self.as_admin().GrantRole(auth_pb2.GrantRoleRequest(
                principal=principal, project=project,
                role=access_pb2.Role.Value("ROLE_" + role.upper())), timeout=20)
        request = auth_pb2.CreateTokenRequest(principal=principal)
        request.lifetime.seconds = seconds
        return self.as_admin().CreateToken(request, timeout=20).secret

    def root(self):
        with open(self.ca, "rb") as f:
            return f.read()

    def channel(self, token=None, key=None, certificate=None, root=None):
        """A plain Python client's channel, by the trust of `root`."""
        credentials = grpc.ssl_channel_credentials(root or self.root(), key, certificate)
        if token:
            credentials = grpc.composite_channel_credentials(
                credentials, grpc.access_token_call_credentials(token))
        return grpc.secure_channel(self.grpc, credentials)

    def stub(self, service, **how):
        import importlib
        module = importlib.import_module(f"ocellus.v1.{SERVICES[service]}_pb2_grpc")
        return getattr(module, service + "Stub")(self.channel(**how))

    def submit_as(self, token, name="demo", project="vision"):
        """A job that nothing will place, through a plain Python client."""
        from ocellus.v1 import job_pb2, service_pb2
        spec = spec_of(job_pb2, name)
        spec.project = project
        return self.stub("JobService", token=token).CreateJob(
            service_pb2.CreateJobRequest(spec=spec, request_id=str(uuid.uuid4())),
            timeout=20, metadata=[PROTOCOL]).job


def code_of(call):
    """The status code's name of a call; "OK" when it succeeds."""
    try:
        answer = call()
        if hasattr(answer, "__next__"):
            for _ in answer:
                break
            answer.cancel()
        return "OK"
    except StopIteration:
        return "OK"
    except grpc.RpcError as error:
        return error.code().name


def new_key_and_request(folder, name, node):
    """A private key and a signing request, made by openssl: as somebody else's client would."""
    key, request = os.path.join(folder, name + ".key"), os.path.join(folder, name + ".csr")
    subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", request,
                    "-subj", f"/CN={node}"], check=True, capture_output=True)
    with open(key, "rb") as k, open(request, encoding="ascii") as r:
        return k.read(), r.read()


def is_private(path):
    return stat.S_IMODE(os.stat(path).st_mode) == 0o600


__all__ = ["SECRET", "SecureCluster", "code_of", "is_private", "new_key_and_request", "until"]
