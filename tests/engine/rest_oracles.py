"""HTTP as others read it: h11, node (llhttp) and nginx. Each says which messages it finds in some bytes, as dictionaries
with method or status, target, fields (names in small letters), body and trailers; and what it minds."""

import json
import socket
import subprocess

import h11

import rest_world

RECORDER = r"""
const http = require('http');
const say = line => process.stdout.write(JSON.stringify(line) + '\n');
if (process.argv[3] === 'client') {
  // One line of standard input for each exchange: the method. The server on the socket replays the bytes in question.
  require('readline').createInterface({ input: process.stdin }).on('line', method => {
    const result = { messages: [] };
    let told = false;
    const done = error => { if (told) return; told = true; if (error) result.fault = error; say(result); };
    const request = http.request({ socketPath: process.argv[2], method, agent: false }, response => {
      const pieces = [];
      response.on('data', piece => pieces.push(piece));
      response.on('close', () => {
        if (response.complete)
          result.messages.push({ status: response.statusCode, fields: response.rawHeaders, trailers: response.rawTrailers,
                                 body: Buffer.concat(pieces).toString('latin1') });
        done(response.complete ? null : 'incomplete');
      });
      response.on('error', () => {});
    });
    request.on('upgrade', (response, socket) => {
      result.messages.push({ status: 101, fields: response.rawHeaders, trailers: [], body: '' });
      socket.destroy(); done();
    });
    request.on('error', error => done(error.code));
    request.end();
  });
} else {
  const server = http.createServer((request, response) => {
    const records = request.socket.records, pieces = [];
    request.on('data', piece => pieces.push(piece));
    request.on('end', () => {
      records.messages.push({ method: request.method, target: request.url, fields: request.rawHeaders,
                              trailers: request.rawTrailers, body: Buffer.concat(pieces).toString('latin1') });
      response.end();
    });
    request.on('error', () => {});
  });
  server.on('connection', socket => {
    socket.records = { messages: [] };
    socket.on('close', () => say(socket.records));
  });
  server.on('clientError', (error, socket) => { socket.records.fault = error.code; socket.destroy(); });
  server.listen(process.argv[2]);
}
"""


def pairs(flat):
    return [[flat[i].lower(), flat[i + 1]] for i in range(0, len(flat), 2)]


def show(path, data):
    """Sends `data` to the listener at `path` and reads every answer; one that minds before the end is no error."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        try:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                pass
        except OSError:
            pass


class Node:
    def __init__(self, home, role):
        self.path = home / f"node-{role}"
        program = home / "recorder.js"
        program.write_text(RECORDER)
        if role == "client":
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(self.path))
            self.listener.listen(4)
        command = ["node", "--max-http-header-size=65536", str(program), str(self.path), role]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if role == "server":
            rest_world.wait_for_socket(self.path, self.process)
            self._line()  # of the probe

    def _line(self):
        found = json.loads(self.process.stdout.readline())
        for message in found["messages"]:
            message["fields"], message["trailers"] = pairs(message["fields"]), pairs(message["trailers"])
        return found["messages"], found.get("fault", "")

    def read_requests(self, data):
        show(self.path, data)
        return self._line()

    def read_response(self, method, data):
        self.process.stdin.write(method + "\n")
        self.process.stdin.flush()
        peer, _ = self.listener.accept()
        with peer:
            while b"\r\n\r\n" not in peer.recv(65536, socket.MSG_PEEK):
                pass
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)
            return self._line()

    def stop(self):
        self.process.kill()
        self.process.communicate()


def take_h11(connection, kind):
    """Events of one message; (message or None, whether the connection can go on)."""
    message = None
    while True:
        event = connection.next_event()
        if isinstance(event, kind):
            message = {"fields": [[n.decode("latin-1").lower(), v.decode("latin-1")] for n, v in event.headers],
                       "body": "", "trailers": []}
            if kind is h11.Request:
                message.update(method=event.method.decode(), target=event.target.decode("latin-1"))
            else:
                message.update(status=event.status_code)
        elif isinstance(event, h11.Data):
            message["body"] += event.data.decode("latin-1")
        elif isinstance(event, h11.EndOfMessage):
            message["trailers"] = [[n.decode("latin-1").lower(), v.decode("latin-1")] for n, v in event.headers]
            return message
        elif event is h11.NEED_DATA or event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
            return None


def h11_requests(data):
    found = []
    try:
        while data:
            connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 17)
            connection.receive_data(data)
            message = take_h11(connection, h11.Request)
            if message is None:
                break
            found.append(message)
            data = connection.trailing_data[0]  # a fresh connection each: what Connection says is not the question
    except h11.RemoteProtocolError as error:
        return found, str(error)
    return found, ""


def h11_response(method, data):
    try:
        connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 17)
        connection.send(h11.Request(method=method, target="/", headers=[("Host", "svc")]))
        connection.send(h11.EndOfMessage())
        connection.receive_data(data)
        connection.receive_data(b"")
        message = take_h11(connection, h11.Response)
    except h11.RemoteProtocolError as error:
        return [], str(error)
    return [message] if message else [], "" if message else "incomplete"


NGINX = """
daemon off; master_process off; worker_processes 1; pid {home}/judge.pid; error_log {home}/judge.err crit;
user root;
events {{ worker_connections 64; }}
http {{
  log_format j escape=json '{{"method":"$request_method","target":"$request_uri","status":"$status",'
                           '"client":"$http_x_pv_client","role":"$http_x_pv_role","number":$connection_requests}}';
  access_log {home}/judge.log j; keepalive_requests 10000; client_max_body_size 0; lingering_close off;
  client_body_temp_path {home}/b; proxy_temp_path {home}/p; fastcgi_temp_path {home}/f; uwsgi_temp_path {home}/u;
  scgi_temp_path {home}/s; large_client_header_buffers 8 64k; server_names_hash_bucket_size 128;
  server {{ listen unix:{home}/judge; location / {{ return 200; }} }}
}}
"""


class Nginx:
    """Its log is its view: no fields and bodies, but how many requests, and whose."""

    def __init__(self, home):
        config = home / "judge.conf"
        config.write_text(NGINX.format(home=home))
        self.path = home / "judge"
        self.process = subprocess.Popen(["nginx", "-p", str(home), "-c", str(config), "-e", str(home / "judge.err")])
        rest_world.wait_for_socket(self.path, self.process)
        self.log = open(home / "judge.log", encoding="utf-8")

    def read_requests(self, data):
        """What it answered: every answer is read first, so the log is complete."""
        show(self.path, data)
        return [json.loads(line) for line in self.log]

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()
