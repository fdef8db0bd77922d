"""libvchan-socket: calls that do not block, events for poll and epoll, and what the older library does wrong."""

import select
import signal
import time

import pytest

import host
from vchan_ends import (BIG, CONNECTED, DISCONNECTED, Failed, Old, ours, pair, soon, street, used_processor, watchdog)  # noqa: F401
from waiting import in_thread, readable

LONG = 30  # seconds for what must happen


# --- without blocking ----------------------------------------------------------------------------------------------------
def test_what_would_wait_returns_nothing(ours):
    with ours.server() as server:
        server.set_blocking(False)
        assert (server.read(10), server.recv(10), server.wait()) == (b"", b"", 0)
        assert server.send(BIG[:4096]) == 4096
        assert (server.write(b"x"), server.send(b"x")) == (0, 0)
        with ours.client() as client:
            client.set_blocking(False)
            assert soon(lambda: client.ready, 4096, LONG) == 4096
            assert client.recv(4096) == BIG[:4096]
            assert client.read(1) == b""


def test_a_full_channel_takes_nothing_and_tells_when_it_takes_again(ours):
    with ours.server() as server, ours.client() as client:
        client.set_blocking(False)
        sent = 0
        while taken := client.write(BIG[sent:sent + 3000]):
            sent += taken
        assert (client.send(b"x"), client.space) == (0, 0)
        client.fileno()
        while readable(client):
            client.wait()
        assert not readable(client, 0.05)
        assert server.recv(sent) == BIG[:sent]
        assert readable(client, LONG)
        assert client.wait() == 0 and client.space > 0


# --- events --------------------------------------------------------------------------------------------------------------
def test_the_descriptor_stays_the_same(ours):
    with ours.server() as server:
        seen = {server.fileno()}
        with ours.client() as client:
            client.write(b"x")
            seen |= {server.fileno()}
            assert server.recv(1) == b"x"
            seen |= {server.fileno()}
        seen |= {server.fileno()}
        assert len(seen) == 1


@pytest.mark.parametrize("kind", ["poll", "epoll"])
def test_data_room_and_states_are_events(ours, kind):
    with ours.server() as server:
        waiter = select.poll() if kind == "poll" else select.epoll()
        waiter.register(server.fileno(), select.POLLIN)
        event = lambda seconds=LONG: bool(waiter.poll(seconds * (1000 if kind == "poll" else 1)))

        def quiet():
            end = time.monotonic() + LONG
            while event(0.05) and time.monotonic() < end:
                server.wait()
            return not event(0.05)

        assert quiet()
        client = ours.client()
        assert event()
        assert quiet() and server.state == CONNECTED
        for turn in range(5):
            client.write(b"data")
            assert event(), turn
            assert server.wait() == 0
            assert server.ready == 4
            assert server.read(4) == b"data"
            assert quiet()
        client.close()
        assert event()
        assert server.wait() == 0
        assert server.state == DISCONNECTED
        assert server.wait() == -1
        assert quiet()


def test_what_was_left_unread_is_an_event_again(ours):
    with ours.server() as server, ours.client() as client:
        server.fileno()
        client.send(BIG[:20000])
        got = b""
        while len(got) < 20000:
            assert readable(server, LONG), len(got)
            server.wait()
            got += server.read(1500)
        assert got == BIG[:20000]


def test_a_program_that_does_not_read_is_told_once(ours):
    with ours.server() as server, ours.client() as client:
        client.send(b"warm up")
        assert server.recv(7) == b"warm up"
        server.fileno()
        client.send(BIG[:100])
        assert readable(server, LONG)
        while readable(server):
            server.wait()
        assert server.ready == 100
        assert not readable(server, 0.1)


def test_waiting_without_looking_at_the_descriptor(ours):
    with ours.server() as server, ours.client() as client:
        def all_of(count):
            while server.ready < count:
                assert server.wait() == 0
            return server.recv(count)

        for turn in range(50):
            waiting = in_thread(lambda: all_of(8))
            client.write(b"1234")
            time.sleep(0.001 * (turn % 3))
            client.write(b"5678")
            assert waiting.result() == b"12345678"


def test_waiting_for_a_client_ends_when_it_comes(ours):
    with ours.server() as server:
        waiting = in_thread(server.wait)
        time.sleep(0.05)
        assert waiting.is_alive()
        with ours.client():
            assert waiting.result() == 0
            assert server.state == CONNECTED


def test_the_end_is_seen_at_once(pair):
    server, client = pair
    leaving, staying = (client, server) if not isinstance(server, Old) else (server, client)
    reading = in_thread(lambda: staying.read_to_end())
    time.sleep(0.05)
    before = time.monotonic()
    leaving.close()
    assert reading.result() == b""
    assert time.monotonic() - before < 10
    assert staying.state == DISCONNECTED


# --- what the older library does wrong -----------------------------------------------------------------------------------
def test_close_does_not_wait_for_a_peer_that_does_not_read(ours):
    server, client = ours.server(write=64 << 20), ours.client()  # more than any socket takes
    server.set_blocking(False)
    while server.write(BIG):
        pass
    before = time.monotonic()
    in_thread(server.close).result()
    assert time.monotonic() - before < 20
    client.close()


def test_a_waiting_server_closes_at_once_and_idles_without_a_wake_up(street):
    def takes_to_close(server):
        server.write(b"kept, so there is a thread")
        assert host.wait_until(lambda: used_processor(lambda: time.sleep(0.5)) < 0.01, 1)
        before = time.monotonic()
        server.close()
        return time.monotonic() - before

    assert any(takes_to_close(street.server()) < 1 for _ in range(4)), "the machine may be busy; the library may not"


def test_a_full_ring_and_a_closed_peer_use_no_processor(ours):
    with ours.server() as server:
        client = ours.client()
        client.set_blocking(False)
        while client.write(BIG[:65536]):
            pass
        in_thread(client.close).result()
        server.fileno()
        while readable(server):
            server.wait()
        assert host.wait_until(lambda: used_processor(lambda: readable(server, 0.5)) < 0.05, 1)
        assert len(server.read_to_end()) > 65536


def test_events_that_nobody_takes_do_not_end_the_channel(ours):
    with ours.server() as server, ours.client() as client:
        server.fileno(), client.fileno()
        for i in range(70_000):
            client.write(b"x")
            server.read(1)
        assert (client.state, server.state) == (CONNECTED, CONNECTED)


def test_no_signal_ends_a_program_that_writes_to_nobody(ours):
    before = signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        server, client = ours.server(), ours.client()
        assert server.state == CONNECTED
        client.close()
        with pytest.raises(Failed):
            server.write(b"x")
            server.write(b"x")
        server.close()
    finally:
        signal.signal(signal.SIGPIPE, before)
