// What a function gives back when it can fail. Every room uses it; no exception of ours exists.
//
// An *answer* the caller reacts to is part of the value (optional, enum). An *Error* travels up
// unchanged, gains context on the way and is printed once, by main.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace xc {

/// The sort of a failure; the value is the exit code of a program that ends with it (sysexits.h).
enum class Kind : int {
  usage = 64,     ///< the command line
  internal = 70,  ///< a promise of our own code is broken
  kernel = 71,    ///< the kernel or the engine refused or lacks something
  plant = 73,     ///< a link cannot be put into the container
  again = 75,     ///< a deadline passed
  policy = 77,    ///< host policy or the provider refuses
  manifest = 78,  ///< a manifest, configuration or state document is wrong
};

/// A failure: its sort, one line of text (no newline, no trailing dot), and the errno if there was one.
struct Error {
  Kind kind = Kind::internal;
  std::string text;
  int code = 0;
};

template <class T = void>
using Result = std::expected<T, Error>;

/// Exit code of sysexits.h for `kind`.
[[nodiscard]] constexpr int exit_code(Kind kind) {
  return static_cast<int>(kind);
}

/// An error with a sentence of its own; `code` is the errno that the sentence explains, if there is one.
[[nodiscard]] std::unexpected<Error> fail(Kind kind, std::string text, int code = 0);

/// An error from a system call: "<what>: <strerror(code)>".
[[nodiscard]] std::unexpected<Error> fail_errno(Kind kind, std::string_view what, int code);

/// The same error, one step further out: "<context>: <text>".
[[nodiscard]] Error in_context(std::string_view context, Error error);

}  // namespace xc

/// Value of a Result, or return its error from the enclosing function.
#define XC_TRY(expression)                                                \
  __extension__({                                                         \
    auto xc_result = (expression);                                        \
    if (!xc_result) return std::unexpected(std::move(xc_result).error()); \
    *std::move(xc_result);                                                \
  })

/// XC_TRY, with the context put in front of the error.
#define XC_TRY_IN(context, expression)                                                               \
  __extension__({                                                                                    \
    auto xc_result = (expression);                                                                   \
    if (!xc_result) return std::unexpected(xc::in_context((context), std::move(xc_result).error())); \
    *std::move(xc_result);                                                                           \
  })

/// Return the error of a Result<void> from the enclosing function.
#define XC_CHECK(expression)                                                                             \
  do {                                                                                                   \
    if (auto xc_result = (expression); !xc_result) return std::unexpected(std::move(xc_result).error()); \
  } while (false)

/// XC_CHECK, with the context put in front of the error.
#define XC_CHECK_IN(context, expression)                                               \
  do {                                                                                 \
    if (auto xc_result = (expression); !xc_result)                                     \
      return std::unexpected(xc::in_context((context), std::move(xc_result).error())); \
  } while (false)
