// Errors about a document as a compiler shows them: file:line:column, the line, a caret. Runs in xc-inject; the
// reader's child finds the place.
#pragma once

#include <optional>
#include <string>

#include "model/position.h"

namespace xc::app {

/// One complaint, and where it is.
struct Pointed {
  model::Position at;   ///< line 0: the document as a whole
  std::string message;  ///< without the file's name and position in front
  std::string line;     ///< the text of that line
};

/// `sentence` is an error or a warning about `file` in our usual words ("FILE: /pointer: ..." or "FILE:1:2: ...").
[[nodiscard]] Pointed point_at(const std::string& file, const std::string& sentence);

/// Several lines for a person; `word` is "error" or "warning".
[[nodiscard]] std::string describe(const std::string& file, const Pointed& pointed, const std::string& word,
                                   bool colour);

}  // namespace xc::app
