// Lines for the trace; see the header. Pure; runs in the worker.
#include "mediate/wl_event.h"

#include "base/json_out.h"
#include "base/text.h"

namespace xc::mediate::wl {
namespace {

std::string_view name_of(Verdict::Act act) {
  switch (act) {
    case Verdict::Act::pass: return "passed";
    case Verdict::Act::replace: return "changed";
    case Verdict::Act::drop: return "dropped";
    case Verdict::Act::deny: return "refused";
  }
  return "unknown";
}

}  // namespace

std::string describe_event(const Terms& terms, bool request, const Header& header, const Object* object,
                           const Verdict& verdict) {
  std::string line = R"({"event":"message")";
  const auto add = [&line](std::string_view name, std::string_view value) {
    if (!value.empty()) line += "," + json_string(name) + ":" + json_string(value);
  };
  const auto count = [&line](std::string_view name, std::uint64_t value) {
    line += "," + json_string(name) + ":" + text::number(value);
  };
  add("client", terms.client);
  add("role", terms.role);
  add("service", terms.service);
  add("from", request ? "client" : "compositor");
  add("verdict", name_of(verdict.act));
  count("object", header.object);
  if (object != nullptr) {
    add("interface", wl::name_of(object->interface));
    const auto direction = request ? Direction::request : Direction::event;
    if (const auto spec = find_message(object->interface, direction, header.opcode)) add("message", spec->name);
  }
  count("opcode", header.opcode);
  count("bytes", header.size);
  count("descriptors", verdict.descriptors);
  add("reason", verdict.text);
  return line + '}';
}

}  // namespace xc::mediate::wl
