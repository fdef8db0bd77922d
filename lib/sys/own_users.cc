// See own_users.h.
#include "sys/own_users.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "sys/id_map.h"

namespace xc::sys {
namespace {

constexpr ino_t first_user_namespace = 0xEFFFFFFD;  // PROC_USER_INIT_INO, the same in every kernel

/// Of our own process: read from inside, it tells the numbers of the namespace above.
Result<IdMap> own_map(const char* name) {
  const Fd self{::open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!self) return fail_errno(Kind::kernel, "/proc/self", errno);
  return IdMap::read(self.get(), name);
}

}  // namespace

bool among_own_users() {
  struct stat info{};
  return ::stat("/proc/self/ns/user", &info) == 0 && info.st_ino != first_user_namespace;
}

bool is_root_of_the_machine() {
  return ::geteuid() == 0 && !among_own_users();
}

std::string runtime_directory() {
  uid_t user = ::geteuid();
  if (user == 0) {
    const auto map = own_map("uid_map");
    user = map ? map->to_host(0).value_or(0) : 0;
  }
  if (user == 0) return "";
  const std::string path = "/run/user/" + text::number(user);
  struct stat info{};
  const bool own = ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == ::geteuid() &&
                   (info.st_mode & 077U) == 0;
  return own ? path : "";
}

uid_t id_we_have(uid_t wanted) {
  if (!among_own_users()) return wanted;
  const auto users = own_map("uid_map");
  const auto groups = own_map("gid_map");
  if (!users || !groups || (users->to_host(wanted) && groups->to_host(wanted))) return wanted;
  const uid_t last = std::min(users->highest(), groups->highest());
  return last == 0 ? wanted : last;  // 0 is the user's own: not one to give away
}

}  // namespace xc::sys
