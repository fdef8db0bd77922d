// The parse room behind a wall: hostile text goes to a child process that holds nothing, structs come back and are
// checked again (R17). Runs in hooks and xc-inject; start it before anything else is opened. Must never parse by
// itself.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "model/container.h"
#include "model/event.h"
#include "model/graph.h"
#include "model/hooks.h"
#include "model/manifest.h"
#include "model/policy.h"
#include "model/position.h"
#include "model/proposal.h"
#include "model/revision.h"
#include "reader/message.h"

namespace xc::reader {

/// One reading child. Text that takes it over can falsify what it says of later documents as well: one Reader must not
/// read a document of the host after one of an image or a container; start another for those (0.1 to 0.4 ms).
class Reader {
 public:
  /// Forks the child; the caller must have one thread only. Kind::kernel when a part of its confinement fails.
  [[nodiscard]] static Result<Reader> start();

  /// A reader whose child is already there and trusted with nothing; takes both over. start() is the usual way.
  Reader(Fd socket, pid_t child) : socket_(std::move(socket)), child_(child) {}
  Reader(Reader&& other) noexcept : socket_(std::move(other.socket_)), child_(std::exchange(other.child_, 0)) {}
  Reader& operator=(Reader&& other) = delete;
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader();

  // As the functions of the parse room. Kind::manifest as well when the child died or sent what no document can hold,
  // Kind::again when it was silent for a second (on a busy host, say); it is gone then, and every later call fails.
  [[nodiscard]] Result<model::OciState> state(std::string_view text);
  [[nodiscard]] Result<model::OciConfig> config(std::string_view text, std::string_view file);
  [[nodiscard]] Result<model::Proposal> proposal(std::string_view text, std::string_view file);
  [[nodiscard]] Result<model::Label> label(std::string_view text, std::string_view file);
  [[nodiscard]] Result<model::Manifest> run(std::string_view text, std::string_view file);
  [[nodiscard]] Result<model::Manifest> args(std::string_view text, std::string_view file);
  [[nodiscard]] Result<model::Exports> services(std::string_view text, std::string_view file);
  [[nodiscard]] Result<model::Policy> policy(std::string_view text, std::string_view file);
  [[nodiscard]] Result<model::Revision> revision(std::string_view text, std::string_view file);
  [[nodiscard]] Result<model::RoleUids> role_uids(std::string_view text, std::string_view file);
  // For xc-inject alone.
  [[nodiscard]] Result<model::HooksFile> hooks_file(std::string_view text, std::string_view file);
  [[nodiscard]] Result<model::OciHooks> oci_hooks(std::string_view text, std::string_view file);
  [[nodiscard]] Result<model::Graph> graph(std::string_view text, std::string_view file);
  [[nodiscard]] Result<model::Position> position(std::string_view text, std::string_view question);
  [[nodiscard]] Result<model::Rendered> render(const model::Rendering& rendering);
  /// A line that a worker wrote for a trace.
  [[nodiscard]] Result<model::Event> event(std::string_view line);

 private:
  template <class T>
  Result<T> ask(Document document, std::string_view text, std::string_view file);
  Result<std::string> exchange(const std::string& request);
  /// Ends the child; the error tells how it ended, or `sentence`.
  std::unexpected<Error> give_up(std::string sentence, Kind kind = Kind::manifest);

  Fd socket_;
  pid_t child_ = 0;
};

}  // namespace xc::reader
