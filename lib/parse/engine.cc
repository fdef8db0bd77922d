#include "parse/engine.h"

#include "base/text.h"
#include "parse/field.h"
#include "parse/words.h"

namespace xc::parse {
namespace {

constexpr std::size_t no_limit = SIZE_MAX;  // of members: Limits::values counts all of them
constexpr std::string_view ours = "io.xconnect.";
constexpr std::string_view require = "io.xconnect.require.";
constexpr std::string_view manager = "io.container.manager";  // who wrote the others: podman says "libpod"

/// `key` as Go's encoding/json compares keys: ASCII letters fold, and with them the two characters beyond ASCII whose
/// simple case folding is an ASCII letter, U+017F (long s) and U+212A (Kelvin sign).
std::string folded(std::string_view key) {
  std::string out;
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (key.substr(i).starts_with("\xc5\xbf")) {
      out += 's';
      i += 1;
    } else if (key.substr(i).starts_with("\xe2\x84\xaa")) {
      out += 'k';
      i += 2;
    } else {
      out += key[i] >= 'A' && key[i] <= 'Z' ? static_cast<char>(key[i] - 'A' + 'a') : key[i];
    }
  }
  return out;
}

/// The member `name` (lower case) of an object; null counts as absent, as it does for both engines.
Result<std::optional<View>> find_exact(View object, std::string_view name) {
  for (const View& member : object.children())
    if (member.name() != name && folded(member.name()) == folded(name))
      return member.fail("differs from \"" + std::string(name) +
                         "\" only by case, and engines disagree about such keys; remove it");
  const auto found = object.find(name);
  if (!found || found->is(Form::null)) return std::optional<View>();
  return found;
}

/// The same for a member that must be there.
Result<View> need_exact(View object, std::string_view name) {
  if (const auto found = XC_TRY(find_exact(object, name))) return *found;
  return object.fail("has no \"" + std::string(name) + "\", which it must have");
}

Result<std::string> read_exact(View object, std::string_view name, const Word& kind) {
  const View member = XC_TRY(need_exact(object, name));
  return read_word(member, kind);
}

/// Those that are kept. Their keys are data, not names of fields: no engine folds them.
Result<std::map<std::string, std::string>> read_annotations(View object) {
  std::map<std::string, std::string> kept;
  const auto annotations = XC_TRY(find_exact(object, "annotations"));
  if (!annotations) return kept;
  const std::vector<View> members = XC_TRY(read_object(*annotations, "an object of strings", no_limit));
  for (const View& member : members) {
    if (!is_kept_annotation(member.name())) continue;
    if (!is_plain(member.name())) return member.fail("a key with control characters");
    kept[member.name()] = XC_TRY(read_word(member, word::plain));
  }
  return kept;
}

Result<std::string> read_absolute(View view) {
  if (!view.is(Form::string) || !is_plain(view.text()) || !view.text().starts_with('/'))
    return view.expected("an absolute path");
  return view.text();
}

Result<std::vector<std::string>> read_env(View view) {
  std::vector<std::string> env;
  const std::vector<View> elements = XC_TRY(read_list(view, "strings", no_limit));
  for (const View& element : elements) {
    if (!element.is(Form::string)) return element.expected("a string");
    // Engines pass on what has no '='; no program can ask for it by name.
    if (element.text().find('=') != std::string::npos) env.push_back(element.text());
  }
  return env;
}

Result<> read_root(View view, model::OciConfig& config) {
  if (!view.is(Form::object)) return view.expected("an object with \"path\"");
  config.root_path = XC_TRY(read_exact(view, "path", word::plain));
  if (const auto readonly = XC_TRY(find_exact(view, "readonly"))) config.root_readonly = XC_TRY(read_flag(*readonly));
  return {};
}

/// A container may have several hooks of ours, one for each CDI device, and the first that is called does the work of
/// all: what their --require ask for. Two that say the same are one, for a hook may be there twice; of two that differ
/// none is the right one. Hooks come from the host alone; whoever typed an annotation as well knows better.
Result<> add_requests(View root, std::map<std::string, std::string>& annotations) {
  const auto hooks = root.find("hooks");
  const auto stage = hooks ? hooks->find("createRuntime") : std::nullopt;
  if (!stage) return {};
  std::map<std::string, std::string> asked;
  for (const View hook : stage->children()) {
    const auto path = hook.find("path");
    const auto args = hook.find("args");
    if (!path || !args || !path->text().ends_with("/xc-hook")) continue;
    bool next = false;
    for (const View word : args->children()) {
      const auto equals = word.text().find('=');
      if (next && equals != std::string::npos && is_plain(word.text())) {
        const auto [first, fresh] = asked.emplace(word.text().substr(0, equals), word.text());
        if (!fresh && first->second != word.text())
          return word.fail("--require: " + text::quoted(first->second) + " and " + text::quoted(word.text()) +
                           " ask for one service; say it once");
      }
      next = word.text() == "--require";
    }
  }
  for (const auto& [service, request] : asked)
    annotations.emplace(std::string(require) + service, request.substr(service.size() + 1));
  return {};
}

bool asks_about_connect(View seccomp) {
  const auto rules = seccomp.find("syscalls");
  if (!rules) return false;
  for (const View rule : rules->children()) {
    const auto action = rule.find("action");
    const auto names = rule.find("names");
    if (!action || !names || action->text() != "SCMP_ACT_NOTIFY") continue;
    for (const View name : names->children())
      if (name.text() == "connect") return true;
  }
  return false;
}

/// Empty when nobody is asked, or not about connect(2).
Result<std::string> read_notified(View root) {
  const auto part = XC_TRY(find_exact(root, "linux"));
  const auto seccomp = part ? XC_TRY(find_exact(*part, "seccomp")) : std::nullopt;
  const auto listener = seccomp ? XC_TRY(find_exact(*seccomp, "listenerPath")) : std::nullopt;
  if (!listener || (listener->is(Form::string) && listener->text().empty())) return std::string();
  std::string path = XC_TRY(read_absolute(*listener));
  return asks_about_connect(*seccomp) ? path : std::string();
}

}  // namespace

bool is_kept_annotation(std::string_view key) {
  return key.starts_with(ours) || key == manager || key == model::keeps_groups;
}

Result<model::OciState> parse_state(std::string_view text) {
  const Document document = XC_TRY(Document::parse(text, "state", engine_limits));
  const View root = document.root();
  if (!root.is(Form::object)) return root.expected("the state of a container");
  model::OciState state;
  state.id = XC_TRY(read_exact(root, "id", word::plain));  // whether it is a name for us is the plan's question
  state.status = XC_TRY(read_exact(root, "status", word::name));
  if (const auto bundle = XC_TRY(find_exact(root, "bundle"))) state.bundle = XC_TRY(read_absolute(*bundle));
  if (const auto pid = XC_TRY(find_exact(root, "pid")))
    state.pid = static_cast<std::int64_t>(XC_TRY(read_number(*pid, std::uint64_t{model::highest_pid})));
  state.annotations = XC_TRY(read_annotations(root));
  state.names_root = XC_TRY(find_exact(root, "root")).has_value();
  return state;
}

Result<model::OciConfig> parse_config(std::string_view text, std::string_view file) {
  const Document document = XC_TRY(Document::parse(text, file, engine_limits));
  const View root = document.root();
  if (!root.is(Form::object)) return root.expected("a container's configuration");
  model::OciConfig config;
  const View where = XC_TRY(need_exact(root, "root"));
  XC_CHECK(read_root(where, config));
  if (const auto process = XC_TRY(find_exact(root, "process"))) {
    if (!process->is(Form::object)) return process->expected("an object");
    if (const auto env = XC_TRY(find_exact(*process, "env"))) config.env = XC_TRY(read_env(*env));
  }
  config.annotations = XC_TRY(read_annotations(root));
  XC_CHECK(add_requests(root, config.annotations));
  config.notified = XC_TRY(read_notified(root));
  return config;
}

}  // namespace xc::parse
