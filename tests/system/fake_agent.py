"""An agent made of Python, to say what a real one never would."""
import queue
import threading
import uuid

import grpc

METADATA = (("ocellus-protocol", "1"),)


class FakeAgent:
    """Registers a node, keeps its session stream open, and collects the orders that come down."""

    def __init__(self, address, node="node-1", slots=2):
        from ocellus.v1 import worker_pb2, worker_pb2_grpc
        self.pb, self.node, self.slots = worker_pb2, node, slots
        self.channel = grpc.insecure_channel(address)
        self.stub = worker_pb2_grpc.WorkerServiceStub(self.channel)
        self.instance = str(uuid.uuid4())
        self.up, self.orders = queue.Queue(), queue.Queue()
        self.session, self.stream = 0, None

    def register(self, gangs=()):
        answer = self.stub.Register(self.pb.RegisterRequest(
            node=self.node, instance_id=self.instance, version="0.1.0", protocol=1,
            inventory=self.pb.Inventory(cpu_slots=self.slots, host="localhost"),
            gangs=gangs), timeout=10, metadata=METADATA)
        self.session = answer.session
        return answer

    def open(self, *gangs):
        """Opens the stream with a first heartbeat."""
        self.beat(*gangs)
        self.stream = self.stub.Session(iter(self.up.get, None), metadata=METADATA)
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def _read(self):
        try:
            for response in self.stream:
                self.orders.put(response)
        except grpc.RpcError as error:
            self.orders.put(error)

    def beat(self, *gangs):
        self.up.put(self.pb.SessionRequest(session=self.session, node=self.node, gangs=gangs))

    def order(self, kind, deadline_s=30):
        """The next order of a kind; others are passed over."""
        while True:
            got = self.orders.get(timeout=deadline_s)
            if isinstance(got, Exception):
                raise got
            if got.WhichOneof("order") == kind:
                return getattr(got, kind)

    def gang(self, start):
        return self.pb.GangRef(job_id=start.gang.job_id, generation=start.gang.generation)

    def status(self, gang, step=0):
        return self.pb.GangStatus(gang=gang, step=step, ranks=[
            self.pb.RankStatus(rank=r, pid=1000 + r, running=True) for r in range(2)])

    def report(self, gang, **event):
        return self.stub.ReportEvents(self.pb.ReportEventsRequest(
            session=self.session, node=self.node,
            events=[self.pb.GangEvent(gang=gang, rank=rank, **event) for rank in range(2)]),
            timeout=10, metadata=METADATA)

    def log(self, gang, text):
        from ocellus.v1 import event_pb2
        return self.stub.PutLogs(self.pb.PutLogsRequest(
            session=self.session, node=self.node, gang=gang,
            lines=[event_pb2.LogLine(rank=0, generation=gang.generation, seq=1, text=text)]),
            timeout=10, metadata=METADATA)

    def begin(self, gang, step):
        return self.stub.BeginCheckpoint(self.pb.BeginCheckpointRequest(
            session=self.session, node=self.node, gang=gang, step=step),
            timeout=10, metadata=METADATA)

    def commit(self, gang, step, upload_id):
        return self.stub.CommitCheckpoint(self.pb.CommitCheckpointRequest(
            session=self.session, node=self.node, gang=gang, step=step, upload_id=upload_id,
            manifest=b"{}"), timeout=10, metadata=METADATA)

    def close(self):
        self.up.put(None)
        self.channel.close()
