#include "sys/sealed_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

namespace xc::sys {
namespace {

constexpr int all_seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;

}  // namespace

Result<> seal(const Fd& file) {
  if (::fcntl(file.get(), F_ADD_SEALS, all_seals) == 0) return {};
  return fail_errno(Kind::kernel, "sealing", errno);
}

bool is_sealed(const Fd& file) {
  const int seals = ::fcntl(file.get(), F_GET_SEALS);
  return seals >= 0 && (seals & all_seals) == all_seals;
}

Result<Fd> sealed_file(const char* name, std::string_view bytes) {
  Fd file{::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!file) return fail_errno(Kind::kernel, "memfd_create", errno);
  if (::pwrite(file.get(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return fail_errno(Kind::kernel, "writing a file in memory", errno);
  XC_CHECK(seal(file));
  return file;
}

}  // namespace xc::sys
