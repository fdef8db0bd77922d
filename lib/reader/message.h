// What the hook and its reading child say to each other, as bytes of base/pack.h. Structs only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace xc::reader {

inline constexpr std::size_t most_request = 2UL * 1024 * 1024;  ///< bytes; the parser's own limits are lower
inline constexpr std::size_t most_answer = 1024UL * 1024;       ///< bytes

enum class Document : std::uint8_t {
  state,
  config,
  label,
  run,
  args,
  services,
  policy,
  hooks_file,
  oci_hooks,
  graph,
  position,
  render,
  event,
  revision,
  role_uids,
  proposal,
  count_
};

struct Request {
  Document document = Document::state;
  std::string file;  ///< its name, for messages
  std::string text;
};
template <class A>
void fields(A& a, Request& r) {
  a("document", r.document);
  a("file", r.file);
  a("text", r.text);
}

struct Answer {
  std::optional<std::string> error;  ///< the sentence; absent = the document is good
  std::string value;                 ///< the packed struct
};
template <class A>
void fields(A& a, Answer& r) {
  a("error", r.error);
  a("value", r.value);
}

}  // namespace xc::reader
