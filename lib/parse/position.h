// Where a value stands in the text of a document, for messages that show the line. Runs in the reader's child.
#pragma once

#include <string_view>

#include "model/position.h"

namespace xc::parse {

/// The place of what `question` names: "/a/0/b" is a JSON pointer (RFC 6901) as messages print it: the nearest value
/// around it that is there; "#/a/b" is the name of that member; "=text" is the first string with that very content.
/// Line 0 when there is none, or when `text` is not JSON.
[[nodiscard]] model::Position locate(std::string_view text, std::string_view question);

}  // namespace xc::parse
