// The judge http_parser (Debian: libhttp-parser-dev).
#include <http_parser.h>

#include "http_others.h"

namespace xc::oracle {
namespace {

struct Reader {
  explicit Reader(http_parser_type type) {
    http_parser_init(&parser, type);
    parser.data = this;
    http_parser_settings_init(&settings);
    settings.on_message_begin = [](http_parser* p) {
      of(p).current = {};
      return 0;
    };
    settings.on_url = [](http_parser* p, const char* text, std::size_t size) {
      of(p).current.start.append(text, size);
      return 0;
    };
    settings.on_body = [](http_parser* p, const char* text, std::size_t size) {
      of(p).current.body.append(text, size);
      return 0;
    };
    settings.on_headers_complete = [](http_parser* p) { return of(p).head_done(); };
    settings.on_message_complete = [](http_parser* p) {
      of(p).message_done();
      return 0;
    };
  }
  static Reader& of(http_parser* p) { return *static_cast<Reader*>(p->data); }

  int head_done() {
    if (parser.type == HTTP_REQUEST) return 0;
    current.start = std::to_string(parser.status_code);
    const bool head = next < methods.size() && methods[next] == "HEAD";
    // It leaves it to its user to know which responses have no body (RFC 9112 6.3).
    return parser.status_code == 304 || (head && parser.status_code >= 200) ? 1 : 0;
  }

  void message_done() {
    if (parser.type == HTTP_REQUEST)
      current.start = std::string(http_method_str(static_cast<http_method>(parser.method))) + ' ' + current.start;
    else if (parser.status_code >= 200)
      ++next;
    verdict.messages.push_back(current);
  }

  Verdict read(std::string_view bytes, bool ended) {
    bytes.remove_prefix(http_parser_execute(&parser, &settings, bytes.data(), bytes.size()));
    while (parser.type == HTTP_REQUEST && parser.upgrade != 0 && !bytes.empty()) {
      // It stops behind a request for an upgrade, as if that had been granted; here it was refused.
      http_parser_init(&parser, HTTP_REQUEST);
      bytes.remove_prefix(http_parser_execute(&parser, &settings, bytes.data(), bytes.size()));
    }
    if (parser.upgrade == 0 && ended && bytes.empty()) http_parser_execute(&parser, &settings, nullptr, 0);
    const auto error = static_cast<http_errno>(parser.http_errno);
    if (error != HPE_OK) verdict.fault = http_errno_name(error);
    verdict.undecided = error == HPE_INVALID_METHOD;
    return verdict;
  }

  http_parser parser{};
  http_parser_settings settings{};
  std::vector<std::string> methods;
  std::size_t next = 0;
  Framed current;
  Verdict verdict;
};

}  // namespace

Verdict http_parser_requests(std::string_view bytes) {
  Reader reader(HTTP_REQUEST);
  return reader.read(bytes, false);
}

Verdict http_parser_responses(std::string_view bytes, const std::vector<std::string>& methods, bool ended) {
  Reader reader(HTTP_RESPONSE);
  reader.methods = methods;
  return reader.read(bytes, ended);
}

}  // namespace xc::oracle
