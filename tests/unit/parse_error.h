// The sentence of a failed parse, or "" when there was none; for comparisons that read well.
#pragma once

#include <string>

#include "base/result.h"

namespace xc {

template <class T>
std::string error_of(const Result<T>& result) {
  return result ? "" : result.error().text;
}

}  // namespace xc
