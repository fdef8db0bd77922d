// A JSON Schema as a manual page needs it: every key with its description. Structs only.
#pragma once

#include <string>
#include <vector>

namespace xc::model {

struct SchemaKey {
  std::string name;  ///< "services.required[]", "<requirement>.role"
  std::string text;
};
template <class A>
void fields(A& a, SchemaKey& k) {
  a("name", k.name);
  a("text", k.text);
}

struct SchemaPage {
  std::string title;
  std::string text;
  std::vector<SchemaKey> keys;
};
template <class A>
void fields(A& a, SchemaPage& p) {
  a("title", p.title);
  a("text", p.text);
  a("keys", p.keys);
}

}  // namespace xc::model
