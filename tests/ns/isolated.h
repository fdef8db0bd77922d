// A place for a test as root: a forked process with its own mount namespace, a tmpfs of its own, and on wish a kernel
// that lacks some system calls. Nothing of it is left afterwards.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <string>

#include "base/result.h"

namespace xc::test {

/// System calls that give ENOSYS, as on an older kernel.
enum class Lacking { nothing, openat2, mount_setattr, mount_calls, pidfd, close_range, statx, all };
[[nodiscard]] std::string name_of(Lacking lacking);
inline void PrintTo(Lacking lacking, std::ostream* out) {
  *out << name_of(lacking);
}

/// Runs `body` there with the path of the tmpfs. Assertions in it count; an ASSERT ends `body` only.
void isolated(Lacking lacking, const std::function<void(const std::string& place)>& body);
inline void isolated(const std::function<void(const std::string& place)>& body) {
  isolated(Lacking::nothing, body);
}

/// Gives ENOSYS for those calls from now on, in this process and its children.
void lack(Lacking lacking);

/// A test that is run on every such kernel.
class EveryKernel : public testing::TestWithParam<Lacking> {
 protected:
  void run(const std::function<void(const std::string& place)>& body) { isolated(GetParam(), body); }
};

inline std::string kernel_name(const testing::TestParamInfo<Lacking>& info) {
  return "Without_" + name_of(info.param);
}

/// "mkdir -p", below a place of ours.
void make_directories(const std::string& path);
void write_text(const std::string& path, const std::string& text = {});
void link_to(const std::string& target, const std::string& path);
/// How many entries lie below `path`, at any depth.
[[nodiscard]] int count_entries(const std::string& path);

/// The error's text, or "success".
template <class T>
[[nodiscard]] std::string text_of(const Result<T>& result) {
  return result ? "success" : result.error().text;
}

}  // namespace xc::test
