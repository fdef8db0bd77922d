// A process in a worker's sandbox that asks one compositor for a security context for one link, and ends. It reads what
// the compositor says and never a byte of a client, so its word is the compositor's; it gives it as its exit status,
// because nothing else goes up (lib/README.md, idea 3).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "mediate/wl_context.h"
#include "shim/page.h"
#include "shim/sandbox.h"

namespace xc::shim {

/// What a herald takes along; all are his then.
struct Errand {
  Fd compositor;  ///< a connection to the compositor itself, unused
  Fd listener;    ///< for the compositor: where the link's clients will come
  Fd closing;     ///< for the compositor: it hangs up when the link ends
  Fd visitor;     ///< connected to `listener`; the context counts once the compositor answers there
};

class Herald {
 public:
  [[nodiscard]] static Result<Herald> send_out(uid_t uid, const mediate::wl::ContextNames& names, const Errand& errand);
  Herald(Herald&&) = default;
  Herald& operator=(Herald&&) = delete;
  /// Ends him.
  ~Herald();

  /// `absent`: the compositor has no security contexts. `refused`: it has, and there is none for us; or he did not get
  /// an answer within some seconds.
  enum class Word : std::uint8_t { none_yet, absent, granted, refused };
  [[nodiscard]] Word word();
  /// Why it is refused, to be shown.
  [[nodiscard]] std::string reason() const;

 private:
  Herald(Sandboxed process, SharedPage page) : process_(std::move(process)), page_(std::move(page)) {}
  Sandboxed process_;
  SharedPage page_;
};

}  // namespace xc::shim
