#include "advice/manual.h"

#include "base/text.h"

namespace xc::advice {

std::string roff(std::string_view text) {
  std::string out;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
    line_begins = c == '\n';
  }
  return out;
}

std::string manual_head(const std::string& name, int section, const std::string& about, const std::string& version) {
  return ".TH \"" + roff(name) + "\" " + text::number(section) + " \"\" \"xconnect " + roff(version) +
         "\" \"xconnect\"\n" + manual_section("NAME") + roff(name) + " \\- " + roff(about) + "\n";
}

std::string manual_section(const std::string& title) {
  return ".SH " + title + "\n";
}

std::string manual_item(const std::string& tag, const std::string& text) {
  return ".TP\n.B " + roff(tag) + "\n" + roff(text) + "\n";
}

std::string manual_literal(const std::string& text) {
  return ".PP\n.nf\n.RS 4\n" + roff(text) + (text.ends_with('\n') ? "" : "\n") + ".RE\n.fi\n";
}

std::string manual_of_help(const std::string& name, const std::string& about, const std::string& help,
                           const std::string& see, const std::string& version) {
  std::string page = manual_head(name, 8, about, version);
  const auto first = help.find('\n');
  std::string usage = help.substr(0, first);
  if (usage.starts_with("usage: ")) usage.erase(0, 7);
  page += manual_section("SYNOPSIS") + ".B " + roff(usage) + "\n";
  page += manual_section("DESCRIPTION") + manual_literal(first == std::string::npos ? "" : help.substr(first + 1));
  return page + manual_section("SEE ALSO") + roff(see) + "\n";
}

std::string manual_of_schema(const std::string& name, const model::SchemaPage& page, const std::string& example,
                             const std::string& version) {
  std::string out = manual_head(name, 5, page.title, version);
  out += manual_section("DESCRIPTION") + roff(page.text) +
         "\n.PP\nWords in <angle brackets> are described once, under that name, "
         "here or in\n.BR xconnect\\-rules (5).\n";
  out += manual_section("KEYS");
  for (const auto& key : page.keys) out += manual_item(key.name, key.text);
  if (!example.empty()) out += manual_section("EXAMPLE") + manual_literal(example);
  return out + manual_section("SEE ALSO") + "xconnect(7), xc\\-inject(1)\n";
}

namespace {

constexpr const char* overview =
    "A container gets exactly the services it was granted \\- a REST API, a name on a bus, a Wayland display, a raw "
    "socket, "
    "a device \\- and nothing else of the host or of its neighbours, from its first instruction, with no change to the "
    "image, "
    "the engine or the client program.\n"
    ".PP\n"
    "The engine calls\n.BR xc\\-hook (8)\nwhen a container starts. It reads who the container is and what it asks for, "
    "plans, "
    "plants sockets into the container's file system, and leaves one\n.BR xc\\-shim (8)\nbehind, which mediates until "
    "the "
    "container ends. When something that is required cannot be given, the container does not start, and one line says "
    "why.\n"
    ".PP\n"
    "The provider says what it offers in\n.BR xconnect\\-services (5),\nthe consumer what it needs in\n.BR "
    "xconnect\\-run (5),\n"
    "the host what is allowed in\n.BR xconnect\\-policy (5).\nWhat a consumer may do is what all three say together.\n";

constexpr const char* files =
    ".TP\n.B /etc/xconnect/policy.d/*.json\nwho may use what; with one file or more, what no entry allows is refused\n"
    ".TP\n.B /etc/xconnect/services.d/*.json\nwhat the host itself offers\n"
    ".TP\n.B run.json, services.json\nbeside config.json, or beside LXC's configuration of the container\n"
    ".TP\n.B /run/xconnect\nwho runs, and the sockets; root's alone, on tmpfs\n"
    ".TP\n.B /run/user/UID/xconnect\nthe same of an ordinary user, whose podman calls the hooks without root\n";

constexpr const char* shim =
    "One shim serves one container. Its monitor accepts connections and finds the provider anew for each of them; it "
    "reads "
    "no byte of theirs. A worker for each link that is used, without privileges, in namespaces of its own, under a "
    "filter of "
    "system calls, reads and mediates. It is started by\n.BR xc\\-hook (8)\nand ends with the container; nobody starts "
    "it by "
    "hand.\n.PP\n.BR \"xc\\-inject status\" ,\n.B top\nand\n.B trace\nshow what it does.\n"
    ".SS Links at connect:/path\n"
    "The container's filter asks the monitor about each call of\n.BR connect (2).\n"
    "Another process without privileges, the agent, is handed the caller's memory for reading and says whether the "
    "path "
    "is one of a link. If so the monitor connects the caller's own socket; everything else the kernel does as if "
    "nobody "
    "had asked. Nothing is refused because of what was read, so a program that changes the path meanwhile gains "
    "nothing: it gets a link that the container has, or what the kernel gives to everybody.\n"
    ".PP\nWhen the agent ends, another one is started by the next call, and the call that was being read is read "
    "again; when it does not answer within two seconds it is ended, and so is one whose caller's memory does not come. "
    "Until then calls wait. After ten ends within a minute nothing is redirected any more, and all other connections "
    "go on. When the shim itself is killed, every\n.BR connect (2)\nof the container fails with ENOSYS until it is "
    "started again.\n"
    ".PP\ncrun connects to linux.seccomp.listenerPath before the container exists:\n.B xc\\-precreate\nor\n"
    ".B xc\\-inject hooks await NAME\nmake the place.\n";

}  // namespace

std::string manual_overview(const std::string& name, const std::string& version) {
  if (name == "xconnect")
    return manual_head(name, 7, "give containers the services they were granted, and nothing else", version) +
           manual_section("DESCRIPTION") + overview + manual_section("FILES") + files + manual_section("SEE ALSO") +
           "xc\\-inject(1), xc\\-hook(8), xc\\-shim(8), xconnect\\-run(5), xconnect\\-services(5), "
           "xconnect\\-policy(5), "
           "xconnect\\-args(5), xconnect\\-rules(5)\n";
  if (name == "xc-shim")
    return manual_head(name, 8, "mediates for one container", version) + manual_section("DESCRIPTION") + shim +
           manual_section("SEE ALSO") + "xconnect(7), xc\\-hook(8), xc\\-inject(1)\n";
  return "";
}

}  // namespace xc::advice
