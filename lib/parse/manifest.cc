// run.json and args.json.
#include "parse/manifest.h"

#include "base/text.h"
#include "parse/dbus_rules.h"
#include "parse/field.h"
#include "parse/manifest_view.h"

namespace xc::parse {
namespace {

constexpr std::size_t most_targets = 16;
constexpr std::size_t most_variables = 16;

Result<std::vector<std::string>> read_targets(View view) {
  if (view.is(Form::list)) return read_words(view, word::plain, 1, most_targets);
  if (!view.is(Form::string)) return view.expected("a string or a list of strings");
  return std::vector<std::string>{XC_TRY(read_word(view, word::plain))};
}

Result<std::map<std::string, std::string>> read_variables(View view) {
  std::map<std::string, std::string> variables;
  const std::vector<View> members = XC_TRY(read_object(view, "an object of variables", most_variables));
  for (const View& member : members) {
    if (!word::variable.fits(member.name())) return member.fail("expected " + std::string(word::variable.looks));
    variables[member.name()] = XC_TRY(read_word(member, word::plain));
  }
  return variables;
}

/// On a bus: no more than the names and interfaces below the one that `interface` names, or than the long form says.
Result<> read_bus_wishes(View view, model::Requirement& wanted) {
  XC_CHECK(read_key_if(view, "interface", word::plain, wanted.interface));
  if (const auto dbus = view.find("dbus")) wanted.dbus = XC_TRY(read_dbus(*dbus));
  if (!word::bus_pattern.fits(wanted.interface)) return {};
  if (!wanted.dbus) wanted.dbus.emplace();
  wanted.dbus->interface.push_back(wanted.interface);
  return {};
}

/// Which vchan is meant: the consumer's own domain, and the other end for want of a declaration.
Result<> read_vchan_wish(View view, model::Requirement& wanted) {
  const auto domain = view.find("domain");
  if (!domain) return {};
  wanted.vchan.emplace();
  wanted.vchan->domain = XC_TRY(read_vchan_number(*domain));
  if (const auto server = view.find("server")) wanted.vchan->server = XC_TRY(read_vchan_number(*server));
  if (const auto port = view.find("port")) wanted.vchan->port = XC_TRY(read_vchan_number(*port));
  return {};
}

/// The members that only we know.
Result<> read_additions(View view, model::Requirement& wanted) {
  XC_CHECK(read_key_if(view, "provider", word::provider, wanted.provider));
  if (const auto kind = view.find("socket-type")) {
    const auto named = kind->is(Form::string) ? model::socket_kind_of(kind->text()) : std::nullopt;
    if (!named) return kind->expected("\"stream\", \"seqpacket\" or \"dgram\"");
    wanted.socket_kind = *named;
  }
  if (const auto env = view.find("env")) wanted.env = XC_TRY(read_variables(*env));
  if (const auto shared = view.find("shared-netns")) wanted.shared_netns = XC_TRY(read_flag(*shared));
  if (const auto padded = view.find("padded")) wanted.padded = XC_TRY(read_flag(*padded));
  return {};
}

Result<model::Requirement> read_requirement(View view, bool required) {
  model::Requirement wanted;
  wanted.required = required;
  wanted.where = view.where();
  wanted.name = XC_TRY(read_key(view, "name", word::name));
  XC_CHECK(read_key_if(view, "role", word::role, wanted.role));
  XC_CHECK(read_key_if(view, "type", word::name, wanted.type));
  XC_CHECK(read_bus_wishes(view, wanted));
  if (const auto target = view.find("target")) wanted.targets = XC_TRY(read_targets(*target));
  XC_CHECK(read_vchan_wish(view, wanted));
  XC_CHECK(read_additions(view, wanted));
  return wanted;
}

/// The list `key` of `object`, where there is one, into `manifest`.
Result<> read_requirements(View object, std::string_view key, bool required, model::Manifest& manifest) {
  const auto list = object.find(key);
  if (!list) return {};
  const std::vector<View> elements = XC_TRY(read_list(*list, "requirements", most_services));
  for (const View& element : elements) {
    // Bus names instead of a service: the bus would have to start their owners, and we host no bus.
    if (element.find("names") && !element.find("name")) {
      manifest.warnings.push_back(element.where() + ": left out: asks for bus names, which only a hosted bus can give");
      continue;
    }
    manifest.requirements.push_back(XC_TRY(read_requirement(element, required)));
    warn_of_misspelt(element,
                     {"name", "role", "type", "interface", "target", "provider", "env", "shared-netns", "padded",
                      "names", "domain", "server", "port"},
                     manifest.warnings);
  }
  if (manifest.requirements.size() > most_services)
    return list->fail("more than the " + text::number(std::uint64_t{most_services}) + " requirements allowed");
  return {};
}

}  // namespace

Result<model::Label> parse_label(std::string_view text, std::string_view file) {
  const Document document = XC_TRY(Document::parse(text, file, manifest_limits));
  return model::Label{std::string(kind_by_spec(document.root()))};
}

Result<model::Manifest> parse_run(std::string_view text, std::string_view file) {
  const Document document = XC_TRY(Document::parse(text, file, manifest_limits));
  return read_run(document.root());
}

Result<model::Manifest> read_run(View root) {
  if (!root.is(Form::object)) return root.expected("an object with \"services\"");
  XC_CHECK(check_spec(root, "run"));
  model::Manifest manifest;
  warn_of_misspelt(root, {"name", "services"}, manifest.warnings);
  XC_CHECK(read_key_if(root, "name", word::plain, manifest.name));
  const auto services = root.find("services");
  if (!services) return manifest;
  if (!services->is(Form::object)) return services->expected("an object with \"required\" and \"optional\"");
  warn_of_misspelt(*services, {"required", "optional"}, manifest.warnings);
  XC_CHECK(read_requirements(*services, "required", true, manifest));
  XC_CHECK(read_requirements(*services, "optional", false, manifest));
  return manifest;
}

Result<model::Manifest> parse_args(std::string_view text, std::string_view file) {
  const Document document = XC_TRY(Document::parse(text, file, manifest_limits));
  const View root = document.root();
  if (!root.is(Form::object))
    return root.expected("an object with \"PV_SERVICES_REQUIRED\" or \"PV_SERVICES_OPTIONAL\"");
  XC_CHECK(check_spec(root, "args"));
  model::Manifest manifest;
  warn_of_misspelt(root, {"PV_SERVICES_REQUIRED", "PV_SERVICES_OPTIONAL"}, manifest.warnings);
  XC_CHECK(read_requirements(root, "PV_SERVICES_REQUIRED", true, manifest));
  XC_CHECK(read_requirements(root, "PV_SERVICES_OPTIONAL", false, manifest));
  return manifest;
}

}  // namespace xc::parse
