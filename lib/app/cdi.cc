// See cdi.h.
#include "app/cdi.h"

#include "app/inputs.h"
#include "app/registration.h"
#include "base/json_out.h"
#include "base/text.h"
#include "plan/variables.h"

namespace xc::app {
namespace {

/// The edit that calls us. Every device has one; the first call reads the words of all of them in config.json.
std::string hook_edit(const std::string& program, const std::string& stage, const std::string& wish) {
  return "{\"hookName\":" + json_string(stage) + ",\"path\":" + json_string(program) +
         ",\"args\":[\"xc-hook\",\"--require\"," + json_string(wish) + "," + json_string(stage) +
         "],\"env\":[\"PATH=/usr/bin:/bin\"],\"timeout\":10}";
}

/// A place that the variables can name before the container is there; other clients look where `auto` looks.
std::string target_of(const model::Offer& offer) {
  const bool named = offer.type == model::Type::wayland || offer.type == model::Type::dbus;
  return named ? "/run/xconnect/" + offer.name + ".sock" : "auto";
}

std::string variables_edit(const model::Offer& offer) {
  model::Link link;
  link.service = offer.name;
  link.type = offer.type;
  link.target = target_of(offer);
  std::string list;
  for (const auto& [name, value] : plan::variables_of({link}, {}))
    list += (list.empty() ? "" : ",") + json_string(name + "=" + value);
  return list.empty() ? "" : "\"env\":[" + list + "],";
}

std::string device(const model::Offer& offer, const std::string& role, const std::string& program) {
  const std::string wish = offer.name + "=" + target_of(offer) + (role.empty() ? "" : ";role=" + role);
  return "  { \"name\": " + json_string(offer.name + (role.empty() ? "" : ":" + role)) +
         ",\n    \"containerEdits\": {" + variables_edit(offer) + "\"hooks\":[" +
         hook_edit(program, "createRuntime", wish) + "," + hook_edit(program, "poststop", wish) + "]} }";
}

}  // namespace

Result<std::string> cdi_spec(const std::vector<model::Offered>& services, const std::string& program) {
  XC_CHECK(check_program(program));
  std::vector<std::string> devices;
  for (const auto& [provider, origin, offer] : services) {
    devices.push_back(device(offer, "", program));
    if (offer.roles)
      for (const auto& [role, rules] : *offer.roles)
        if (role != "any") devices.push_back(device(offer, role, program));
  }
  if (devices.empty()) return fail(Kind::usage, "the host offers no service: there is nothing in services.d");
  return "{ \"cdiVersion\": \"0.5.0\",\n  \"kind\": \"xconnect/service\",\n  \"devices\": [\n" +
         text::join(devices, ",\n") + " ] }\n";
}

Result<std::string> cdi_for_host(const std::string& config, const std::string& program) {
  auto reader = XC_TRY(reader::Reader::start());
  return cdi_spec(XC_TRY(read_host_config(reader, config)).services, program);
}

}  // namespace xc::app
