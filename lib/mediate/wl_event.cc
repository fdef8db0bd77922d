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

std::string object_name(const ArgSpec& spec, std::uint32_t id) {
  if (id == 0) return "nil";
  const std::string kind = spec.interface() == any_interface ? "[unknown]" : std::string(wl::name_of(spec.interface()));
  return kind + "@" + text::number(id);
}

/// 24.8 bits, signed.
std::string fixed_number(std::uint32_t value) {
  const auto number = static_cast<std::int32_t>(value);
  const std::uint64_t magnitude = static_cast<std::uint64_t>(number < 0 ? -std::int64_t{number} : std::int64_t{number});
  const std::string fraction = text::number((magnitude & 255U) * 1000 / 256 + 1000).substr(1);
  return (number < 0 ? "-" : "") + text::number(magnitude >> 8U) + "." + fraction;
}

std::string describe_arg(const Arg& arg, bool payload) {
  switch (arg.spec.type()) {
    case ArgType::integer: return text::number(std::int64_t{static_cast<std::int32_t>(arg.value)});
    case ArgType::unsigned_integer: return text::number(arg.value);
    case ArgType::fixed: return fixed_number(arg.value);
    case ArgType::object: return object_name(arg.spec, arg.value);
    case ArgType::new_id:
      if (arg.interface.empty()) return "new id " + object_name(arg.spec, arg.value);
      return "new id " + text::printable(arg.interface) + "@" + text::number(arg.value) + " v" +
             text::number(arg.version);
    case ArgType::string:
      if (arg.value == 0) return "nil";
      return payload ? text::quoted(arg.text) : "string[" + text::number(std::uint64_t{arg.text.size()}) + "]";
    case ArgType::array: return "array[" + text::number(arg.value) + "]";
    case ArgType::descriptor: return "fd";
  }
  return "?";
}

std::string describe_args(const MessageSpec& spec, std::string_view body, bool payload) {
  Args args;
  if (!parse_args(spec, body, args)) return "?";
  std::string all;
  for (const Arg& arg : args) all += (all.empty() ? "" : ", ") + describe_arg(arg, payload);
  return all;
}

}  // namespace

std::string describe_event(const Terms& terms, const Seen& seen, const Verdict& verdict) {
  const auto& [request, header, body, object] = seen;
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
    if (const auto spec = find_message(object->interface, direction, header.opcode)) {
      // What the registry tells is which interfaces there are: names of the protocol, and nobody's words.
      const bool names_only = wl::name_of(object->interface) == "wl_registry";
      add("message", spec->name());
      add("arguments", describe_args(*spec, body, names_only || terms.observer->wants_payload()));
    }
  }
  count("opcode", header.opcode);
  count("bytes", header.size);
  count("descriptors", verdict.descriptors);
  add("reason", verdict.text);
  return line + '}';
}

}  // namespace xc::mediate::wl
