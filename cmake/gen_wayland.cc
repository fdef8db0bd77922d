// Build-time program: Wayland protocol files (XML) and the reviewed list of roles -> one C++ table without pointers, so
// that it needs no relocation and is shared by every worker. Runs on the build machine, for any target:
// gen_wayland ROLES FILE.xml... > wayland_tables.inc
//
// Where two files define an interface, the one with the higher version counts if it continues the other; a file that
// contradicts (an unstable draft under the final name) is left out as a whole, and said so.
#include "gen_wayland.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>
#include <sstream>

namespace {

[[noreturn]] void die(const std::string& text) {
  std::cerr << "gen_wayland: " << text << "\n";
  std::exit(1);
}

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) die("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// --- which definition of an interface counts
// --------------------------------------------------------------------------

/// Why the file cannot be used at all; empty when it can. An untyped new_id is three arguments on the wire and names
/// any interface: only wl_registry.bind is known to be checked.
std::string fault_of(const File& file) {
  for (const auto& [name, interface] : file.interfaces)
    for (const auto* messages : {&interface.requests, &interface.events})
      for (const Message& message : *messages)
        for (const Arg& arg : message.args)
          if (arg.type == "new_id" && arg.interface.empty() && name + "." + message.name != "wl_registry.bind")
            return name + "." + message.name + " creates objects of any interface";
  return {};
}

bool continues(const std::vector<Message>& older, const std::vector<Message>& newer) {
  if (older.size() > newer.size()) return false;
  for (std::size_t i = 0; i < older.size(); ++i) {
    const auto& a = older[i].args;
    const auto& b = newer[i].args;
    const auto same = [](const Arg& x, const Arg& y) { return x.type == y.type && x.interface == y.interface; };
    if (older[i].name != newer[i].name || !std::ranges::equal(a, b, same)) return false;
  }
  return true;
}

/// Drops files until no two contradict each other; the loser is the one with the lower version of the interface, or the
/// later in the list.
void settle(std::vector<File>& files) {
  for (std::size_t i = 0; i < files.size(); ++i) {
    for (std::size_t j = i + 1; j < files.size(); ++j) {
      for (const auto& [name, one] : files[i].interfaces) {
        const auto found = files[j].interfaces.find(name);
        if (found == files[j].interfaces.end()) continue;
        const bool later_wins = found->second.version > one.version;
        const Interface& newer = later_wins ? found->second : one;
        const Interface& older = later_wins ? one : found->second;
        if (continues(older.requests, newer.requests) && continues(older.events, newer.events)) continue;
        const std::size_t loser = later_wins ? i : j;
        std::cerr << "gen_wayland: leaving out " << files[loser].path << ": its " << name << " contradicts "
                  << files[later_wins ? j : i].path << "\n";
        files.erase(files.begin() + static_cast<std::ptrdiff_t>(loser));
        return settle(files);
      }
    }
  }
}

std::map<std::string, Interface> merge(const std::vector<File>& files) {
  std::map<std::string, Interface> all;
  for (const File& file : files)
    for (const auto& [name, interface] : file.interfaces) {
      const auto [at, fresh] = all.try_emplace(name, interface);
      if (!fresh && interface.version > at->second.version) at->second = interface;
    }
  return all;
}

/// Interfaces that name others which nobody defines cannot be counted on: they go, and whatever names them.
void drop_incomplete(std::map<std::string, Interface>& all) {
  for (bool changed = true; changed;) {
    changed = false;
    for (auto at = all.begin(); at != all.end();) {
      const auto unknown = [&](const Message& message) {
        return std::ranges::any_of(
            message.args, [&](const Arg& arg) { return !arg.interface.empty() && !all.contains(arg.interface); });
      };
      const bool bad =
          std::ranges::any_of(at->second.requests, unknown) || std::ranges::any_of(at->second.events, unknown);
      if (bad) std::cerr << "gen_wayland: leaving out " << at->first << ": it names an interface nobody defines\n";
      changed = changed || bad;
      at = bad ? all.erase(at) : std::next(at);
    }
  }
}

// --- the list of roles
// ------------------------------------------------------------------------------------------------

struct Roles {
  std::vector<std::string> names;
  std::map<std::string, unsigned> shown;  ///< interface -> bits of roles
  std::map<std::string, unsigned> rewritten;
  unsigned everything = 0;  ///< roles that show all
  std::set<std::string> never;
};

class RoleReader {
 public:
  explicit RoleReader(std::string path) : path_(std::move(path)) {}
  Roles read();

 private:
  void open(std::istringstream& words);
  void add(const std::string& word);
  [[noreturn]] void complain(const std::string& what) const {
    die(path_ + ":" + std::to_string(number_) + ": " + what);
  }
  std::string path_;
  int number_ = 0;
  std::string section_;
  unsigned kind_ = 0;
  Roles roles_;
  std::map<std::string, unsigned> inherited_;  ///< bits that a name of this role sets: its own and those built on it
};

void RoleReader::open(std::istringstream& words) {
  std::string name;
  std::string equals;
  std::string other;
  words >> name >> equals >> other;
  if (section_ == "rewrite") {
    kind_ = name == "app-id" ? 1 : name == "title" ? 2 : 0;
    if (kind_ == 0) complain("rewrite app-id or title");
    return;
  }
  if (section_ != "role") return;
  if (name.empty() || (equals != "" && equals != "=")) complain("role NAME [= OTHER]");
  const unsigned bit = 1U << roles_.names.size();
  roles_.names.push_back(name);
  kind_ = bit;
  if (other == "*") {
    roles_.everything |= bit;
  } else if (!other.empty()) {
    const auto base = std::ranges::find(roles_.names, other);
    if (base == roles_.names.end() - 1 || base == roles_.names.end()) complain("no role " + other + " above");
    const unsigned below = 1U << (base - roles_.names.begin());
    for (auto& [interface, bits] : roles_.shown)
      if ((bits & below) != 0) bits |= bit;
  }
}

void RoleReader::add(const std::string& word) {
  if (section_ == "role") {
    roles_.shown[word] |= kind_;
  } else if (section_ == "never") {
    roles_.never.insert(word);
  } else if (section_ == "rewrite") {
    roles_.rewritten[word] = kind_;
  } else {
    complain("begin with role, never or rewrite");
  }
}

Roles RoleReader::read() {
  std::istringstream file(text_of(path_));
  for (std::string line; std::getline(file, line);) {
    ++number_;
    const auto remark = line.find('#');
    std::istringstream words(line.substr(0, remark));
    std::string word;
    if (!(words >> word)) continue;
    if (line.starts_with(' ')) {
      if (section_ == "role" && remark == std::string::npos) complain("say why " + word + " belongs here");
      add(word);
    } else {
      section_ = word;
      open(words);
    }
  }
  return roles_;
}

// --- the table
// --------------------------------------------------------------------------------------------------------

class Writer {
 public:
  Writer(const std::map<std::string, Interface>& all, const Roles& roles) : all_(all), roles_(roles) {}
  void write();

 private:
  std::size_t name(const std::string& text);
  [[nodiscard]] std::size_t index(const std::string& interface) const {
    return static_cast<std::size_t>(std::distance(all_.begin(), all_.find(interface)));
  }
  void write_messages(const std::string& interface, const std::vector<Message>& messages);
  [[nodiscard]] unsigned word_of(const Arg& arg) const;

  const std::map<std::string, Interface>& all_;
  const Roles& roles_;
  std::string names_;
  std::map<std::string, std::size_t> places_;
  std::string interfaces_;
  std::string messages_;
  std::string args_;
  std::size_t message_count_ = 0;
  std::size_t arg_count_ = 0;
};

std::size_t Writer::name(const std::string& text) {
  const auto [at, fresh] = places_.try_emplace(text, names_.size());
  if (fresh) names_ += text + '\0';
  return at->second;
}

unsigned Writer::word_of(const Arg& arg) const {
  static const std::vector<std::string> types{"int", "uint", "fixed", "object", "new_id", "string", "array", "fd"};
  const auto type = std::ranges::find(types, arg.type);
  if (type == types.end()) die("unknown type of argument: " + arg.type);
  const std::size_t of = arg.interface.empty() ? 0xfff : index(arg.interface);
  return static_cast<unsigned>(type - types.begin()) | (arg.nullable ? 8U : 0U) | static_cast<unsigned>(of) << 4U;
}

void Writer::write_messages(const std::string& interface, const std::vector<Message>& messages) {
  for (const Message& message : messages) {
    const auto rewritten = roles_.rewritten.find(interface + "." + message.name);
    const unsigned kind = rewritten == roles_.rewritten.end() ? 0 : rewritten->second;
    if (message.args.size() > 20) die(interface + "." + message.name + " has more than 20 arguments");
    messages_ += "    {" + std::to_string(name(message.name)) + ", " + std::to_string(arg_count_) + ", " +
                 std::to_string(message.args.size()) + ", " + std::to_string(message.since) + ", " +
                 (message.destructor ? "true" : "false") + ", " + std::to_string(kind) + "},\n";
    for (const Arg& arg : message.args) args_ += std::to_string(word_of(arg)) + ", ";
    if (!message.args.empty()) args_ += "\n";
    arg_count_ += message.args.size();
    ++message_count_;
  }
}

void Writer::write() {
  for (const auto& [interface, what] : all_) {
    const auto shown = roles_.shown.find(interface);
    unsigned bits = roles_.everything | (shown == roles_.shown.end() ? 0 : shown->second);
    if (roles_.never.contains(interface)) bits = 0;
    const std::size_t first = message_count_;
    write_messages(interface, what.requests);
    write_messages(interface, what.events);
    interfaces_ += "    {" + std::to_string(name(interface)) + ", " + std::to_string(first) + ", " +
                   std::to_string(what.requests.size()) + ", " + std::to_string(what.events.size()) + ", " +
                   std::to_string(what.version) + ", " + std::to_string(bits) + "},\n";
  }
  if (all_.size() >= 0xfff || message_count_ > 0xffff || arg_count_ > 0xffff || names_.size() > 0xffff)
    die("more protocols than the table has room for");
  std::printf("// Made by gen_wayland: %zu interfaces, %zu messages, %zu arguments.\n", all_.size(), message_count_,
              arg_count_);
  std::printf("constexpr std::string_view role_names[] = {");
  for (const std::string& role : roles_.names) std::printf("\"%s\", ", role.c_str());
  std::printf("};\nconstexpr InterfaceRow interface_rows[] = {\n%s};\n", interfaces_.c_str());
  std::printf("constexpr MessageRow message_rows[] = {\n%s};\n", messages_.c_str());
  std::printf("constexpr std::uint16_t arg_words[] = {\n%s};\n", args_.c_str());
  std::printf("constexpr char names[] =\n");
  std::istringstream pieces(names_);
  for (std::string piece; std::getline(pieces, piece, '\0');) std::printf("    \"%s\\0\"\n", piece.c_str());
  std::printf("    ;\n");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) die("usage: gen_wayland ROLES FILE.xml...");
  std::vector<File> files;
  for (int i = 2; i < argc; ++i) {
    File file = read_protocol(argv[i], text_of(argv[i]));
    if (!file.error.empty()) die(file.path + file.error);
    if (const std::string fault = fault_of(file); !fault.empty())
      std::cerr << "gen_wayland: leaving out " << file.path << ": " << fault << "\n";
    else
      files.push_back(std::move(file));
  }
  settle(files);
  auto all = merge(files);
  drop_incomplete(all);
  for (const char* needed : {"wl_display", "wl_registry", "wl_callback"})
    if (!all.contains(needed)) die(std::string("no file defines ") + needed);
  const Roles roles = RoleReader(argv[1]).read();
  for (const auto& [request, kind] : roles.rewritten)
    if (!all.contains(request.substr(0, request.find('.')))) die("rewrite: nobody defines " + request);
  Writer(all, roles).write();
  return 0;
}
