// What one link may see of a display: which globals, and what becomes of the names its windows carry. Pure; runs in the
// worker. Must never show what the table does not know.
#pragma once

#include <string>
#include <string_view>

#include "mediate/wl_tables.h"
#include "model/rights.h"

namespace xc::mediate::wl {

class Policy {
 public:
  /// `client` is the container's name, for "{client}" in the texts of the rules.
  Policy(const model::Rights& rights, std::string_view client);

  /// Whether a global of this interface is shown. What the default role shows is on unless a document restricts it;
  /// everything else is off unless a document grants it, and none may disagree.
  [[nodiscard]] bool shows(InterfaceId interface) const;

  /// The text to send instead of `text`; the same when nothing is said about it.
  [[nodiscard]] std::string rewritten(Identity kind, std::string_view text) const;
  [[nodiscard]] bool rewrites(Identity kind) const { return !prefix(kind).empty() || !pin(kind).empty(); }
  /// What the client cannot change; empty when it can.
  [[nodiscard]] const std::string& pin(Identity kind) const {
    return kind == Identity::app_id ? app_id_.pin : title_.pin;
  }

 private:
  [[nodiscard]] const std::string& prefix(Identity kind) const {
    return kind == Identity::app_id ? app_id_.prefix : title_.prefix;
  }
  const model::Rights& rights_;
  model::WaylandName app_id_;
  model::WaylandName title_;
};

}  // namespace xc::mediate::wl
