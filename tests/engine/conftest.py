"""Every engine test runs in the house; every one of them must leave it as it found it."""

import importlib
import os
import sys
from pathlib import Path

import pytest

import house
import matrix
import versions

if house.inside():
    import bed as beds
    import host
    import podman

ROWS = []  # of the table of engines and links


def fetch_kernel(arguments):
    """For tests in a virtual machine, before the house: it has no network."""
    files = [argument for argument in arguments if ".py" in argument]
    if files and not any("test_vm_" in name for name in files):
        return
    source = Path(os.environ.get("XC_SOURCE", Path(__file__).resolve().parents[2]))
    build = Path(os.environ.get("XC_BUILD", source / "build/dev"))
    sys.path.insert(0, str(source / "tests/vm"))
    importlib.import_module("kernel").prepare(build / "vm")


def pytest_configure(config):
    config.addinivalue_line("markers", "since(**versions): the engines that can do it, from these versions on")
    if not house.inside():
        fetch_kernel(config.invocation_params.args)
        config.pluginmanager.getplugin("capturemanager").stop_global_capturing()
        house.enter([sys.executable, "-m", "pytest", *config.invocation_params.args])


def pytest_collection_modifyitems(config, items):
    versions.leave_out(config, items)


def pytest_runtest_logreport(report):
    if report.when == "call" and report.passed:
        ROWS.extend(value for key, value in report.user_properties if key == matrix.KEY)


def pytest_sessionfinish():
    if ROWS:
        matrix.save(ROWS)


@pytest.fixture
def bed():
    """Containers of one test. Whatever is left after they are stopped is an error of the test."""
    one = beds.Bed()
    before = one.snapshot()
    yield one
    for engine in one.engines.values():
        one.stop_all(engine)
    gone = host.wait_until(lambda: not host.difference(before, one.snapshot()), 3.0)
    left = host.difference(before, one.snapshot())
    log = one.log_text()[-2000:]
    one.remove()
    assert gone, "left behind:\n" + "\n".join(left) + "\n" + log


@pytest.fixture(scope="module")
def room():
    """Where podman runs."""
    one = podman.Room()
    yield one
    one.leave()


@pytest.fixture(params=["runc", "runc-v2", "crun", "lxc", "lxc0"])
def engine(request, bed):
    return bed.engines[request.param]


@pytest.fixture(params=["runc", "runc-v2", "crun"])
def oci(request, bed):
    return bed.engines[request.param]


@pytest.fixture(params=["lxc", "lxc0"])
def lxc(request, bed):
    return bed.engines[request.param]


@pytest.fixture
def runc(bed):
    """For cases about our programs, where one engine is as good as another."""
    return bed.engines["runc"]
