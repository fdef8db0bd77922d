#include "base/result.h"

#include <cstring>

namespace xc {

std::unexpected<Error> fail(Kind kind, std::string text, int code) {
  return std::unexpected(Error{kind, std::move(text), code});
}

std::unexpected<Error> fail_errno(Kind kind, std::string_view what, int code) {
  std::string text(what);
  text += ": ";
  const char* name = strerrordesc_np(code);  // static storage, no locale: strerror() may load catalogues
  text += name != nullptr ? name : "unknown error";
  return std::unexpected(Error{kind, std::move(text), code});
}

Error in_context(std::string_view context, Error error) {
  std::string text(context);
  text += ": ";
  text += error.text;
  error.text = std::move(text);
  return error;
}

}  // namespace xc
