// Judgement of what a Wayland compositor sends. It is the provider, yet no more trusted than the client: a message that
// cannot be understood ends the connection, because what follows could not be told apart. Pure; runs in the worker.
#include <algorithm>

#include "base/text.h"
#include "mediate/wl_core.h"
#include "mediate/wl_session.h"

namespace xc::mediate::wl {
namespace {

using text::number;

constexpr std::size_t most_globals = 4096;

std::unexpected<Error> broken(const Header& header, const std::string& what) {
  return fail(Kind::policy,
              "Wayland event " + number(header.opcode) + " of object " + number(header.object) + ": " + what);
}

}  // namespace

const Core& core() {
  static const Core found = [] {
    const InterfaceId display = *find_interface("wl_display");
    const InterfaceId registry = *find_interface("wl_registry");
    const InterfaceId shm = *find_interface("wl_shm");
    const auto opcode = [](InterfaceId interface, Direction direction, std::string_view name) {
      return find_message(interface, direction, name)->opcode;
    };
    return Core{.display = display,
                .registry = registry,
                .shm = shm,
                .error = opcode(display, Direction::event, "error"),
                .delete_id = opcode(display, Direction::event, "delete_id"),
                .bind = opcode(registry, Direction::request, "bind"),
                .create_pool = opcode(shm, Direction::request, "create_pool"),
                .global = opcode(registry, Direction::event, "global"),
                .global_remove = opcode(registry, Direction::event, "global_remove")};
  }();
  return found;
}

Result<Verdict> Session::judge_event(const Header& header, std::string_view body, std::size_t waiting) {
  const Object* found = objects_.find(header.object);
  if (found == nullptr) return broken(header, "the object does not exist");
  const Object target = *found;
  const auto spec = find_message(target.interface, Direction::event, header.opcode);
  if (!spec) return broken(header, "its interface has no such event");
  Args& args = args_;
  if (!parse_args(*spec, body, args)) return broken(header, "arguments that do not fit");
  if (args.descriptors > waiting) return broken(header, "its descriptor is missing");
  if (!knows_objects(args, false)) return broken(header, "it names an object that does not exist");
  Verdict verdict;
  verdict.descriptors = args.descriptors;
  if (target.interface == core().registry) return announce(header, args);
  if (target.interface == core().display && header.opcode == core().delete_id) {
    if (!objects_.free_client(args[0].value)) verdict.act = Verdict::Act::drop;  // of no meaning to anybody
    return verdict;
  }
  if (spec->since > target.version) {  // libwayland's clients would call a function that they do not have
    const bool creates = std::ranges::any_of(args, [](const Arg& arg) { return arg.spec.type() == ArgType::new_id; });
    if (creates) return broken(header, "it creates an object for a version that was not bound");
    verdict.act = Verdict::Act::drop;
    return verdict;
  }
  XC_CHECK(create_for_server(args, target.version));
  return verdict;
}

Result<> Session::create_for_server(const Args& args, std::uint32_t version) {
  for (const Arg& arg : args) {
    if (arg.spec.type() != ArgType::new_id) continue;
    if (objects_.add_server(arg.value, arg.spec.interface(), version) != Objects::Outcome::added)
      return fail(Kind::policy, "Wayland event: " + number(arg.value) + " is no id for a new object of the compositor");
  }
  return {};
}

/// A global appears or goes: what is not shown is not mentioned, and no version beyond the table's is offered, because
/// its messages could not be read.
Result<Verdict> Session::announce(const Header& header, const Args& args) {
  Verdict verdict;
  const std::uint32_t name = args[0].value;
  if (header.opcode == core().global_remove) {
    if (!globals_.contains(name)) verdict.act = Verdict::Act::drop;
    return verdict;
  }
  if (header.opcode != core().global) return verdict;
  const auto interface = find_interface(args[1].text);
  const std::uint32_t offered = args[2].value;
  if (!interface || offered == 0 || !policy_.shows(*interface)) {
    globals_.erase(name);
    verdict.act = Verdict::Act::drop;
    return verdict;
  }
  const std::uint32_t version = std::min(offered, version_of(*interface));
  if (globals_.size() >= most_globals && !globals_.contains(name))
    return broken(header, "more globals than anybody has");
  globals_[name] = {*interface, version};
  if (version == offered) return verdict;
  verdict.act = Verdict::Act::replace;
  verdict.bytes = Writer(header.object, header.opcode).number(name).string(args[1].text).number(version).take();
  return verdict;
}

std::string write_error(std::uint32_t object, Fault fault, std::string_view text) {
  constexpr std::size_t longest = 1024;  // of a text that quotes the client
  return Writer(display_object, core().error)
      .number(object)
      .number(static_cast<std::uint32_t>(fault))
      .string(text.substr(0, longest))
      .take();
}

}  // namespace xc::mediate::wl
