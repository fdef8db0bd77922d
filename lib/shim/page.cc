#include "shim/page.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "base/text.h"

namespace xc::shim {

void remember(Page& page, std::string_view reason) {
  auto& place = page.reasons.text[page.reasons.written % Reasons::places];
  const std::size_t count = std::min(reason.size(), place.size() - 1);
  std::memcpy(place.data(), reason.data(), count);
  place[count] = '\0';
  ++page.reasons.written;
}

std::vector<std::string> reasons_of(const Page& page) {
  std::vector<std::string> out;
  const std::uint64_t written = page.reasons.written;
  const std::uint64_t count = std::min<std::uint64_t>(written, Reasons::places);
  for (std::uint64_t i = written - count; i != written; ++i) {
    std::array<char, Reasons::length> copy = page.reasons.text[i % Reasons::places];  // the worker may be writing it
    copy.back() = '\0';
    out.push_back(text::printable(copy.data(), Reasons::length));
  }
  return out;
}

Result<SharedPage> SharedPage::create() {
  void* memory = ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return fail_errno(Kind::kernel, "mmap", errno);
  return SharedPage(new (memory) Page);
}

SharedPage& SharedPage::operator=(SharedPage&& other) noexcept {
  std::swap(page_, other.page_);
  return *this;
}

SharedPage::~SharedPage() {
  if (page_ != nullptr) ::munmap(page_, sizeof(Page));
}

}  // namespace xc::shim
