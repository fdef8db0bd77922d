#include "base/fd.h"

#include <unistd.h>

#include <cerrno>

namespace xc {

void Fd::reset() noexcept {
  if (number_ < 0) return;
  const int saved = errno;
  ::close(std::exchange(number_, -1));  // never retried: on Linux the number is free even after EINTR (close(2))
  errno = saved;
}

}  // namespace xc
