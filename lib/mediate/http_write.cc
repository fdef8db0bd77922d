#include "mediate/http_write.h"

#include "base/text.h"

namespace xc::mediate::http {
namespace {

void append_line(Stream& to, std::string_view name, std::string_view value) {
  to.append(name);
  to.append(": ");
  to.append(value);
  to.append("\r\n");
}

void append_fields(Stream& to, const Fields& fields, bool overrides) {
  for (const Field& field : fields.all())
    if (field.passes && (overrides || field.known != Known::override)) append_line(to, field.name, field.value);
}

}  // namespace

void append_request(Stream& to, const RequestParts& parts) {
  to.append(parts.head.method);
  to.append(" ");
  to.append(parts.target.path);
  to.append(parts.target.query);
  to.append(" HTTP/1.1\r\n");
  append_line(to, "Host", parts.meaning.host.value_or("localhost"));
  to.append(parts.identity);
  append_fields(to, parts.head.fields, parts.overrides);
  if (parts.meaning.expects) append_line(to, "Expect", "100-continue");
  if (parts.meaning.length) append_line(to, "Content-Length", text::number(*parts.meaning.length));
  if (parts.meaning.chunked) append_line(to, "Transfer-Encoding", "chunked");
  if (!parts.meaning.upgrade.empty()) {
    append_line(to, "Connection", "Upgrade");
    append_line(to, "Upgrade", parts.meaning.upgrade);
  } else if (parts.last) {
    append_line(to, "Connection", "close");
  }
  to.append("\r\n");
}

void append_response(Stream& to, const ResponseHead& head, const Meaning& meaning, Framing framing, Persist persist) {
  to.append("HTTP/1.1 ");
  to.append(text::number(head.status));
  to.append(" ");
  to.append(head.reason);
  to.append("\r\n");
  append_fields(to, head.fields, true);
  if (framing == Framing::length && meaning.length) append_line(to, "Content-Length", text::number(*meaning.length));
  if (framing == Framing::chunked) append_line(to, "Transfer-Encoding", "chunked");
  switch (persist) {
    case Persist::silent: break;
    case Persist::close: append_line(to, "Connection", "close"); break;
    case Persist::keep_alive: append_line(to, "Connection", "keep-alive"); break;
    case Persist::upgrade:
      append_line(to, "Connection", "Upgrade");
      append_line(to, "Upgrade", meaning.upgrade);
      break;
  }
  to.append("\r\n");
}

}  // namespace xc::mediate::http
