// What a link may do on a bus, in the words of xdg-dbus-proxy: see, talk, own, call, broadcast; and `interface`, which
// is what a manifest means by one name: its interfaces, their properties, nothing else.
//
//   name        org.a.B, or org.a.B.* for that name and all below it; never a mere prefix of text
//   call        name=[METHOD][@PATH]     METHOD: empty or * (any), iface.*, iface.Member, iface.Mem*
//   broadcast   name=[METHOD][@PATH]     PATH: exact, or /a/* for that object and all below it
//   rules       the long form of both, with arguments 0 to 3 and a number of descriptors
//
// Pure; runs in the worker. Must never grant what no rule says: whatever is not named is refused.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/service.h"

namespace xc::mediate::dbus {

/// What a client may know of a name, each level with all below it: nothing; that it is there; send to it (what may be
/// narrowed by call rules); be it.
enum class Level : std::uint8_t { none, see, talk, own };

/// A call or a signal, as rules look at it. An absent interface fits no rule that names one.
struct Subject {
  std::string_view interface;
  std::string_view member;
  std::string_view path;
  std::optional<std::string_view> arg0;  ///< a string, path or signature; read where somebody looks at it
  std::array<std::optional<std::string_view>, 3> more{};  ///< arguments 1 to 3
  std::uint32_t descriptors = 0;

  [[nodiscard]] const std::optional<std::string_view>& argument(std::size_t i) const {
    return i == 0 ? arg0 : more[i - 1];
  }
};

/// A name, with or without everything below it.
struct Reach {
  std::string name;
  bool below = false;
  [[nodiscard]] bool covers(std::string_view other) const;
};

/// One entry of one list, understood.
struct Rule {
  enum class Word : std::uint8_t { see, talk, own, call, broadcast, interface };
  Word word = Word::see;
  std::string text;  ///< as it was written, for a trace
  Reach who;
  std::string interface;  ///< call, broadcast: empty = any, even none
  std::string member;     ///< empty = any
  bool member_prefix = false;
  std::string path;  ///< empty = any
  bool path_below = false;
  std::array<std::optional<std::string>, 4> args;  ///< absent = any
  std::optional<std::uint32_t> descriptors;        ///< at most so many

  [[nodiscard]] bool fits(const Subject& subject) const;
};

/// One document's list, understood.
class RuleSet {
 public:
  /// Kind::manifest: names the entry that is not one.
  [[nodiscard]] static Result<RuleSet> parse(const model::DbusRules& rules);

  [[nodiscard]] Level level(std::string_view name) const;
  [[nodiscard]] bool may_call(std::string_view name, const Subject& call) const;
  [[nodiscard]] bool may_hear(std::string_view name, const Subject& signal) const;
  [[nodiscard]] bool may_broadcast(const Subject& signal) const;
  /// The rule by which a call may be sent, or a signal heard; empty when there is none.
  [[nodiscard]] std::string_view calling(std::string_view name, const Subject& call) const;
  [[nodiscard]] std::string_view hearing(std::string_view name, const Subject& signal) const;
  [[nodiscard]] bool all() const { return all_; }
  [[nodiscard]] bool unique_names() const { return all_ || unique_names_; }
  [[nodiscard]] bool looks_at_arguments() const;
  [[nodiscard]] std::uint32_t descriptors() const { return descriptors_; }

 private:
  [[nodiscard]] bool lets_call(const Rule& rule, std::string_view name, const Subject& call) const;
  [[nodiscard]] static bool lets_hear(const Rule& rule, std::string_view name, const Subject& signal);
  [[nodiscard]] bool speaks_for(const Rule& own, const Subject& signal) const;

  std::vector<Rule> rules_;
  bool all_ = false;
  bool write_ = false;
  bool introspect_ = true;
  bool unique_names_ = false;
  std::uint32_t descriptors_ = 0;
};

/// The one policy of a connection: every layer (a document that has a say) must agree, and within a layer any one of
/// its alternatives suffices. No layer: nothing is restricted.
class Policy {
 public:
  using Layers = std::vector<std::vector<model::DbusRules>>;
  [[nodiscard]] static Result<Policy> parse(const Layers& layers);

  /// What the client may know of a well-known name.
  [[nodiscard]] Level level(std::string_view name) const;
  /// A call, or a signal to one destination, that the client sends to a connection under this well-known name.
  [[nodiscard]] bool may_call(std::string_view name, const Subject& call) const;
  /// A signal that the owner of this well-known name sent.
  [[nodiscard]] bool may_hear(std::string_view name, const Subject& signal) const;
  /// A signal the client sends to everybody: only of interfaces at or below a name it may own, or that a broadcast rule
  /// gives to such a name.
  [[nodiscard]] bool may_broadcast(const Subject& signal) const;
  /// By which rule of each layer: "talk org.a.B & all". Empty when some layer has none.
  [[nodiscard]] std::string calling(std::string_view name, const Subject& call) const;
  [[nodiscard]] std::string hearing(std::string_view name, const Subject& signal) const;
  /// Nothing is restricted.
  [[nodiscard]] bool all() const;
  /// Every connection may be seen.
  [[nodiscard]] bool unique_names() const;
  /// Some rule asks for an argument: then subjects need all four.
  [[nodiscard]] bool looks_at_arguments() const { return looks_at_arguments_; }
  /// Descriptors one message may carry.
  [[nodiscard]] std::uint32_t descriptors() const;

 private:
  template <class Question>
  [[nodiscard]] bool agreed(const Question& question) const;
  template <class Question>
  [[nodiscard]] std::string told(const Question& question) const;
  std::vector<std::vector<RuleSet>> layers_;
  bool looks_at_arguments_ = false;
};

}  // namespace xc::mediate::dbus
