#include "mediate/http_answer.h"

#include "base/json_out.h"
#include "base/text.h"

namespace xc::mediate::http {

std::string_view reason_of(unsigned status) {
  switch (status) {
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 408: return "Request Timeout";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 417: return "Expectation Failed";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Refused";
  }
}

std::string answer_body(const Answer& answer) {
  std::string body = "{\"error\":" + json_string(answer.error) + ",\"service\":" + json_string(answer.service) +
                     ",\"role\":" + json_string(answer.role);
  if (!answer.rule.empty()) body += ",\"rule\":" + json_string(answer.rule);
  return body + "}\n";
}

std::string make_answer(const Answer& answer, bool close, bool head_only) {
  const std::string body = answer_body(answer);
  std::string text = "HTTP/1.1 " + text::number(answer.status) + ' ';
  text.append(reason_of(answer.status)).append("\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n");
  text += "Content-Length: " + text::number(std::uint64_t{body.size()}) + "\r\n";
  if (answer.status == 401) text += "WWW-Authenticate: Bearer\r\n";
  if (answer.status == 503) text += "Retry-After: 1\r\n";
  if (close) text += "Connection: close\r\n";
  text += "\r\n";
  return head_only ? text : text + body;
}

}  // namespace xc::mediate::http
