"""Rules for every Python test of the project: a test that does not run is a test that failed."""

import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A skip (or an expected failure) hides a case that must pass, so it counts as a failure."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped; a skip is a failure here"
