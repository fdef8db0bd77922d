// Host policy and services, the state directory, containers and their links.
#include <cerrno>
#include <cstring>

#include "advice/judge.h"
#include "base/text.h"
#include "model/service.h"

namespace xc::advice {
namespace {

void judge_endpoint(const Endpoint& endpoint, Findings& findings) {
  const std::string who = endpoint.provider.empty() ? "the host" : endpoint.provider;
  const std::string where = who + ": " + endpoint.service;
  const Place& place = endpoint.place;
  const bool device = model::is_device(model::type_of(endpoint.type).value_or(model::Type::raw_unix));
  const std::string path = text::quoted(place.path);
  const std::string start = endpoint.provider.empty()
                                ? "start the service that makes it"
                                : "look into the provider's own log: it runs, and does not listen";
  if (place.sort == Sort::missing)
    findings.push_back({Severity::broken, where, (device ? "the device node " : "the socket ") + path + " is not there",
                        "whoever uses the service finds nobody: 503, or a connection that closes",
                        device ? "load its driver, or correct the path in services.json" : start});
  else if (device && place.sort != Sort::character)
    findings.push_back({Severity::broken, where, path + " is no character device", "it cannot be given to a container",
                        "correct \"socket\" in services.json"});
  else if (!device && place.sort != Sort::socket)
    findings.push_back({Severity::broken, where, path + " is no socket", "no connection to it succeeds",
                        "correct \"socket\" in services.json, or remove the file and restart the service"});
  else if (place.connecting == ECONNREFUSED)
    findings.push_back({Severity::broken, where, "nobody listens at " + path,
                        "it is the leftover of a service that has ended", start});
  else if (place.connecting == EACCES)
    findings.push_back({Severity::note, where, "only root may connect to " + path + ", and was not tried", "", ""});
  else
    findings.push_back({Severity::good, where, path + " is there", "", ""});
}

void judge_passed_over(const std::string& where, const LinkFact& link, Findings& findings) {
  for (const auto& attempt : link.passed_over)
    findings.push_back({Severity::note, where, attempt.place + " was not taken: " + attempt.reason,
                        "it has the next place instead: " + link.target, ""});
}

/// A node or a lease: what can be opened is said of the node itself (judge_devices).
void judge_device_link(const std::string& where, const LinkFact& link, Findings& findings) {
  if (!link.reason.empty())
    findings.push_back({Severity::warning, where, "the shim has trouble with the device: " + link.reason,
                        "it was refused, or its rule would not come back when somebody takes it away",
                        "xc-inject explain '" + link.reason + "'"});
  if (link.restarts > 0)
    findings.push_back({Severity::warning, where,
                        "its device rule was taken away and put back, times: " + text::number(link.restarts),
                        "systemd (daemon-reload) or the engine (update) wrote the container's rules anew",
                        "name the device in the container's own configuration, if that happens often"});
  judge_passed_over(where, link, findings);
}

void judge_link(const ContainerFact& container, const LinkFact& link, Findings& findings) {
  const std::string where = container.name + ": " + link.service;
  if (link.device) return judge_device_link(where, link, findings);
  if (link.state == "closed")
    findings.push_back({Severity::broken, where, "the link is closed: " + link.reason,
                        "its client finds nobody until the container starts again",
                        "mend the cause, then restart the container"});
  else if (!link.reason.empty())
    findings.push_back({Severity::broken, where, "the last connection failed: " + link.reason,
                        "its client was told so, or saw the connection close",
                        "xc-inject explain '" + link.reason + "'"});
  else
    findings.push_back(
        {Severity::good, where,
         "at " + link.target + (link.provider.empty() ? ", not used yet" : ", served by " + link.provider), "", ""});
  if (link.restarts > 0)
    findings.push_back({Severity::warning, where, "its worker was restarted, times: " + text::number(link.restarts),
                        "connections that it had were lost", "the host's log has the reason; tell us"});
  judge_passed_over(where, link, findings);
  if (link.refused > 0)
    findings.push_back({Severity::warning, where, "refused so far: " + text::number(link.refused),
                        "the client asked for more than its role may do",
                        "xc-inject plan shows what the role may do, xc-inject trace what was asked"});
  if (!link.endings.empty())
    findings.push_back({Severity::warning, where, "a connection was ended: " + link.endings.back(),
                        "its client or its provider said what the protocol does not allow",
                        "xc-inject explain '" + link.endings.back() + "'"});
}

void judge_container(const ContainerFact& container, Findings& findings) {
  if (!container.unreadable.empty()) {
    findings.push_back({Severity::broken, container.name, "its record cannot be read: " + container.unreadable,
                        "nothing of it can be cleaned up, and nobody finds what it offers",
                        "stop the container, then remove its directory below the state directory"});
    return;
  }
  if (!container.alive) {
    findings.push_back({Severity::warning, container.name,
                        "is gone (pid " + text::number(container.pid) + "), and its entry is still there",
                        "its shim was killed before it could clean up; consumers may look for it in vain",
                        "the next start of a container with links removes it"});
    return;
  }
  if (container.shim != "serving" && container.shim != "none")
    findings.push_back({Severity::broken, container.name, "its shim is dead or does not answer: " + container.shim,
                        "every link of the container is dead",
                        "restart the container; the host's log says how the shim ended"});
  for (const LinkFact& link : container.links) judge_link(container, link, findings);
  judge_devices(container, findings);
  if (!container.unseen.empty())
    findings.push_back({Severity::broken, container.name, "what it offers cannot be looked at: " + container.unseen,
                        "its consumers' shims cannot reach it either", "xc-inject explain '" + container.unseen + "'"});
  for (const Endpoint& offer : container.offers) judge_endpoint(offer, findings);
}

}  // namespace

void judge_configuration(const Facts& facts, Findings& findings) {
  for (const Document& document : facts.documents) {
    if (document.ignored)
      findings.push_back({Severity::warning, document.path, "is not read: its name does not end in .json",
                          "what it says does not count", "mv " + document.path + " " + document.path + ".json"});
    else if (!document.error.empty())
      findings.push_back({Severity::broken, document.path, document.error,
                          "no container that asks for anything starts while this document is wrong",
                          "xc-inject check " + document.path});
    else if (document.warnings.empty())
      findings.push_back({Severity::good, document.path, "is good", "", ""});
    for (const std::string& warning : document.warnings)
      findings.push_back({Severity::warning, document.path, warning,
                          "containers start, and that part of it is as if it were not there",
                          "xc-inject check " + document.path + " shows the line"});
  }
  for (const Endpoint& endpoint : facts.endpoints) judge_endpoint(endpoint, findings);
}

void judge_state(const Facts& facts, Findings& findings) {
  const Place& place = facts.state.place;
  if (place.sort != Sort::missing && place.sort != Sort::directory)
    findings.push_back({Severity::broken, place.path,
                        "the state directory is no directory (a symbolic link is refused as well)",
                        "no container with links starts", "rm " + place.path});
  else if (place.sort == Sort::directory && (place.uid != 0 || (place.mode & 0777U) != 0700U))
    findings.push_back({Severity::broken, place.path, "the state directory does not belong to root alone",
                        "no container with links starts",
                        "chown root:root " + place.path + " && chmod 700 " + place.path});
  else if (!facts.state.error.empty())
    findings.push_back({Severity::broken, place.path, "the state directory cannot be used: " + facts.state.error,
                        "no container with links starts", "remove it; it is made anew"});
  if (place.sort == Sort::directory && !facts.state.volatile_memory)
    findings.push_back({Severity::warning, place.path, "the state directory does not lie on tmpfs",
                        "after a power cut it holds entries of containers that are gone", "mount -t tmpfs tmpfs /run"});
  for (const ContainerFact& container : facts.containers)
    if (facts.asked.empty() || facts.asked == container.name || (facts.bundle && facts.bundle->name == container.name))
      judge_container(container, findings);
}

}  // namespace xc::advice
