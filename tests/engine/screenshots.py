"""Pictures of mediated clients, as root: screenshots.py DIRECTORY
  wayland-container.png  three clients as uid 1000 in a runc container with a read-only root, drawn by Weston
  wayland-sway.png       a terminal and a GTK program through a link that gives windows a name, drawn by sway"""

import subprocess
import sys
import time
from pathlib import Path

import house


def small(source, target):
    subprocess.run(["convert", str(source), "-resize", "640x", "+dither", "-colors", "48", "-strip", str(target)], check=True)
    print(target)


def container(target):
    import bed as beds
    import jobs
    import test_wayland_containers as kiosks
    import wayland_world as world
    bed = beds.Bed()
    engine = bed.engines["runc"]
    text = "id; echo; mount | grep ' / '; mount | grep wayland; exec sleep 60"
    script = f'weston-flower & weston-simple-shm & exec foot -W 80x12 sh -c "{text}"'
    with world.running(world.WestonOnX()) as desktop:
        desktop.settled()
        c = kiosks.kiosk(bed, engine, desktop, ["/bin/sh", "-c", f"export PATH=/usr/bin:/bin; {script}"])
        jobs.started(engine, c)
        time.sleep(5)
        desktop.shoot(bed.home / "shot.png")
        small(bed.home / "shot.png", target)
        engine.stop(c)
    bed.remove()


def sway(target):
    import wayland_world as world
    rules = '{"app-id": {"pin": "box.{client}"}, "title": {"prefix": "[{client}] "}}'
    with world.running(world.Sway()) as one, world.running(world.Mediator(one, rules, "kiosk")) as link:
        text = "echo mediated; wayland-info | grep -c interface; grim /tmp/x.png; exec sleep 60"
        with world.running(world.Client(link, "foot", "sh", "-c", text), world.Client(link, "gtk3-demo")):
            time.sleep(5)
            shot = one.directory / "shot.png"
            world.run(one, "grim", shot)
            small(shot, target)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if not house.inside():
        house.enter(["/usr/bin/python3", str(Path(__file__).resolve()), str(Path(sys.argv[1]).resolve())])
    directory = Path(sys.argv[1])
    directory.mkdir(exist_ok=True)
    container(directory / "wayland-container.png")
    sway(directory / "wayland-sway.png")


if __name__ == "__main__":
    main()
