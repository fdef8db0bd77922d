#include "vchan/place.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "vchan/ring.h"

namespace xc::vchan {
namespace {

constexpr const char* usual_directory = "/var/run/vchan";

long number_in(const char* variable, long otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtol(text, nullptr, 10);
}

}  // namespace

Terms terms_of_environment() {
  Terms terms;
  terms.domain = static_cast<int>(number_in("VCHAN_DOMAIN", 0));
  terms.reconnect = number_in("VCHAN_RECONNECT", 0) == 1;
  terms.shared = number_in("VCHAN_SHM", 1) != 0;
  const long ring = number_in("VCHAN_RING", 0);
  terms.ring = ring > 0 ? static_cast<std::size_t>(ring) : 0;
  return terms;
}

bool make_path(int server, int client, int port, Path& path) {
  const char* directory = std::getenv("VCHAN_SOCKET_DIR");
  if (directory == nullptr) directory = usual_directory;
  const int size =
      std::snprintf(path.text, sizeof path.text, "%s/vchan.%d.%d.%d.sock", directory, server, client, port);
  if (size > 0 && static_cast<std::size_t>(size) < sizeof path.text) return true;
  complain(directory, "the name of a socket there would be longer than 107 bytes");
  return false;
}

std::size_t ring_size(std::size_t least) {
  std::size_t size = least_ring;
  while (size < least && size <= most_ring) size *= 2;
  return size <= most_ring ? size : 0;
}

void complain(const char* path, const char* what) {
  (void)std::fprintf(stderr, "vchan: %s: %s\n", path, what);
}

}  // namespace xc::vchan
