// Runs in the reader's child: request in, parser, answer out. Must never use what confine() has taken away.
#include "reader/child.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "base/pack.h"
#include "model/event.h"
#include "parse/engine.h"
#include "parse/graph.h"
#include "parse/hooks.h"
#include "parse/json_in.h"
#include "parse/manifest.h"
#include "parse/policy.h"
#include "parse/position.h"
#include "parse/proposal.h"
#include "parse/render.h"
#include "parse/revision.h"
#include "reader/message.h"

namespace xc::reader {
namespace {

constexpr int wire = 0;

/// All of `size` bytes; false at the end of the stream or on an error.
bool read_all(char* into, std::size_t size) {
  while (size > 0) {
    const ssize_t count = ::read(wire, into, size);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    into += count;
    size -= static_cast<std::size_t>(count);
  }
  return true;
}

bool write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(wire, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

template <class T>
Answer answer_with(Result<T> parsed) {
  Answer answer;
  if (parsed) {
    answer.value = pack(*std::move(parsed));
  } else {
    answer.error = parsed.error().text;
  }
  return answer;
}

Result<model::Rendered> render(const std::string& packed) {
  auto rendering = XC_TRY(unpack<model::Rendering>(packed));
  return parse::render_run(rendering);
}

Answer answer_to(const Request& request) {
  switch (request.document) {
    case Document::state: return answer_with(parse::parse_state(request.text));
    case Document::config: return answer_with(parse::parse_config(request.text, request.file));
    case Document::label: return answer_with(parse::parse_label(request.text, request.file));
    case Document::run: return answer_with(parse::parse_run(request.text, request.file));
    case Document::args: return answer_with(parse::parse_args(request.text, request.file));
    case Document::services: return answer_with(parse::parse_services(request.text, request.file));
    case Document::policy: return answer_with(parse::parse_policy(request.text, request.file));
    case Document::hooks_file: return answer_with(parse::parse_hooks_file(request.text, request.file));
    case Document::oci_hooks: return answer_with(parse::parse_oci_hooks(request.text, request.file));
    case Document::graph: return answer_with(parse::parse_graph(request.text, request.file));
    case Document::position: return answer_with(Result<model::Position>(parse::locate(request.text, request.file)));
    case Document::render: return answer_with(render(request.text));
    case Document::event: return answer_with(parse::from_json<model::Event>(request.text, request.file));
    case Document::revision: return answer_with(parse::parse_revision(request.text, request.file));
    case Document::role_uids: return answer_with(parse::parse_role_uids(request.text, request.file));
    case Document::proposal: return answer_with(parse::parse_proposal(request.text, request.file));
    case Document::count_: break;
  }
  return {"an unknown kind of document", {}};
}

}  // namespace

void serve() {
  for (;;) {
    std::uint32_t size = 0;
    if (!read_all(reinterpret_cast<char*>(&size), sizeof size) || size > most_request) ::_exit(0);
    std::string bytes(size, '\0');
    if (!read_all(bytes.data(), bytes.size())) ::_exit(0);
    const auto request = unpack<Request>(bytes);
    if (!request) ::_exit(1);
    std::string answer = pack(answer_to(*request));
    if (answer.size() > most_answer) answer = pack(Answer{"holds more than can be handed on", {}});
    size = static_cast<std::uint32_t>(answer.size());
    std::string frame(sizeof size, '\0');
    std::memcpy(frame.data(), &size, sizeof size);
    if (!write_all(frame + answer)) ::_exit(0);
  }
}

}  // namespace xc::reader
