"""What a request costs through the REST mediator: direct, relay floor, ours, nginx and haproxy with the two fields;
everything on one processor, rounds interleaved, the best of them counts."""

import argparse
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

import bench

HTTP = str(bench.BUILD / "tests/xc-test-http")
SCENES = {"GET 1": ("get", 1, 8000), "GET 16": ("get", 16, 16000), "POST 64K x4": ("post", 4, 4000),
          "new x4": ("new", 4, 6000)}
GOALS = {"GET 1": 0.42, "GET 16": 0.40, "POST 64K x4": 0.50, "new x4": 0.45}

NGINX = """
user root; daemon off; master_process off; worker_processes 1; pid {home}/nginx.pid; error_log {home}/nginx.err;
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {home}/body; proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/fastcgi;
  uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi; client_max_body_size 0; keepalive_requests 10000000;
  upstream provider {{ server unix:{direct}; keepalive 32; }}
  server {{
    listen unix:{socket};
    location / {{
      proxy_pass http://provider; proxy_http_version 1.1; proxy_request_buffering off; proxy_set_header Connection "";
      proxy_set_header X-PV-Client web; proxy_set_header X-PV-Role admin;
    }}
  }}
}}
"""
HAPROXY = """
global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend f
  bind unix@{socket}
  http-request set-header X-PV-Client web
  http-request set-header X-PV-Role admin
  default_backend b
backend b
  server s unix@{direct}
"""


def contenders(home):
    """name -> (socket, command); the server itself first."""
    direct = home / "direct"
    (home / "nginx.conf").write_text(NGINX.format(home=home, socket=home / "nginx", direct=direct))
    (home / "haproxy.conf").write_text(HAPROXY.format(socket=home / "haproxy", direct=direct))
    inject = [str(bench.BUILD / "xc-inject"), "mediate", "rest", "--listen", str(home / "ours"), "--connect", str(direct)]
    return {"direct": [HTTP, "serve", str(direct)], "floor": [HTTP, "floor", str(home / "floor"), str(direct)],
            "ours": inject, "nginx": ["nginx", "-p", str(home), "-c", str(home / "nginx.conf"), "-e", str(home / "e")],
            "haproxy": ["haproxy", "-db", "-f", str(home / "haproxy.conf")]}


def measure(home, name, pid, scene):
    mode, connections, count = SCENES[scene]
    before = bench.processor_time(pid)
    done = subprocess.run([HTTP, "load", str(home / name), mode, str(connections), str(count)], check=True,
                          capture_output=True, text=True, timeout=120)
    return {**json.loads(done.stdout), "cpu": (bench.processor_time(pid) - before) / count / 1000}


def report(results, running):
    for scene, goal in GOALS.items():
        best = {name: max(rounds, key=lambda r: r["rate"]) for name, rounds in results[scene].items()}
        rows = [[name, f"{b['rate']:.0f}", b["rate"] / best["direct"]["rate"], f"{b['p50']:.0f}", f"{b['p99']:.0f}",
                 f"{b['cpu']:.1f}"] for name, b in best.items()]
        bench.table(f"{scene} (goal {goal})", ["path", "per second", "of direct", "p50 us", "p99 us", "CPU us"], rows)
    memory = bench.family_memory([process.pid for process in running.values()])
    bench.table("memory, Pss KiB", ["path", "after it all", "at rest"], [[one, *both] for one, both in zip(running, memory)])
    print(f"\nload of the machine: {os.getloadavg()[0]:.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=["direct", "floor", "ours", "nginx", "haproxy"])
    options = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    running = {}
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        try:
            for contender, command in contenders(home).items():
                if contender in options.only or contender == "direct":
                    running[contender] = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                    while not (home / contender).exists():
                        time.sleep(0.01)
            results = {scene: bench.interleaved(options.rounds, **{
                one: lambda one=one, p=p, scene=scene: measure(home, one, p.pid, scene) for one, p in running.items()})
                for scene in SCENES}
            report(results, running)
        finally:
            for process in running.values():
                process.terminate()
                process.wait()


if __name__ == "__main__":
    main()
