#include "app/caret.h"

#include <algorithm>
#include <vector>

#include "app/doctor.h"
#include "base/text.h"
#include "reader/reader.h"

namespace xc::app {
namespace {

/// "7:9: the rest" -> its position; `sentence` becomes the rest.
std::optional<model::Position> position_in(std::string& sentence) {
  const auto first = sentence.find(':');
  const auto second = first == std::string::npos ? first : sentence.find(':', first + 1);
  if (second == std::string::npos) return std::nullopt;
  const auto line = text::parse_number(std::string_view(sentence).substr(0, first));
  const auto column = text::parse_number(std::string_view(sentence).substr(first + 1, second - first - 1));
  if (!line || !column) return std::nullopt;
  sentence.erase(0, std::min(sentence.size(), second + 2));
  return model::Position{static_cast<std::uint32_t>(*line), static_cast<std::uint32_t>(*column), 1};
}

/// What is wrong is the name of a member, not its value.
bool is_about_name(const std::string& message) {
  return message.find(": is not known") != std::string::npos ||
         message.find("a role's name must be") != std::string::npos;
}

/// The last word between double quotes that stands in the document as a string.
std::optional<model::Position> quoted_in(reader::Reader& reader, const std::string& document,
                                         const std::string& sentence) {
  std::optional<model::Position> found;
  for (auto begin = sentence.find('"'); begin != std::string::npos;) {
    const auto end = sentence.find('"', begin + 1);
    if (end == std::string::npos) break;
    const auto at = reader.position(document, "=" + sentence.substr(begin + 1, end - begin - 1));
    if (at && at->line > 0) found = *at;
    begin = sentence.find('"', end + 1);
  }
  return found;
}

std::string line_of(const std::string& document, std::uint32_t number) {
  const auto lines = text::split(document, '\n');
  return number > 0 && number <= lines.size() ? std::string(lines[number - 1]) : "";
}

/// A rule about a whole object names what is wrong inside it in quotes.
void refine(reader::Reader& reader, const std::string& document, Pointed& pointed) {
  const std::string line = line_of(document, pointed.at.line);
  const bool whole =
      pointed.at.line == 0 ||
      (pointed.at.column <= line.size() && (line[pointed.at.column - 1] == '{' || line[pointed.at.column - 1] == '['));
  if (!whole) return;
  const auto inner = quoted_in(reader, document, pointed.message);
  if (inner && inner->line >= pointed.at.line) pointed.at = *inner;
}

/// As wide as it is long: no tab, no control byte.
std::string shown(std::string text) {
  std::ranges::replace(text, '\t', ' ');
  return text::printable(text, 4096);
}

}  // namespace

Pointed point_at(const std::string& file, const std::string& sentence) {
  Pointed pointed;
  const std::string label = text::printable(file);
  pointed.message = sentence;
  if (!sentence.starts_with(label + ":")) return pointed;
  const bool numbered = sentence.compare(label.size(), 2, ": ") != 0;
  pointed.message.erase(0, label.size() + (numbered ? 1 : 2));
  const auto document = read_at(file);
  auto reader = reader::Reader::start();
  if (!document || !reader) return pointed;
  if (const auto said = numbered ? position_in(pointed.message) : std::nullopt) {
    pointed.at = *said;
  } else {
    const std::string pointer = pointed.message.substr(0, pointed.message.find(": "));
    if (pointer.starts_with('/'))
      if (const auto at = reader->position(*document, is_about_name(pointed.message) ? "#" + pointer : pointer))
        pointed.at = *at;
    refine(*reader, *document, pointed);
  }
  pointed.line = line_of(*document, pointed.at.line);
  return pointed;
}

std::string describe(const std::string& file, const Pointed& pointed, const std::string& word, bool colour) {
  const auto paint = [&](const char* how, const std::string& text) {
    return colour ? "\x1b[" + std::string(how) + "m" + text + "\x1b[0m" : text;
  };
  const char* const red = word == "error" ? "1;31" : "1;33";
  std::string text = text::printable(file);
  if (pointed.at.line == 0) return paint("1", text + ":") + " " + paint(red, word + ":") + " " + pointed.message + "\n";
  const std::string number = text::number(std::uint64_t{pointed.at.line});
  text += ":" + number + ":" + text::number(std::uint64_t{pointed.at.column}) + ":";
  text = paint("1", text) + " " + paint(red, word + ":") + " " + pointed.message + "\n";
  const std::size_t before = std::min<std::size_t>(pointed.at.column - 1, pointed.line.size());
  const std::string left = shown(pointed.line.substr(0, before));
  const std::size_t width = std::clamp<std::size_t>(pointed.line.size() - before, 1, pointed.at.width);
  const std::string marked = shown(pointed.line.substr(before, width));
  const std::string right = before + width < pointed.line.size() ? shown(pointed.line.substr(before + width)) : "";
  const std::string gap(std::max<std::size_t>(5, number.size()) - number.size(), ' ');
  text += gap + number + " | " + left + marked + right + "\n";
  return text + std::string(std::max<std::size_t>(5, number.size()), ' ') + " | " + std::string(left.size(), ' ') +
         paint(red, "^" + std::string(std::max<std::size_t>(marked.size(), 1) - 1, '~')) + "\n";
}

}  // namespace xc::app
