"""A mediator for HTTP between real programs: `xc-inject mediate rest` alone, and the servers others wrote behind it.
Everything lives in one directory and ends with the test."""

import contextlib
import http.client
import json
import os
import pathlib
import select
import socket
import subprocess
import time

SOURCE = pathlib.Path(os.environ.get("XC_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("XC_BUILD", SOURCE / "build" / "dev"))
CLIENT, ROLE = "web", "admin"


def wait_for_socket(path, process=None):
    for _ in range(6000):
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(path))
                return
            except OSError:
                assert process is None or process.poll() is None, f"{process.args[0]} has ended"
                time.sleep(0.01)
    raise AssertionError(f"nobody listens on {path}")


class Mediator:
    """`xc-inject mediate rest` from `path` to `provider`; identity CLIENT in role ROLE."""

    def __init__(self, path, provider, rules=None, options=(), rules_file=None):
        self.path = path
        ready, told = os.pipe()
        command = [str(BUILD / "xc-inject"), "mediate", "rest", "--listen", str(path), "--connect", str(provider),
                   "--client", CLIENT, "--role", ROLE, "--ready-fd", str(told), *options]
        if rules is not None:
            rules_file = path.with_suffix(".rules")
            rules_file.write_text(json.dumps(rules))
            command += ["--rules", str(rules_file)]
        self.errors = open(path.with_suffix(".log"), "w+b")
        self.process = subprocess.Popen(command, pass_fds=[told], stderr=self.errors)
        os.close(told)
        assert select.select([ready], [], [], 60)[0] and os.read(ready, 1) == b"x", self.log()
        self.ready = ready

    def log(self, lines=0):
        """What it said on standard error; waits for so many lines, as the last is written after the answer has left."""
        for _ in range(3000):
            text = pathlib.Path(self.errors.name).read_text()
            if text.count("\n") >= lines:
                break
            time.sleep(0.01)
        return text

    def connect(self):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(60)
        client.connect(str(self.path))
        return client

    def worker(self):
        """Pid of the sandboxed worker; it exists once somebody has connected."""
        task = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for pid in task.read_text().split():
            if pathlib.Path(f"/proc/{pid}/comm").read_text() == "xc-worker\n":
                return int(pid)
        raise AssertionError("there is no worker")

    def stop(self):
        os.close(self.ready)
        self.process.terminate()
        assert self.process.wait(60) in (0, -15)
        self.errors.close()
        assert not self.path.exists()


def figure(pid, key):
    """One line of /proc/PID/status, in KiB: VmHWM is the most memory it ever had resident."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    raise AssertionError(key)


class UnixConnection(http.client.HTTPConnection):
    """Python's own HTTP client on a Unix socket."""

    def __init__(self, path):
        super().__init__("svc", timeout=60)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(self.path)


def curl(path, target, *options, timeout=60):
    return subprocess.run(["curl", "-sS", "--max-time", str(timeout), "--unix-socket", str(path), *map(str, options),
                           f"http://svc{target}"], capture_output=True, timeout=timeout + 5)


NGINX = """
daemon off; master_process off; worker_processes 1; pid {home}/nginx.pid; error_log {home}/nginx.err;
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi; client_max_body_size 0; underscores_in_headers on;
  server {{
    listen unix:{socket}; root {home}/files;
    location /who {{ default_type text/plain; return 200 "$http_x_pv_client|$http_x_pv_role|$request_uri|$host\\n"; }}
    location /up/ {{ dav_methods PUT DELETE; create_full_put_path on; }}
  }}
}}
"""

HAPROXY = """
global
  log /dev/null local0
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend f
  bind unix@{socket}
  http-request return status 200 content-type text/plain lf-string "%[req.fhdr(x-pv-client)]|%[req.fhdr(x-pv-role)]|%[req.fhdr_cnt(x-pv-client)]|%[req.fhdr_cnt(x-pv-role)]|%[pathq]\\n"
"""

NODE_SERVER = r"""
const http = require('http'), crypto = require('crypto');
const waiting = new Map();
const streams = [];
http.createServer({ requireHostHeader: true }, (request, response) => {
  const url = request.url;
  if (url === '/events') {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    streams.push(response);
    response.write('data: hello\n\n');
  } else if (url.startsWith('/tick/')) {
    for (const s of streams) s.write('data: ' + url.slice(6) + '\n\n');
    response.end('told');
  } else if (url.startsWith('/wait/')) {
    waiting.set(url.slice(6), response);
  } else if (url.startsWith('/wake/')) {
    const wake = () => {  // who waits may come a moment later, by a connection of its own
      const sleeper = waiting.get(url.slice(6));
      if (!sleeper) { setTimeout(wake, 10); return; }
      sleeper.end('woken');
      response.end('done');
    };
    wake();
  } else if (url === '/hash') {
    const hash = crypto.createHash('sha256');
    let size = 0;
    request.on('data', piece => { hash.update(piece); size += piece.length; });
    request.on('end', () => response.end(JSON.stringify({ size, hash: hash.digest('hex'), trailers: request.rawTrailers,
                                                          raw: request.rawHeaders })));
  } else if (url.startsWith('/flow/')) {
    let left = Number(url.slice(6));
    const piece = Buffer.alloc(65536, 'x');
    const write = () => {
      while (left > 0) {
        const some = left >= piece.length ? piece : piece.subarray(0, left);
        left -= some.length;
        if (!response.write(some)) { response.once('drain', write); return; }
      }
      response.addTrailers({ 'Content-Digest': 'sha-256=:x:' });
      response.end();
    };
    response.writeHead(200, { Trailer: 'Content-Digest' });
    write();
  } else if (url === '/hints') {
    response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' });
    response.end('late');
  } else {
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify({ method: request.method, url, raw: request.rawHeaders, port: request.socket.mark ??=
                                  Math.random() }));
  }
}).listen(process.argv[2]);
"""


class Servers:
    """Programs of other people that listen on a socket of this directory."""

    def __init__(self, home):
        self.home, self.running = home, []

    def _start(self, argv, socket_path):
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=open(self.home / "servers.log", "ab"))
        self.running.append(process)
        wait_for_socket(socket_path, process)
        return socket_path

    def nginx(self):
        (self.home / "files/up").mkdir(parents=True, exist_ok=True)
        path, config = self.home / "nginx", self.home / "nginx.conf"
        config.write_text(f"user root;\n{NGINX.format(home=self.home, socket=path)}")
        return self._start(["nginx", "-p", str(self.home), "-c", str(config), "-e", str(self.home / "nginx.err")], path)

    def haproxy(self):
        path, config = self.home / "haproxy", self.home / "haproxy.conf"
        config.write_text(HAPROXY.format(socket=path))
        return self._start(["haproxy", "-db", "-f", str(config)], path)

    def node(self, script=NODE_SERVER, name="node"):
        path, program = self.home / name, self.home / f"{name}.js"
        program.write_text(script)
        return self._start(["node", str(program), str(path)], path)

    def python(self, script, name):
        path, program = self.home / name, self.home / f"{name}.py"
        program.write_text(script)
        return self._start(["/usr/bin/python3", str(program), str(path)], path)

    def stop(self):
        for process in self.running:
            process.kill()
            process.wait()


@contextlib.contextmanager
def serving(directory):
    """The servers of one test."""
    one = Servers(directory)
    try:
        yield one
    finally:
        one.stop()


@contextlib.contextmanager
def mediators(directory, usual_rules=None):
    """A function that starts mediators: make(provider, rules, ...); without rules they have the usual ones."""
    made = []

    def make(provider, rules=None, **more):
        made.append(Mediator(directory / f"m{len(made)}", provider, usual_rules if rules is None else rules, **more))
        return made[-1]

    try:
        yield make
    finally:
        for mediator in made:
            mediator.stop()
