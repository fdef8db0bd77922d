// What must hold after every parse, whatever the input: an error is one printable line of Kind::manifest; a value
// passes validate() and survives the way between two processes unchanged.
#pragma once

#include <cstdlib>
#include <string>

#include "base/pack.h"
#include "base/text.h"
#include "parse/validate.h"

namespace xc {

template <class T>
void judge(const Result<T>& parsed) {
  if (!parsed) {
    const std::string& text = parsed.error().text;
    if (parsed.error().kind != Kind::manifest || text.empty()) std::abort();
    if (text::printable(text, text.size() + 1) != text) std::abort();
    return;
  }
  if (!parse::validate(*parsed)) std::abort();
  const std::string bytes = pack(*parsed);
  const auto again = unpack<T>(bytes);
  if (!again || pack(*again) != bytes) std::abort();
}

}  // namespace xc
