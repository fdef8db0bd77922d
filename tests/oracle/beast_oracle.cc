// The judge Boost.Beast (Debian: libboost-dev).
#include <boost/beast/http.hpp>

#include "http_others.h"

namespace xc::oracle {
namespace {

namespace http = boost::beast::http;

constexpr std::uint64_t largest_body = 64 * 1024;  // it reserves what Content-Length announces

template <class Parser>
void prepare(Parser& parser) {
  parser.eager(false);
  parser.header_limit(64 * 1024);
  parser.body_limit(largest_body);
}

/// Feeds `bytes` to one parser; how many it took, or nothing after a fault.
template <class Parser>
bool feed(Parser& parser, std::string_view& bytes, Verdict& verdict) {
  while (!bytes.empty() && !parser.is_done()) {
    boost::system::error_code error;
    const std::size_t taken = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
    bytes.remove_prefix(taken);
    if (error == http::error::need_more) return true;
    if (error) {
      verdict.fault = error.message();
      verdict.undecided = error == http::error::body_limit;
      return false;
    }
    if (!parser.is_header_done()) continue;
    parser.eager(true);
    verdict.undecided = parser.content_length().value_or(0) > largest_body;
    if (verdict.undecided) return false;
  }
  return true;
}

}  // namespace

Verdict beast_requests(std::string_view bytes) {
  Verdict verdict;
  while (!bytes.empty()) {
    http::request_parser<http::string_body> parser;
    prepare(parser);
    if (!feed(parser, bytes, verdict) || !parser.is_done()) break;
    const auto& message = parser.get();
    verdict.messages.push_back(
        {std::string(message.method_string()) + ' ' + std::string(message.target()), message.body()});
  }
  return verdict;
}

Verdict beast_responses(std::string_view bytes, const std::vector<std::string>& methods, bool ended) {
  Verdict verdict;
  std::size_t next = 0;
  while (!bytes.empty()) {
    // HEAD is told to the parser beforehand, and holds for a final response only: the status decides which it is.
    const bool interim = bytes.size() > 9 && bytes[9] == '1';
    http::response_parser<http::string_body> parser;
    prepare(parser);
    parser.skip(!interim && next < methods.size() && methods[next] == "HEAD");
    if (!feed(parser, bytes, verdict)) break;
    if (!parser.is_done() && ended && bytes.empty() && parser.is_header_done() && parser.need_eof()) {
      boost::system::error_code error;
      parser.put_eof(error);
    }
    if (!parser.is_done()) break;
    verdict.messages.push_back({std::to_string(parser.get().result_int()), parser.get().body()});
    if (parser.get().result_int() == 101) break;
    if (!interim) ++next;
  }
  return verdict;
}

}  // namespace xc::oracle
