// Judgement of what a Wayland client sends: refused in the words a libwayland compositor would use, so that programs
// print a reason they know. Pure; runs in the worker.
#include "base/text.h"
#include "mediate/wl_core.h"
#include "mediate/wl_session.h"

namespace xc::mediate::wl {
namespace {

using text::number;

Verdict deny(std::uint32_t object, Fault fault, std::string text) {
  Verdict verdict;
  verdict.act = Verdict::Act::deny;
  verdict.object = object;
  verdict.fault = fault;
  verdict.text = std::move(text);
  return verdict;
}

std::string at(const Object& object, std::uint32_t id) {
  return std::string(name_of(object.interface)) + "@" + number(id);
}

Verdict bad_arguments(const Header& header, const Object& target, const MessageSpec& spec) {
  return deny(display_object, Fault::invalid_method,
              "invalid arguments for " + at(target, header.object) + "." + std::string(spec.name()));
}

/// The last argument of wl_shm.create_pool. The compositor has its own answer to a size that is none.
std::uint32_t pool_size(const Args& args) {
  const auto size = static_cast<std::int32_t>(args[args.count - 1].value);
  return size > 0 ? static_cast<std::uint32_t>(size) : 0;
}

}  // namespace

Verdict Session::judge_request(const Header& header, std::string_view body, std::size_t waiting) {
  const Object* found = objects_.find(header.object);
  if (found == nullptr || !found->alive)
    return deny(display_object, Fault::invalid_object, "invalid object " + number(header.object));
  const Object target = *found;
  const auto spec = find_message(target.interface, Direction::request, header.opcode);
  if (!spec || target.version < spec->since) {
    std::string text = "invalid method " + number(header.opcode);
    if (spec) text += " (since " + number(target.version) + " < " + number(spec->since) + ")";
    return deny(display_object, Fault::invalid_method, text + ", object " + at(target, header.object));
  }
  if (!parse_args(*spec, body, args_) || args_.descriptors > waiting || !knows_objects(args_, true))
    return bad_arguments(header, target, *spec);
  return pass_request(header, target, *spec, args_);
}

Verdict Session::pass_request(const Header& header, const Object& target, const MessageSpec& spec, const Args& args) {
  Verdict verdict;
  if (target.interface == core().registry && header.opcode == core().bind) {
    verdict = bind(header, args);
    if (verdict.act == Verdict::Act::deny) return verdict;
  } else if (spec.identity != Identity::none && policy_.rewrites(spec.identity)) {
    verdict = rename(header, spec, args);
  }
  verdict.descriptors = args.descriptors;
  if (target.interface == core().shm && header.opcode == core().create_pool) verdict.memory = pool_size(args);
  for (const Arg& arg : args) {
    if (arg.spec.type() != ArgType::new_id) continue;
    const bool open = arg.spec.interface() == any_interface;  // bind() has looked at it
    const InterfaceId interface = open ? *find_interface(arg.interface) : arg.spec.interface();
    const std::uint32_t version = open ? arg.version : target.version;
    const auto outcome = objects_.add_client(arg.value, interface, version);
    if (outcome == Objects::Outcome::too_many) return deny(display_object, Fault::no_memory, "too many objects");
    if (outcome != Objects::Outcome::added) return bad_arguments(header, target, spec);
    pin_names(verdict, arg.value, interface, version);
  }
  if (spec.destructor) objects_.find(header.object)->alive = false;
  return verdict;
}

/// Every object named exists and is of the interface that is expected. Of the client's words only living ones count;
/// the compositor may still name what the client has just destroyed.
bool Session::knows_objects(const Args& args, bool alive) {
  for (const Arg& arg : args) {
    if (arg.spec.type() != ArgType::object || arg.value == 0 || arg.spec.interface() == any_interface) continue;
    const Object* object = objects_.find(arg.value);
    if (object == nullptr || object->interface != arg.spec.interface() || (alive && !object->alive)) return false;
  }
  return true;
}

Verdict Session::bind(const Header& header, const Args& args) {
  const std::uint32_t name = args[0].value;
  const Arg& wanted = args[1];
  const auto refuse = [&](const std::string& text) { return deny(header.object, Fault::invalid_object, text); };
  const std::string global = std::string(wanted.interface) + " (" + number(name) + ")";
  const auto found = globals_.find(name);
  if (found == globals_.end()) return refuse("invalid global " + global);
  const Global& shown = found->second;
  if (name_of(shown.interface) != wanted.interface)
    return refuse("invalid interface for global " + number(name) + ": have " + std::string(wanted.interface) +
                  ", wanted " + std::string(name_of(shown.interface)));
  if (wanted.version == 0) return refuse("invalid version for global " + global + ": 0 is not a valid version");
  if (wanted.version > shown.version)
    return refuse("invalid version for global " + global + ": have " + number(shown.version) + ", wanted " +
                  number(wanted.version));
  return {};
}

/// The same request with the name the link wants. The build makes sure that a string is its only argument.
Verdict Session::rename(const Header& header, const MessageSpec& spec, const Args& args) const {
  Verdict verdict;
  verdict.act = Verdict::Act::replace;
  verdict.bytes = Writer(header.object, header.opcode).string(policy_.rewritten(spec.identity, args[0].text)).take();
  return verdict;
}

/// A window whose name is pinned gets it at once, whether the client will set one or not.
void Session::pin_names(Verdict& verdict, std::uint32_t id, InterfaceId interface, std::uint32_t version) const {
  if (policy_.pin(Identity::app_id).empty() && policy_.pin(Identity::title).empty()) return;
  for (std::uint16_t opcode = 0;; ++opcode) {
    const auto spec = find_message(interface, Direction::request, opcode);
    if (!spec) return;
    if (spec->identity == Identity::none || spec->since > version || policy_.pin(spec->identity).empty()) continue;
    verdict.after += Writer(id, opcode).string(policy_.rewritten(spec->identity, {})).take();
  }
}

}  // namespace xc::mediate::wl
