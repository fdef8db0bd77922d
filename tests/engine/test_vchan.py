"""libvchan-socket: lifecycle, states and bytes, with an end of ours and of the older library on either side."""

import os
import re
import select
import socket
import subprocess
import threading
import time

import pytest

from vchan_ends import (BIG, BUILD, CONNECTED, DISCONNECTED, WAITING, Failed, Old, environment, lib, ours, pair, soon,
                        street, used_processor, watchdog)  # noqa: F401
from waiting import in_thread


# --- lifecycle and states ------------------------------------------------------------------------------------------------
def test_the_path_is_made_of_server_client_and_port(street):
    with street.server(port=7):
        assert os.listdir(street.directory) == ["vchan.1.2.7.sock"]
    assert os.listdir(street.directory) == []


def test_the_environment_is_read_at_every_call(street, tmp_path):
    other = tmp_path / "other"
    with street.server(), environment(VCHAN_SOCKET_DIR=other, VCHAN_DOMAIN=5):
        handle = lib.libvchan_server_init(6, 7, 0, 0)
        assert os.listdir(other) == ["vchan.5.6.7.sock"]  # and the directory was made
        lib.libvchan_close(handle)


def test_a_path_too_long_for_an_address_is_refused_not_cut(street, tmp_path, capfd):
    street.more["VCHAN_SOCKET_DIR"] = tmp_path / ("x" * 100)
    with pytest.raises(Failed):
        street.server()
    assert "longer than 107 bytes" in capfd.readouterr().err


def test_three_states(ours):
    server = ours.server()
    assert server.state == WAITING
    client = ours.client()
    assert (client.state, server.state) == (CONNECTED, CONNECTED)
    client.close()
    assert soon(lambda: server.state, DISCONNECTED) == DISCONNECTED
    with pytest.raises(Failed):
        server.read(1)
    with pytest.raises(Failed):
        server.write(b"x")
    server.close()


def test_a_client_waits_for_its_server(ours):
    waiting = in_thread(ours.client)
    time.sleep(0.5)  # it reads the environment before the server does
    assert waiting.is_alive()
    with ours.server(), waiting.result() as client:
        assert client.state == CONNECTED


def test_a_client_waits_where_a_dead_server_left_its_socket(street):
    left = socket.socket(socket.AF_UNIX)
    left.bind(street.path())
    left.close()
    waiting = in_thread(street.client)
    time.sleep(0.5)
    with street.server(), waiting.result() as client:
        assert client.state == CONNECTED


def test_a_waiting_client_costs_next_to_nothing(street):
    waiting = in_thread(street.client)
    assert any(used_processor(lambda: time.sleep(1)) < 0.03 for _ in range(5))
    with street.server():
        waiting.result().close()


def test_an_asynchronous_client_returns_at_once_and_is_told(ours):
    client, watch = ours.client_async()
    with client:
        assert client.state == WAITING
        assert client.finish() == 1
        with ours.server() as server:
            assert select.select([watch], [], [], 60)[0]
            assert soon(client.finish, 0) == 0
            assert (client.state, server.state) == (CONNECTED, CONNECTED)
            client.write(b"hello")
            assert server.recv(5) == b"hello"


def test_finishing_says_whether_calls_block(ours):
    with ours.server():
        client, _ = ours.client_async()
        with client:
            assert client.finish(blocking=False) == 0
            assert client.read(10) == b""


def test_an_asynchronous_client_may_be_given_up(street):
    before = len(os.listdir("/proc/self/fd"))
    client, _ = street.client_async()
    client.close()
    assert soon(lambda: len(os.listdir("/proc/self/fd")), before) == before


def test_a_second_client_is_not_taken_and_waits_for_the_next_server(street):
    with street.server() as server, street.client() as first:
        assert server.state == CONNECTED
        second = in_thread(street.client)
        time.sleep(0.5)
        assert second.is_alive()
        first.write(b"mine")
        assert server.recv(4) == b"mine"
    with street.server(), second.result() as client:
        assert client.state == CONNECTED


def test_clients_that_queued_before_the_first_was_served_are_told(street):
    with street.server() as server:
        queued = [street.old_client() for _ in range(2)]
        assert server.state == CONNECTED
        queued[0].write_all(b"x")
        assert server.recv(1) == b"x"
        assert queued[1].read_to_end() == b""
        for one in queued:
            one.close()


def test_a_server_does_not_serve_again_by_default(ours):
    with ours.server() as server:
        ours.client().close()
        assert soon(lambda: server.state, DISCONNECTED) == DISCONNECTED
        assert os.listdir(ours.directory) == []


def test_a_server_serves_again_where_that_is_asked_for(ours):
    with ours.server(VCHAN_RECONNECT=1) as server:
        for turn in (b"first", b"second", b"third"):
            with ours.client() as client:
                assert server.state == CONNECTED
                for _ in range(3):
                    client.send(turn)
                    assert server.recv(len(turn)) == turn
                    server.send(turn)
                    assert client.recv(len(turn)) == turn
                client.send(b"rest")
            assert server.read_to_end() == b"rest"
            assert server.state == WAITING


def test_ten_thousand_channels_leave_nothing(street):
    def descriptors_and_pages():
        with open("/proc/self/statm") as statm:
            return len(os.listdir("/proc/self/fd")), int(statm.read().split()[1])

    def channel(i):
        street.more["VCHAN_SHM"] = i % 2
        with street.server() as server, street.client() as client:
            client.send(b"x")
            server.send(server.recv(1))
            client.send(client.recv(1))
            assert server.recv(1) == b"x"

    for i in range(200):
        channel(i)
    before = descriptors_and_pages()
    for i in range(10_000):
        channel(i)
    after = descriptors_and_pages()
    assert after[0] == before[0]
    assert after[1] - before[1] < 256  # pages: less than a hundredth of one a channel
    assert threading.active_count() < 10 and os.listdir(street.directory) == []


PROGRAM = """#include <libvchan.h>
#include <stdio.h>
int main(void) {
  libvchan_t *server = libvchan_server_init(0, 1, 0, 0), *client = libvchan_client_init(0, 1);
  char word[6] = "";
  libvchan_send(client, "hello", 5);
  libvchan_recv(server, word, 5);
  libvchan_close(client);
  libvchan_close(server);
  return puts(word) < 0;
}
"""


def test_a_program_in_c_is_built_by_pkg_config_and_needs_libc_alone(tmp_path):
    subprocess.run(["cmake", "--install", BUILD, "--prefix", tmp_path / "usr"], check=True, capture_output=True)
    [pc] = tmp_path.rglob("vchan-socket.pc")
    pc.write_text(pc.read_text().replace(re.search("prefix=(.*)", pc.read_text()).group(1), str(tmp_path / "usr")))
    words = lambda *options: subprocess.run(["pkg-config", *options, "vchan-socket"], check=True, capture_output=True,
                                            text=True, env={**os.environ, "PKG_CONFIG_PATH": str(pc.parent)}).stdout.split()
    (tmp_path / "program.c").write_text(PROGRAM)
    subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", "-o", tmp_path / "program", tmp_path / "program.c",
                    *words("--cflags", "--libs")], check=True)
    [library] = tmp_path.rglob("libvchan-socket.so")
    needed = subprocess.run(["readelf", "-d", tmp_path / "program", library], capture_output=True, text=True).stdout
    assert set(re.findall(r"NEEDED.*\[(.*)\]", needed)) == {"libvchan-socket.so", "libc.so.6"}
    said = subprocess.run([tmp_path / "program"], capture_output=True, text=True, check=True,
                          env={"LD_LIBRARY_PATH": str(library.parent), "VCHAN_SOCKET_DIR": str(tmp_path)}).stdout
    assert said == "hello\n"
    assert words("--variable=backend_vmm") == ["socket"]


# --- bytes ---------------------------------------------------------------------------------------------------------------
def test_bytes_arrive_both_ways(pair):
    server, client = pair
    for turn in range(20):
        for writer, reader, text in ((client, server, b"question %d" % turn), (server, client, b"answer %d" % turn)):
            writer.write_all(text)
            assert reader.recv(len(text)) == text


def test_megabytes_cross_both_ways_at_once(pair):
    ends = {"server": pair[0], "client": pair[1]}
    writers = [in_thread(lambda end=end: end.write_all(BIG)) for end in ends.values()]
    readers = [in_thread(lambda end=end: end.recv(len(BIG))) for end in ends.values()]
    for one in writers:
        one.result()
    assert [reader.result() == BIG for reader in readers] == [True, True]


@pytest.mark.parametrize("size", [1, 4095, 4096, 4097, 65536, 1 << 20, (1 << 20) + 1])
def test_what_was_accepted_arrives_though_the_writer_closes_at_once(ours, size):
    for writer_serves in (True, False):
        server = ours.server(read=1 << 21, write=1 << 21)
        client = ours.client()
        writer, reader = (server, client) if writer_serves else (client, server)
        reader.set_blocking(False)
        assert reader.read(1) == b""  # the server has accepted
        sent = 0
        writer.set_blocking(False)
        for _ in range(4):
            sent += writer.write(BIG[sent:sent + size])
        closing = in_thread(writer.close)
        reader.set_blocking(True)
        assert reader.read_to_end() == BIG[:sent]
        closing.result()
        reader.close()


def test_everything_from_a_peer_that_wrote_and_left_can_be_read(pair):
    server, client = pair
    leaving, staying = (client, server) if not isinstance(server, Old) else (server, client)
    writing = in_thread(lambda: (leaving.write_all(BIG[:150_000]), leaving.close()))
    writing.result()
    time.sleep(0.05)
    with pytest.raises(Failed):
        while True:
            staying.write(b"to nobody")  # EPIPE must not throw away what has come
    assert staying.read_to_end() == BIG[:150_000]


def test_half_a_close_of_the_peer_ends_one_direction(street):
    with street.server() as server, street.old_client() as client:
        client.write_all(b"last words")
        client.line.shutdown(socket.SHUT_WR)
        assert server.read(100) == b"last words"
        with pytest.raises(Failed):
            server.read(1)
        server.write(b"still talking")
        assert client.recv(13) == b"still talking"


def test_recv_is_exact_and_what_is_too_little_stays(ours):
    with ours.server() as server:
        client = ours.client()
        client.write(b"warm up")  # memory is agreed on here
        assert server.recv(7) == b"warm up"
        client.write(b"1234")
        receiving = in_thread(lambda: server.recv(8))
        time.sleep(0.05)
        assert receiving.is_alive()
        client.write(b"56789")
        assert receiving.result() == b"12345678"
        client.close()
        with pytest.raises(Failed):
            server.recv(5)
        assert server.read(10) == b"9"


def test_sizes_beyond_the_ring_do_not_hang(ours):
    with ours.server() as server, ours.client() as client:
        sending = in_thread(lambda: client.send(BIG))
        assert server.recv(len(BIG)) == BIG
        assert sending.result() == len(BIG)
        server.set_blocking(False)
        with pytest.raises(Failed):
            server.send(BIG[:4097])
        with pytest.raises(Failed):
            server.recv(4097)


def test_nothing_is_written_for_a_size_of_zero(ours):
    with ours.server() as server, ours.client() as client:
        assert (client.write(b""), client.send(b""), client.recv(0)) == (0, 0, b"")
        reading = in_thread(lambda: server.read(0))
        time.sleep(0.05)
        assert reading.is_alive()
        client.write(b"x")
        assert reading.result() == b""
        assert server.read(1) == b"x"


def test_threads_may_read_and_write_one_handle(ours):
    with ours.server() as server, ours.client() as client:
        echo = in_thread(lambda: [server.send(server.recv(1000)) for _ in range(1000)])
        reading = in_thread(lambda: b"".join(client.recv(1000) for _ in range(1000)))
        for i in range(1000):
            client.send(BIG[i * 1000:i * 1000 + 1000])
        echo.result()
        assert reading.result() == BIG[:1_000_000]


# --- what programs rely on -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("least,size", [(0, 4096), (1, 4096), (1024, 4096), (4096, 4096), (4097, 8192), (70000, 131072)])
def test_rings_are_the_powers_of_two_above(ours, least, size):
    with ours.server(read=least, write=least) as server:
        assert server.space == size
        with ours.client() as client:
            assert (server.space, client.space) == (size, 4096)
            server.write(b"x")
            assert server.space == size  # at once: it is on its way


def test_one_read_gives_no_more_than_the_ring(ours):
    with ours.server(read=1024) as server, ours.client() as client:
        client.send(BIG[:4106])
        assert soon(lambda: server.ready, 4096) == 4096
        assert server.read(4106) == BIG[:4096]
        assert server.ready == 10
        assert server.read(4106) == BIG[4096:4106]
        assert server.ready == 0


def test_room_is_there_again_when_the_peer_has_received(ours):
    with ours.server() as server, ours.client() as client:
        for _ in range(100):
            server.send(BIG[:4096])
            assert client.recv(4096) == BIG[:4096]
            assert server.space == 4096


def test_what_is_written_while_waiting_reaches_a_later_peer_without_another_call(ours):
    with ours.server() as server:
        assert server.write(BIG[:100]) == 100
        assert server.space == 3996
        with ours.client() as client:
            assert client.recv(100) == BIG[:100]
        assert soon(lambda: server.state, DISCONNECTED) == DISCONNECTED


def test_space_is_a_promise(ours):
    """What buffer_space() says is taken without waiting, whatever lies in the socket already, and arrives."""
    with ours.server() as server, ours.client() as client:
        sent = 0
        while space := server.space:
            sent += in_thread(lambda: server.write(BIG[sent:sent + space])).result()
        assert server.space == 0 and sent > 4096
        assert client.recv(sent) == BIG[:sent]
        assert soon(lambda: server.space, 4096) == 4096
