#include "mediate/greeting.h"

#include <string_view>

#include "base/json_out.h"

namespace xc::mediate {
namespace {

struct Caller {
  std::string client;
  std::string role;
  std::string service;
};
template <class A>
void fields(A& a, Caller& c) {
  a("client", c.client);
  a("role", c.role);
  a("service", c.service);
}

std::string two_bytes(std::size_t number) {
  return {static_cast<char>(number >> 8U), static_cast<char>(number & 0xffU)};
}

std::string tlv(unsigned char type, std::string_view value) {
  return std::string(1, static_cast<char>(type)) + two_bytes(value.size()) + std::string(value);
}

/// Section 2.2: signature, version 2 and PROXY, AF_UNIX and STREAM, length, two addresses of 108 bytes, TLVs. The
/// addresses are those of an unnamed socket: no name of the host's belongs here.
std::string proxy_header(const Caller& caller) {
  constexpr std::string_view signature("\r\n\r\n\0\r\nQUIT\n", 12);
  constexpr char version_and_command = 0x21;
  constexpr char unix_stream = 0x31;
  const std::string rest = std::string(216, '\0') + tlv(tlv_client, caller.client) + tlv(tlv_role, caller.role) +
                           tlv(tlv_service, caller.service);
  return std::string(signature) + version_and_command + unix_stream + two_bytes(rest.size()) + rest;
}

}  // namespace

std::string greeting(model::Identity identity, const std::string& client, const std::string& role,
                     const std::string& service) {
  switch (identity) {
    case model::Identity::json_line: return to_json(Caller{client, role, service}) + "\n";
    case model::Identity::proxy_v2: return proxy_header({client, role, service});
    case model::Identity::credentials:
    case model::Identity::count_: break;
  }
  return {};
}

}  // namespace xc::mediate
