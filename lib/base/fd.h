// A file descriptor with an owner. Every descriptor of ours is one of these; a plain int is only ever borrowed.
#pragma once

#include <utility>

namespace xc {

class Fd {
 public:
  constexpr Fd() = default;
  /// Takes ownership of `number`; a negative number means "none".
  constexpr explicit Fd(int number) : number_(number) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  constexpr Fd(Fd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  ~Fd() { reset(); }

  /// The number, still owned; -1 when there is none.
  [[nodiscard]] constexpr int get() const { return number_; }
  [[nodiscard]] constexpr explicit operator bool() const { return number_ >= 0; }
  /// Gives the number away; the caller closes it.
  [[nodiscard]] constexpr int release() { return std::exchange(number_, -1); }
  /// Closes what is held. errno is left as it was.
  void reset() noexcept;

 private:
  int number_ = -1;
};

}  // namespace xc
