// The C functions of libvchan.h. Runs in the program that uses the library; nothing of C++ crosses here.
#include "vchan/libvchan.h"

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <new>

#include "vchan/channel.h"

struct libvchan {
  xc::vchan::Channel channel;
};

namespace {

/// A handle that `begin` makes usable; null where it cannot.
template <class Begin>
libvchan_t* open_handle(Begin begin) {
  void* memory = std::malloc(sizeof(libvchan_t));
  if (memory == nullptr) return nullptr;
  auto* handle = new (memory) libvchan_t;
  if (begin(handle->channel)) return handle;
  libvchan_close(handle);
  return nullptr;
}

int clamped(std::size_t size) {
  return static_cast<int>(std::min<std::size_t>(size, INT_MAX));
}

}  // namespace

libvchan_t* libvchan_server_init(int domain, int port, size_t read_min, size_t write_min) {
  return open_handle([=](auto& channel) { return channel.serve(domain, port, read_min, write_min); });
}

libvchan_t* libvchan_client_init(int domain, int port) {
  return open_handle([=](auto& channel) { return channel.reach(domain, port); });
}

libvchan_t* libvchan_client_init_async(int domain, int port, EVTCHN* watch_fd) {
  return open_handle([=](auto& channel) { return channel.begin_to_reach(domain, port, *watch_fd); });
}

int libvchan_client_init_async_finish(libvchan_t* ctrl, bool blocking) {
  return ctrl->channel.finish_to_reach(blocking);
}

void libvchan_set_blocking(libvchan_t* ctrl, bool blocking) {
  ctrl->channel.set_blocking(blocking);
}

int libvchan_write(libvchan_t* ctrl, const void* data, size_t size) {
  return static_cast<int>(ctrl->channel.write(static_cast<const char*>(data), size));
}

int libvchan_send(libvchan_t* ctrl, const void* data, size_t size) {
  return size > INT_MAX ? -1 : static_cast<int>(ctrl->channel.send(static_cast<const char*>(data), size));
}

int libvchan_read(libvchan_t* ctrl, void* data, size_t size) {
  return static_cast<int>(ctrl->channel.read(static_cast<char*>(data), size));
}

int libvchan_recv(libvchan_t* ctrl, void* data, size_t size) {
  return size > INT_MAX ? -1 : static_cast<int>(ctrl->channel.receive(static_cast<char*>(data), size));
}

int libvchan_wait(libvchan_t* ctrl) {
  return ctrl->channel.wait();
}

void libvchan_close(libvchan_t* ctrl) {
  if (ctrl == nullptr) return;
  ctrl->~libvchan_t();
  std::free(ctrl);
}

EVTCHN libvchan_fd_for_select(libvchan_t* ctrl) {
  return ctrl->channel.descriptor();
}

int libvchan_is_open(libvchan_t* ctrl) {
  return static_cast<int>(ctrl->channel.state());
}

int libvchan_data_ready(libvchan_t* ctrl) {
  return clamped(ctrl->channel.data_ready());
}

int libvchan_buffer_space(libvchan_t* ctrl) {
  return clamped(ctrl->channel.buffer_space());
}
