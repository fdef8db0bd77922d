// Work in a forked child under a deadline: whatever may hang (a file system of the container, R15) or must not happen
// to us (setns, dropping privileges). The child dies with its parent.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace xc::sys {

using Deadline = std::chrono::steady_clock::time_point;

/// What the child hands back.
struct Answer {
  Answer() = default;
  explicit Answer(std::string packed, std::vector<Fd> passed = {})
      : bytes(std::move(packed)), descriptors(std::move(passed)) {}

  std::string bytes;            ///< at most 1 MiB; usually made by xc::pack
  std::vector<Fd> descriptors;  ///< at most 253
};

/// Runs `work` in a forked child and returns its answer or its error. The child ends with _exit, runs no destructor of
/// the caller, and has one thread. At the deadline it is killed and the result is Kind::again; a child that dies
/// otherwise, or says something else than an answer, is Kind::internal. When it returns, the child is gone, unless the
/// kernel keeps it in spite of SIGKILL for more than a second.
[[nodiscard]] Result<Answer> run_child(const std::function<Result<Answer>()>& work, Deadline deadline);

/// Milliseconds until `deadline` for poll(2): 0 when it has passed, rounded up.
[[nodiscard]] int milliseconds_until(Deadline deadline);

}  // namespace xc::sys
