// What comes along with a connection that is handed over at the rendezvous of "fd:NAME". Structs only.
#pragma once

#include <string>

namespace xc::model {

struct Meeting {
  std::string service;
  std::string role;
  std::string target;
  std::string type;
};
template <class A>
void fields(A& a, Meeting& m) {
  a("service", m.service);
  a("role", m.role);
  a("target", m.target);
  a("type", m.type);
}

}  // namespace xc::model
