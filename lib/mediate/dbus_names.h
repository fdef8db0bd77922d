// Who owns which name on the bus now, as far as the policy lets the client know, and who called the client.
//
// Rights follow ownership: a connection that loses a name loses what the name allowed, at once. Learned from
// NameOwnerChanged and GetNameOwner, which the bus sends in one order.
// Pure; runs in the worker. Must never hold a name the policy does not show.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mediate/dbus_match.h"
#include "mediate/dbus_policy.h"

namespace xc::mediate::dbus {

class Names {
 public:
  /// Peers that called the client and stay known while they are connected; later ones are served, and unknown.
  static constexpr std::size_t max_callers = 4096;
  /// Names whose owners are known, and connections that own one or did; of more than any bus has, nothing is known.
  static constexpr std::size_t max_owners = 4096;

  explicit Names(const Policy& policy) : policy_(policy) {}

  /// The client's own unique name; empty before the bus gave it one.
  [[nodiscard]] const std::string& self() const { return self_; }
  void set_self(std::string_view unique) { self_ = unique; }

  /// `name` is owned by `owner` now; empty = by nobody. Names that are not visible are not kept.
  void set_owner(std::string_view name, std::string_view owner);
  /// Visible names that the connection owns now.
  [[nodiscard]] const std::vector<std::string>& names_of(std::string_view unique) const;

  /// The peer called a name of the client: the client may see it and send it signals.
  void add_caller(std::string_view unique);
  [[nodiscard]] bool is_caller(std::string_view unique) const { return callers_.contains(unique); }

  /// What the client may know of a name of either sort, the bus's and its own included.
  [[nodiscard]] Level level(std::string_view name) const;
  [[nodiscard]] bool visible(std::string_view name) const { return level(name) != Level::none; }

  /// Takes a NameOwnerChanged; true when the client may learn of it. A connection the client knew is reported gone even
  /// if it owns nothing visible any more.
  [[nodiscard]] bool take(const OwnerChange& change);

 private:
  [[nodiscard]] bool take_unique(const OwnerChange& change);
  void drop_owner(const std::string& name);

  const Policy& policy_;
  std::string self_;
  std::map<std::string, std::string, std::less<>> owners_;                    // name -> unique
  std::map<std::string, std::vector<std::string>, std::less<>> connections_;  // unique -> names; empty = owned once
  std::set<std::string, std::less<>> callers_;
};

}  // namespace xc::mediate::dbus
