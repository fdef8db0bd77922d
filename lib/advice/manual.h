// Manual pages in the language of man(7): roff that is made, never written by hand. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/schema_page.h"

namespace xc::advice {

/// Text in which nothing is a request or an escape of roff.
[[nodiscard]] std::string roff(std::string_view text);

/// The head of a page: name, section, and one line that says what it is.
[[nodiscard]] std::string manual_head(const std::string& name, int section, const std::string& about,
                                      const std::string& version);

/// ".SH" with its title.
[[nodiscard]] std::string manual_section(const std::string& title);

/// A tagged paragraph.
[[nodiscard]] std::string manual_item(const std::string& tag, const std::string& text);

/// Lines that stay as they are.
[[nodiscard]] std::string manual_literal(const std::string& text);

/// A program's page from its --help: the usage line, what it does, its options, as they are.
[[nodiscard]] std::string manual_of_help(const std::string& name, const std::string& about, const std::string& help,
                                         const std::string& see, const std::string& version);

/// A document's page (section 5) from its schema.
[[nodiscard]] std::string manual_of_schema(const std::string& name, const model::SchemaPage& page,
                                           const std::string& example, const std::string& version);

/// xconnect(7) and xc-shim(8); empty for another name.
[[nodiscard]] std::string manual_overview(const std::string& name, const std::string& version);

}  // namespace xc::advice
