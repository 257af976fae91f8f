"""A proxy before the Kubernetes API that does what a real API server does, but not at will.

Faults wait in a list; each is used once, by the first request that it fits. A request that no fault
fits goes to the real server unchanged, watches line by line.
"""
import http.client
import json
import socket
import ssl
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


def status_object(code, reason):
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": f"injected {reason}", "reason": reason, "code": code}


class Fault:
    """What happens to one request: an HTTP status, an ERROR event in a watch, or a cut stream."""

    def __init__(self, watch, status=None, headers=None, event=None, cut=False):
        self.watch, self.status, self.headers = watch, status, headers or {}
        self.event, self.cut = event, cut


class FaultProxy:
    def __init__(self, plane):
        upstream = urllib.parse.urlparse(plane.url)
        context = ssl.create_default_context(cafile=plane.certificate)
        self.connect = lambda: http.client.HTTPSConnection(
            upstream.hostname, upstream.port, context=context, timeout=60)
        self.faults, self.lock, self.seen = [], threading.Lock(), []
        self.open_watches = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                proxy.handle(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def inject(self, fault):
        with self.lock:
            self.faults.append(fault)

    def end_watches(self):
        """Ends the watches under way in order, as a server does when their time is over."""
        with self.lock:
            watches, self.open_watches = self.open_watches, []
        for upstream in watches:
            try:
                upstream.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has ended by itself

    def take(self, watch):
        with self.lock:
            for fault in self.faults:
                if fault.watch == watch:
                    self.faults.remove(fault)
                    return fault
        return None

    def used(self):
        with self.lock:
            return not self.faults

    def handle(self, handler):
        watch = "watch=true" in handler.path
        fault = self.take(watch)
        self.seen.append((handler.command, handler.path, handler.headers.get("Authorization")))
        if fault and fault.status:
            self.answer(handler, fault.status, fault.headers,
                        json.dumps(status_object(fault.status, "Injected")).encode())
        elif fault and fault.event:
            line = json.dumps({"type": "ERROR", "object": status_object(fault.event, "Expired")})
            self.answer(handler, 200, {}, line.encode() + b"\n")
        elif fault and fault.cut:
            handler.send_response(200)
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            handler.wfile.write(b"40\r\n" + b'{"type":"ADDED","obj')
            handler.wfile.flush()
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
        else:
            self.forward(handler, watch)

    @staticmethod
    def answer(handler, status, headers, body):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def forward(self, handler, watch):
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length) if length else None
        headers = {k: v for k, v in handler.headers.items() if k.lower() not in HOP | {"host"}}
        connection = self.connect()
        try:
            connection.request(handler.command, handler.path, body, headers)
            upstream = connection.sock
            answer = connection.getresponse()
            if watch and answer.status == 200:
                self.stream(handler, upstream, answer)
            else:
                self.answer(handler, answer.status, {}, answer.read())
        except OSError:
            handler.close_connection = True
        finally:
            connection.close()

    def stream(self, handler, upstream, answer):
        with self.lock:
            self.open_watches.append(upstream)
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        try:
            for line in answer:
                handler.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
                handler.wfile.flush()
        except (OSError, ValueError, http.client.HTTPException, AttributeError):
            pass
        try:
            handler.wfile.write(b"0\r\n\r\n")
        except OSError:
            pass

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
