#include "vchan/shared.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "vchan/ring.h"

namespace xc::vchan {
namespace {

constexpr int size_seals = F_SEAL_SHRINK | F_SEAL_GROW;

bool map(const Fd& memory, std::size_t size, Mapping& mapping) {
  void* start = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory.get(), 0);
  if (start == MAP_FAILED) return false;
  mapping = Mapping(start, size);
  return true;
}

/// An eventfd has no type of file, unlike everything that could make a write or a look wait. Asked without leaving the
/// kernel: a file of somebody's FUSE would answer when it likes.
bool is_bell(const Fd& bell) {
  struct statx status{};
  if (::statx(bell.get(), "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &status) != 0) return false;
  const int flags = ::fcntl(bell.get(), F_GETFL);
  if ((status.stx_mode & S_IFMT) != 0 || flags < 0 || (flags & O_NONBLOCK) == 0) return false;
  pollfd rung{bell.get(), POLLIN, 0};
  return ::poll(&rung, 1, 0) == 1 && (rung.revents & POLLIN) != 0;  // else ringing it would wake nobody
}

}  // namespace

Mapping::Mapping(Mapping&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  if (this == &other) return *this;
  reset();
  memory_ = std::exchange(other.memory_, nullptr);
  size_ = std::exchange(other.size_, 0);
  return *this;
}

void Mapping::reset() {
  if (memory_ != nullptr) (void)::munmap(memory_, size_);
  memory_ = nullptr;
  size_ = 0;
}

bool make_shared(std::size_t capacity, Shared& shared, Fd& memory) {
  const std::size_t size = ring_head + capacity;
  if (!is_ring_size(size)) return false;
  memory = Fd(::memfd_create("vchan", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory || ::ftruncate(memory.get(), static_cast<off_t>(size)) != 0) return false;
  if (::fcntl(memory.get(), F_ADD_SEALS, size_seals | F_SEAL_SEAL) != 0) return false;
  if (!map(memory, size, shared.memory)) return false;
  std::memcpy(shared.memory.get(), ring_magic, sizeof ring_magic);
  shared.data_bell = Fd(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
  shared.room_bell = Fd(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
  return shared.data_bell && shared.room_bell;
}

bool take_shared(Fd (&descriptors)[offered_descriptors], std::size_t most, Shared& shared) {
  const Fd& memory = descriptors[0];
  // Seals first: what has them is memory, and can be asked further without waiting for anybody.
  const int seals = ::fcntl(memory.get(), F_GET_SEALS);
  if (seals < 0 || (seals & size_seals) != size_seals) return false;
  struct statfs system{};
  struct stat status{};
  if (::fstatfs(memory.get(), &system) != 0 || ::fstat(memory.get(), &status) != 0) return false;
  // Huge pages have seals as well, and end the program when there are none left.
  const auto bytes = static_cast<std::uint64_t>(status.st_size);
  if (system.f_type != TMPFS_MAGIC || !is_ring_size(bytes) || bytes - ring_head > most) return false;
  if (!is_bell(descriptors[1]) || !is_bell(descriptors[2])) return false;
  if (!map(memory, static_cast<std::size_t>(bytes), shared.memory)) return false;
  if (std::memcmp(shared.memory.get(), ring_magic, sizeof ring_magic) != 0) return false;
  shared.data_bell = std::move(descriptors[1]);
  shared.room_bell = std::move(descriptors[2]);
  return true;
}

/// The count is never read, and is not zero: every write is an event for epoll's edges, also one that adds nothing. A
/// peer may fill it at any moment, and both sides share the descriptor's flags: what added something could wait.
bool ring_bell(const Fd& bell) {
  pollfd ready{bell.get(), POLLOUT, 0};
  if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) return false;
  const std::uint64_t nothing = 0;
  return ::write(bell.get(), &nothing, sizeof nothing) == sizeof nothing;
}

}  // namespace xc::vchan
