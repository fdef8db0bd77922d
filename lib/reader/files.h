// Documents from the file system, without being held up or led astray by what stands in their place (MAN-17, MAN-18).
// Runs in hooks and xc-inject. Must never follow a symbolic link or wait.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/result.h"

namespace xc::reader {

/// Whose word a document is.
enum class Keeper {
  host,   ///< must belong to root (or to us), and nobody else may be able to write it
  etc,    ///< the same, in a directory that only root may change: so root's even where a user namespace hides root
  image,  ///< anybody's; its contents are a request and no more (R18)
};

/// Refuses a directory of the host's that others than root (or than us) may change: an entry that they took away, a
/// policy for instance, would look as if it had never been there. Kind::manifest.
[[nodiscard]] Result<> inspect_directory(int directory, Keeper keeper);

/// The contents of the regular file `name`, one component directly in `directory`, at most `limit` bytes; empty when
/// nothing of that name is there. Kind::manifest when something else stands there (a link, a FIFO, a device, a
/// directory), when it is empty, too large or not its keeper's; Kind::kernel when it cannot be read. Errors begin with
/// `name`.
[[nodiscard]] Result<std::optional<std::string>> read_document(int directory, const std::string& name,
                                                               std::size_t limit, Keeper keeper);

}  // namespace xc::reader
