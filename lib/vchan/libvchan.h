/* The libvchan API over AF_UNIX sockets and shared memory: a byte channel between two domains, for programs written for
 * Xen's libvchan. C and C++. Link with -lvchan-socket (pkg-config vchan-socket).
 *
 * A handle may be used by one reading and one writing thread at a time. Every function but libvchan_close() may be
 * called in every state. Sizes are bytes; what returns int returns -1 on failure; errno says nothing.
 *
 * Environment, read by every init call:
 *   VCHAN_DOMAIN      own domain, default 0
 *   VCHAN_SOCKET_DIR  where the sockets are, default /var/run/vchan; the file is vchan.SERVER.CLIENT.PORT.sock
 *   VCHAN_RECONNECT   1: a server whose client has left waits for the next one (state VCHAN_WAITING again)
 *   VCHAN_RING        least size of both rings, for clients as well
 *   VCHAN_SHM         0: never use shared memory, and do not even offer it
 */
#ifndef LIBVCHAN_H
#define LIBVCHAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef int EVTCHN;
typedef struct libvchan libvchan_t;

/* States. */
#define VCHAN_DISCONNECTED 0 /* for good, unless the server reconnects; what had arrived can still be read */
#define VCHAN_CONNECTED 1
#define VCHAN_WAITING 2 /* for the peer; what is written is kept for it, as much as the ring holds */

/* Offers port `port` to domain `domain`, returns at once, state VCHAN_WAITING. The rings are the smallest powers of two
 * of at least 4096, `read_min` and `write_min`. NULL: the socket cannot be made, and standard error says why. */
libvchan_t* libvchan_server_init(int domain, int port, size_t read_min, size_t write_min);

/* Waits until domain `domain` serves `port` and connects; rings of 4096. NULL: it will never be possible. */
libvchan_t* libvchan_client_init(int domain, int port);

/* The same without waiting: whenever *watch_fd is readable, call libvchan_client_init_async_finish(). */
libvchan_t* libvchan_client_init_async(int domain, int port, EVTCHN* watch_fd);

/* 0: connected, *watch_fd is closed, `blocking` counts from now on. Above 0: wait for *watch_fd again. Below 0: never.
 */
int libvchan_client_init_async_finish(libvchan_t* ctrl, bool blocking);

/* Blocking is the default. Without it, what would wait returns 0. */
void libvchan_set_blocking(libvchan_t* ctrl, bool blocking);

/* The number of bytes taken: at least one, as many as go at once. At least as many as libvchan_buffer_space() said. */
int libvchan_write(libvchan_t* ctrl, const void* data, size_t size);

/* All of it. Non-blocking: all of it or nothing, and -1 when it is larger than the ring. */
int libvchan_send(libvchan_t* ctrl, const void* data, size_t size);

/* The number of bytes read: at least one, at most the ring's size. -1: the peer has left and everything was read. */
int libvchan_read(libvchan_t* ctrl, void* data, size_t size);

/* Exactly `size` bytes. -1: the peer has left and fewer are there; those stay. Non-blocking, larger than the ring: -1.
 */
int libvchan_recv(libvchan_t* ctrl, void* data, size_t size);

/* Waits for the next event - data, room, another state - and takes note of it: libvchan_fd_for_select() is not readable
 * any more until the next. 0; -1 when there will be none. Non-blocking: does not wait. */
int libvchan_wait(libvchan_t* ctrl);

/* What was written is delivered. Never waits longer than a second for a peer that does not read. */
void libvchan_close(libvchan_t* ctrl);

/* A descriptor for poll(2) and epoll(7), the same for the life of the handle: readable while an event is pending. */
EVTCHN libvchan_fd_for_select(libvchan_t* ctrl);

/* One of the states. */
int libvchan_is_open(libvchan_t* ctrl);

/* Bytes that can be read, and written, without waiting; no more than the ring's size. Both ask for an event when it
 * becomes more. */
int libvchan_data_ready(libvchan_t* ctrl);
int libvchan_buffer_space(libvchan_t* ctrl);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
