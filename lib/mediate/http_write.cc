#include "mediate/http_write.h"

#include "base/text.h"

namespace xc::mediate::http {
namespace {

/// What a head is written to: once to count its bytes, once to put them where the stream made room for so many. One
/// call of append() for each piece would cost more than all the parsing.
class Pen {
 public:
  explicit Pen(char* place) : place_(place) {}
  Pen& operator<<(std::string_view piece) {
    if (place_ != nullptr) piece.copy(place_ + size_, piece.size());
    size_ += piece.size();
    return *this;
  }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  char* place_;
  std::size_t size_ = 0;
};

template <class Write>
void append_written(Stream& to, const Write& write) {
  Pen counter(nullptr);
  write(counter);
  to.fill(counter.size(), [&](char* place, std::size_t) {
    Pen pen(place);
    write(pen);
    return pen.size();
  });
}

void write_fields(Pen& pen, const Fields& fields, bool overrides) {
  for (const Field& field : fields.all())
    if (field.passes && (overrides || field.known != Known::override))
      pen << fields.name(field) << ": " << fields.value(field) << "\r\n";
}

/// An empty Host is valid for a target without authority (RFC 9110 7.2), and still refused by some servers.
std::string_view host_of(const Meaning& meaning) {
  const std::string_view host = meaning.host.value_or(std::string_view{});
  return host.empty() ? "localhost" : host;
}

void write_request(Pen& pen, const RequestParts& parts, std::string_view length) {
  const Meaning& meaning = parts.meaning;
  pen << parts.head.method << " " << parts.target.path << parts.target.query
      << " HTTP/1.1\r\nHost: " << host_of(meaning) << "\r\n"
      << parts.identity;
  write_fields(pen, parts.head.fields, parts.overrides);
  if (meaning.expects) pen << "Expect: 100-continue\r\n";
  if (meaning.length) pen << "Content-Length: " << length << "\r\n";
  if (meaning.chunked) pen << "Transfer-Encoding: chunked\r\n";
  if (!meaning.upgrade.empty())
    pen << "Connection: Upgrade\r\nUpgrade: " << meaning.upgrade << "\r\n";
  else if (parts.last)
    pen << "Connection: close\r\n";
  pen << "\r\n";
}

void write_persist(Pen& pen, Persist persist, std::string_view upgrade) {
  switch (persist) {
    case Persist::silent: break;
    case Persist::close: pen << "Connection: close\r\n"; break;
    case Persist::keep_alive: pen << "Connection: keep-alive\r\n"; break;
    case Persist::upgrade: pen << "Connection: Upgrade\r\nUpgrade: " << upgrade << "\r\n"; break;
  }
}

}  // namespace

void append_request(Stream& to, const RequestParts& parts) {
  const std::string length = text::number(parts.meaning.length.value_or(0));
  append_written(to, [&](Pen& pen) { write_request(pen, parts, length); });
}

void append_response(Stream& to, const ResponseHead& head, const Meaning& meaning, Framing framing, Persist persist) {
  const std::string status = text::number(head.status);
  const std::string length = text::number(meaning.length.value_or(0));
  append_written(to, [&](Pen& pen) {
    pen << "HTTP/1.1 " << status << " " << head.reason << "\r\n";
    write_fields(pen, head.fields, true);
    if (framing == Framing::length && meaning.length) pen << "Content-Length: " << length << "\r\n";
    if (framing == Framing::chunked) pen << "Transfer-Encoding: chunked\r\n";
    write_persist(pen, persist, meaning.upgrade);
    pen << "\r\n";
  });
}

}  // namespace xc::mediate::http
