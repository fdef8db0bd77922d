// Plain structs out of JSON that we wrote ourselves (base/json_out.h), through the same fields() functions: the records
// of the registry, status of a shim. Not for manifests: their readers say more about mistakes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/pack.h"
#include "base/result.h"
#include "parse/json_view.h"

namespace xc::parse {

class JsonIn {
 public:
  explicit JsonIn(View view) : view_(view) {}

  /// A member that is not there keeps its default: an older build may have written the document.
  template <class T>
  void operator()(std::string_view name, T& member) {
    if (const auto child = view_.find(name)) get(*child, member);
  }

  template <class T>
  void get(View view, T& value) {
    if constexpr (std::is_same_v<T, std::string>) {
      if (check(view, Form::string, "a string")) value = view.text();
    } else if constexpr (std::is_same_v<T, bool>) {
      if (check(view, Form::boolean, "true or false")) value = view.flag();
    } else if constexpr (std::is_enum_v<T>) {
      get_enum(view, value);
    } else if constexpr (std::is_arithmetic_v<T>) {
      const auto number = view.number();
      if (!number) complain(view, "a whole number");
      value = static_cast<T>(number.value_or(0));
    } else if constexpr (detail::is_optional<T>) {
      get(view, value.emplace());
    } else if constexpr (detail::is_vector<T>) {
      value.clear();
      if (check(view, Form::list, "a list"))
        for (const View child : view.children()) get(child, value.emplace_back());
    } else if constexpr (detail::is_map<T>) {
      value.clear();
      if (check(view, Form::object, "an object"))
        for (const View child : view.children()) get(child, value[child.name()]);
    } else {
      if (!check(view, Form::object, "an object")) return;
      const View outer = std::exchange(view_, view);
      fields(*this, value);
      view_ = outer;
    }
  }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  template <class T>
  void get_enum(View view, T& value) {
    for (int i = 0; i < static_cast<int>(T::count_); ++i) {
      value = static_cast<T>(i);
      if (view.text() == name_of(value)) return;
    }
    value = T{};
    complain(view, "a known word");
  }
  bool check(View view, Form form, std::string_view what) {
    if (!view.is(form)) complain(view, what);
    return view.is(form);
  }
  void complain(View view, std::string_view what) {
    if (!error_) error_ = view.expected(what).error();
  }
  View view_;
  std::optional<Error> error_;
};

/// The T that to_json() wrote into `text`; `file` is for messages. Kind::manifest when it is not one.
template <class T>
[[nodiscard]] Result<T> from_json(std::string_view text, std::string_view file) {
  const Document document = XC_TRY(Document::parse(text, file, own_limits));
  T value{};
  JsonIn in(document.root());
  in.get(document.root(), value);
  if (in.error()) return std::unexpected(*in.error());
  return value;
}

}  // namespace xc::parse
