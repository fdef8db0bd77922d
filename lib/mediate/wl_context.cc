// Asking for a security context; see the header. Pure; runs in the herald.
#include "mediate/wl_context.h"

#include "base/text.h"
#include "mediate/wl_core.h"
#include "mediate/wl_wire.h"

namespace xc::mediate::wl {
namespace {

constexpr std::string_view manager_interface = "wp_security_context_manager_v1";
constexpr std::uint32_t manager_version = 1;
constexpr std::size_t longest_name = 256;

/// A request, whose opcode the table knows; the build's own protocol file defines all that are used here.
Writer request(std::uint32_t object, std::string_view interface, std::string_view name) {
  return {object, find_message(*find_interface(interface), Direction::request, name)->opcode};
}

std::string sync(std::uint32_t callback) {
  return request(display_object, "wl_display", "sync").number(callback).take();
}

}  // namespace

std::string ContextTalk::look() {
  registry_ = next_id_++;
  return request(display_object, "wl_display", "get_registry").number(registry_).take() + greet();
}

std::string ContextTalk::greet() {
  callback_ = next_id_++;
  answered_ = false;
  return sync(callback_);
}

std::string ContextTalk::ask(const ContextNames& names) {
  const std::uint32_t manager = next_id_++;
  const std::uint32_t context = next_id_++;
  const auto say = [&](std::string_view name) { return request(context, "wp_security_context_v1", name); };
  const auto cut = [](const std::string& name) { return std::string_view(name).substr(0, longest_name); };
  return request(registry_, "wl_registry", "bind")
             .number(*manager_)
             .string(manager_interface)
             .number(manager_version)
             .number(manager)
             .take() +
         request(manager, manager_interface, "create_listener").number(context).take() +
         say("set_sandbox_engine").string(cut(names.engine)).take() +
         say("set_app_id").string(cut(names.app_id)).take() +
         say("set_instance_id").string(cut(names.instance_id)).take() + say("commit").take() + say("destroy").take() +
         greet();
}

Result<bool> ContextTalk::hear(std::string_view bytes) {
  rest_ += bytes;
  std::size_t at = 0;
  while (rest_.size() - at >= header_size) {
    const Header header = parse_header(std::string_view(rest_).substr(at));
    if (!is_sane(header)) return fail(Kind::policy, "an event of an impossible length");
    if (rest_.size() - at < header.size) break;
    XC_CHECK(hear_event(header.object, header.opcode,
                        std::string_view(rest_).substr(at + header_size, header.size - header_size)));
    at += header.size;
  }
  rest_.erase(0, at);
  return answered_;
}

Result<> ContextTalk::hear_event(std::uint32_t object, std::uint16_t opcode, std::string_view body) {
  if (object == callback_) answered_ = true;
  const bool refusal = object == display_object && opcode == core().error;
  const bool global = object == registry_ && opcode == core().global;
  if (!refusal && !global) return {};
  Args args;
  if (!parse_args(*find_message(refusal ? core().display : core().registry, Direction::event, opcode), body, args))
    return fail(Kind::policy, "an event with arguments that do not fit");
  if (refusal) return fail(Kind::policy, "the compositor refuses: " + text::printable(args[2].text));
  if (args[1].text == manager_interface && args[2].value >= manager_version) manager_ = args[0].value;
  return {};
}

}  // namespace xc::mediate::wl
