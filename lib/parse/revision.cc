#include "parse/revision.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "parse/field.h"
#include "parse/manifest_view.h"

namespace xc::parse {
namespace {

constexpr std::size_t most_members = 256;
constexpr std::size_t most_files = 16384;
constexpr std::size_t most_roles = 4096;
constexpr std::uint64_t most_uid = 0xfffffffeU;  // the one above means "leave as it is" (setresuid(2))
constexpr std::string_view run_file = "/run.json";
constexpr std::string_view services_file = "/services.json";

/// "<container>" of "<container>/run.json"; empty for any other key.
std::string_view owner_of(std::string_view key) {
  for (const std::string_view file : {run_file, services_file}) {
    if (!key.ends_with(file)) continue;
    key.remove_suffix(file.size());
    return text::is_name(key) ? key : std::string_view{};
  }
  return {};
}

template <class T>
void keep(Result<T> read, std::optional<T>& into, std::string& fault) {
  if (read)
    into = *std::move(read);
  else if (fault.empty())
    fault = read.error().text;
}

void add_file(View view, model::Member& member) {
  if (view.name().ends_with(run_file))
    keep(read_run(view), member.wants, member.fault);
  else
    keep(read_services(view), member.offers, member.fault);
}

}  // namespace

Result<model::Revision> parse_revision(std::string_view text, std::string_view file) {
  const Document document = XC_TRY(Document::parse(text, file, engine_limits));
  const View root = document.root();
  const std::vector<View> files = XC_TRY(read_object(root, "an object of files", most_files));
  model::Revision revision;
  for (const View& view : files) {
    const std::string_view owner = owner_of(view.name());
    if (owner.empty()) continue;
    auto member = std::ranges::find(revision.members, owner, &model::Member::name);
    if (member == revision.members.end()) {
      if (revision.members.size() == most_members)
        return view.fail("belongs to one container more than the " + text::number(std::uint64_t{most_members}) +
                         " allowed");
      revision.members.push_back({std::string(owner), {}, {}, {}});
      member = revision.members.end() - 1;
    }
    add_file(view, *member);
  }
  return revision;
}

Result<model::RoleUids> parse_role_uids(std::string_view text, std::string_view file) {
  const Document document = XC_TRY(Document::parse(text, file, manifest_limits));
  const View root = document.root();
  model::RoleUids roles;
  for (const View& view : XC_TRY(read_object(root, "an object of roles", most_roles))) {
    if (!word::name.fits(view.name())) continue;  // no requirement can ask for it
    const auto uid = view.number();
    if (!uid || *uid == 0 || *uid > most_uid) return view.expected("a uid other than root's");
    roles.uids[view.name()] = static_cast<std::uint32_t>(*uid);
  }
  return roles;
}

}  // namespace xc::parse
