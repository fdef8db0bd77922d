// A program inside a container that uses a display: by a node, or by a lease that it asks for at a socket. An example
// of a client, and what the tests ask their questions with. Prints one line for each act: "ok ..." or the errno.
//
//   xc-test-drm NODE ACT...          acts: version master drop dumb resources
//   xc-test-drm lease SOCKET [RGB]   takes the lease, paints its screen (green, or that number), says so; then waits
//   until
//                                    it is revoked
//   xc-test-drm pester SOCKET COUNT  a client of leases that misbehaves: sends what nobody asked for, reads nothing,
//   goes away
#include <fcntl.h>
#include <libdrm/drm.h>
#include <libdrm/drm_mode.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

std::uint32_t colour = 0x0000c000;

int say(std::string_view act, bool good, const std::string& more = "") {
  std::printf("%s: %s\n", std::string(act).c_str(), good ? ("ok " + more).c_str() : ::strerrorname_np(errno));
  std::fflush(stdout);
  return good ? 0 : 1;
}

std::uint64_t address(const void* pointer) {
  return reinterpret_cast<std::uintptr_t>(pointer);
}

int tell_version(int fd) {
  std::array<char, 64> name{};
  drm_version version{};
  version.name = name.data();
  version.name_len = name.size() - 1;
  const bool good = ::ioctl(fd, DRM_IOCTL_VERSION, &version) == 0;
  return say("version", good, name.data());
}

struct Objects {
  std::vector<std::uint32_t> connectors = std::vector<std::uint32_t>(32);
  std::vector<std::uint32_t> crtcs = std::vector<std::uint32_t>(32);
};

bool get_resources(int fd, Objects& objects) {
  drm_mode_card_res all{};
  all.connector_id_ptr = address(objects.connectors.data());
  all.crtc_id_ptr = address(objects.crtcs.data());
  all.count_connectors = all.count_crtcs = 32;
  if (::ioctl(fd, DRM_IOCTL_MODE_GETRESOURCES, &all) != 0) return false;
  objects.connectors.resize(all.count_connectors);
  objects.crtcs.resize(all.count_crtcs);
  return true;
}

int tell_resources(int fd) {
  Objects objects;
  const bool good = get_resources(fd, objects);
  return say(
      "resources", good,
      std::to_string(objects.connectors.size()) + " connectors " + std::to_string(objects.crtcs.size()) + " crtcs");
}

struct Buffer {
  drm_mode_create_dumb dumb{};
  std::uint32_t* pixels = nullptr;
};

bool make_buffer(int fd, std::uint32_t width, std::uint32_t height, Buffer& buffer) {
  buffer.dumb.width = width;
  buffer.dumb.height = height;
  buffer.dumb.bpp = 32;
  if (::ioctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &buffer.dumb) != 0) return false;
  drm_mode_map_dumb map{};
  map.handle = buffer.dumb.handle;
  if (::ioctl(fd, DRM_IOCTL_MODE_MAP_DUMB, &map) != 0) return false;
  void* memory =
      ::mmap(nullptr, buffer.dumb.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, static_cast<off_t>(map.offset));
  if (memory == MAP_FAILED) return false;
  buffer.pixels = static_cast<std::uint32_t*>(memory);
  std::fill_n(buffer.pixels, buffer.dumb.size / 4, colour);
  return true;
}

int do_act(int fd, std::string_view act) {
  Buffer buffer;
  if (act == "version") return tell_version(fd);
  if (act == "master") return say(act, ::ioctl(fd, DRM_IOCTL_SET_MASTER, 0) == 0);
  if (act == "drop") return say(act, ::ioctl(fd, DRM_IOCTL_DROP_MASTER, 0) == 0);
  if (act == "dumb") return say(act, make_buffer(fd, 64, 64, buffer));
  if (act == "resources") return tell_resources(fd);
  errno = EINVAL;
  return say(act, false);
}

int connect_to(const char* path) {
  const int client = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un place{};
  place.sun_family = AF_UNIX;
  std::strncpy(place.sun_path, path, sizeof place.sun_path - 1);
  return ::connect(client, reinterpret_cast<sockaddr*>(&place), sizeof place) == 0 ? client : -1;
}

int pester(const char* path, int count) {
  const std::string garbage(65536, '\xff');
  int failures = 0;
  for (int i = 0; i < count; ++i) {
    const int client = connect_to(path);
    failures += client < 0 ? 1 : 0;
    (void)::send(client, garbage.data(), garbage.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (i % 3 != 0) ::close(client);  // every third stays open, and is never read from
  }
  return say("pester", failures == 0);
}

/// The lease, and the line that comes with it: the name of its connector.
int take_lease(const char* path, std::string& line) {
  const int client = connect_to(path);
  if (client < 0) return -1;
  std::array<char, 256> text{};
  iovec piece{text.data(), text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> room{};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = room.data();
  message.msg_controllen = room.size();
  const ssize_t got = ::recvmsg(client, &message, MSG_CMSG_CLOEXEC);
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  ::close(client);
  errno = ENODATA;
  if (got <= 0 || header == nullptr || header->cmsg_type != SCM_RIGHTS) return -1;
  line.assign(text.data(), static_cast<std::size_t>(got));
  int lease = -1;
  std::memcpy(&lease, CMSG_DATA(header), sizeof lease);
  return lease;
}

/// Shows a picture on the only screen of the lease, in the best mode that it has.
bool paint(int fd, std::uint32_t connector, std::uint32_t crtc) {
  drm_mode_get_connector facts{};
  facts.connector_id = connector;
  std::vector<drm_mode_modeinfo> modes(64);
  facts.modes_ptr = address(modes.data());
  facts.count_modes = 64;
  if (::ioctl(fd, DRM_IOCTL_MODE_GETCONNECTOR, &facts) != 0) return false;
  errno = ENODEV;
  if (facts.count_modes == 0) return false;
  Buffer buffer;
  if (!make_buffer(fd, modes[0].hdisplay, modes[0].vdisplay, buffer)) return false;
  drm_mode_fb_cmd frame{};
  frame.width = modes[0].hdisplay;
  frame.height = modes[0].vdisplay;
  frame.pitch = buffer.dumb.pitch;
  frame.bpp = 32;
  frame.depth = 24;
  frame.handle = buffer.dumb.handle;
  if (::ioctl(fd, DRM_IOCTL_MODE_ADDFB, &frame) != 0) return false;
  drm_mode_crtc set{};
  set.set_connectors_ptr = address(&connector);
  set.count_connectors = 1;
  set.crtc_id = crtc;
  set.fb_id = frame.fb_id;
  set.mode_valid = 1;
  set.mode = modes[0];
  return ::ioctl(fd, DRM_IOCTL_MODE_SETCRTC, &set) == 0;
}

int use_lease(const char* path) {
  std::string line;
  const int lease = take_lease(path, line);
  if (lease < 0) return say("lease", false);
  while (line.ends_with('\n')) line.pop_back();
  say("lease", true, line);
  tell_resources(lease);
  Objects objects;
  if (!get_resources(lease, objects) || objects.connectors.empty() || objects.crtcs.empty()) return say("paint", false);
  say("paint", paint(lease, objects.connectors[0], objects.crtcs[0]));
  for (Objects left = objects; !left.connectors.empty(); ::usleep(100'000))
    if (left = Objects{}; !get_resources(lease, left)) break;
  return say("revoked", true);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 64;
  if (std::string_view(argv[1]) == "lease") {
    if (argc > 3) colour = static_cast<std::uint32_t>(std::strtoul(argv[3], nullptr, 16));
    return use_lease(argv[2]);
  }
  if (std::string_view(argv[1]) == "pester") return pester(argv[2], argc > 3 ? std::atoi(argv[3]) : 1);
  const int fd = ::open(argv[1], O_RDWR | O_CLOEXEC);
  if (fd < 0) return say("open", false);
  int failures = 0;
  for (int i = 2; i < argc; ++i) failures += do_act(fd, argv[i]);
  return failures;
}
