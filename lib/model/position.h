// Where something stands in a text, and a text that was made. What the reading process answers. Structs only.
#pragma once

#include <cstdint>
#include <string>

namespace xc::model {

/// Lines and columns count from 1, columns in bytes; line 0: it is not there.
struct Position {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::uint32_t width = 1;  ///< bytes on that line
};
template <class A>
void fields(A& a, Position& p) {
  a("line", p.line);
  a("column", p.column);
  a("width", p.width);
}

struct Rendered {
  std::string text;
};
template <class A>
void fields(A& a, Rendered& r) {
  a("text", r.text);
}

/// args.json, and the template that is filled with it.
struct Rendering {
  std::string args;
  std::string args_name;
  std::string form;  ///< the template; empty: the usual one
  std::string form_name;
};
template <class A>
void fields(A& a, Rendering& r) {
  a("args", r.args);
  a("args-name", r.args_name);
  a("form", r.form);
  a("form-name", r.form_name);
}

}  // namespace xc::model
