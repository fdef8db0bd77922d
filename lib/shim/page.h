// What a worker publishes about itself: one page of plain numbers in memory shared with its monitor, made before the
// fork. Nothing else goes up (lib/README.md, idea 3). The worker parses hostile bytes, so the monitor believes none of
// it: the figures are shown, and used only where a lie hurts the liar's own link.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "mediate/mediator.h"

namespace xc::shim {

/// The last reasons a worker ended a connection for, as text that must still be escaped.
struct Reasons {
  static constexpr std::size_t places = 8;
  static constexpr std::size_t length = 160;
  std::uint64_t written = 0;  ///< how many were ever written; the newest stands at (written - 1) % places
  std::array<std::array<char, length>, places> text{};
};

struct Page {
  mediate::Tally tally;
  std::atomic<std::uint64_t> taken{0};   ///< connections the worker has received
  std::atomic<std::uint64_t> closed{0};  ///< of those, how many are over
  Reasons reasons;
};

/// Keeps `reason` in the page, cut to its place; the worker's side.
void remember(Page& page, std::string_view reason);

/// The reasons a page holds, oldest first, escaped; the monitor's side.
[[nodiscard]] std::vector<std::string> reasons_of(const Page& page);

/// A Page in anonymous memory that a forked child shares.
class SharedPage {
 public:
  [[nodiscard]] static Result<SharedPage> create();
  SharedPage() = default;
  SharedPage(const SharedPage&) = delete;
  SharedPage& operator=(const SharedPage&) = delete;
  SharedPage(SharedPage&& other) noexcept : page_(std::exchange(other.page_, nullptr)) {}
  SharedPage& operator=(SharedPage&& other) noexcept;
  ~SharedPage();
  [[nodiscard]] Page& operator*() const { return *page_; }
  [[nodiscard]] Page* operator->() const { return page_; }
  [[nodiscard]] explicit operator bool() const { return page_ != nullptr; }

 private:
  explicit SharedPage(Page* page) : page_(page) {}
  Page* page_ = nullptr;
};

}  // namespace xc::shim
