// Build-time program gen_wayland: the XML of a protocol file, read with expat. The elements and attributes are those of
// wayland.dtd.
#include <expat.h>

#include <cstdlib>
#include <cstring>

#include "gen_wayland.h"

namespace {

struct Reader {
  XML_Parser parser;
  File file;
  Interface* interface = nullptr;
  Message* message = nullptr;

  void fault(const std::string& what) {
    if (file.error.empty()) file.error = ":" + std::to_string(XML_GetCurrentLineNumber(parser)) + ": " + what;
    XML_StopParser(parser, XML_FALSE);
  }
};

std::string attribute(const char** attributes, const char* name) {
  for (; *attributes != nullptr; attributes += 2)
    if (std::strcmp(attributes[0], name) == 0) return attributes[1];
  return {};
}

/// A version of 1 to 255; absent = 1, anything else = 0.
unsigned version_of(const std::string& digits) {
  if (digits.empty()) return 1;
  char* end = nullptr;
  const unsigned long value = std::strtoul(digits.c_str(), &end, 10);
  return *end != '\0' || value > 255 ? 0 : static_cast<unsigned>(value);
}

bool is_word(const std::string& name) {
  return !name.empty() && name.size() < 128 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string::npos;
}

void begin_message(Reader& reader, std::vector<Message>& messages, const char** attributes) {
  Message message;
  message.name = attribute(attributes, "name");
  message.since = version_of(attribute(attributes, "since"));
  message.destructor = attribute(attributes, "type") == "destructor";
  if (!is_word(message.name) || message.since == 0) return reader.fault("a message without name or with an odd since");
  messages.push_back(message);
  reader.message = &messages.back();
}

void begin(void* data, const char* element, const char** attributes) {
  auto& reader = *static_cast<Reader*>(data);
  const std::string what = element;
  if (what == "interface") {
    const std::string name = attribute(attributes, "name");
    const auto [at, fresh] = reader.file.interfaces.try_emplace(name);
    at->second.version = version_of(attribute(attributes, "version"));
    if (!fresh || !is_word(name) || at->second.version == 0) return reader.fault("an odd interface, or one twice");
    reader.interface = &at->second;
  } else if (what == "request" || what == "event") {
    if (reader.interface == nullptr) return reader.fault("a message outside an interface");
    begin_message(reader, what == "request" ? reader.interface->requests : reader.interface->events, attributes);
  } else if (what == "arg") {
    if (reader.message == nullptr) return reader.fault("an argument outside a message");
    reader.message->args.push_back({attribute(attributes, "type"), attribute(attributes, "interface"),
                                    attribute(attributes, "allow-null") == "true"});
  }
}

void end(void* data, const char* element) {
  auto& reader = *static_cast<Reader*>(data);
  const std::string what = element;
  if (what == "interface") reader.interface = nullptr;
  if (what == "request" || what == "event") reader.message = nullptr;
}

}  // namespace

File read_protocol(const std::string& path, const std::string& text) {
  Reader reader{XML_ParserCreate("UTF-8"), {path, {}, {}}};
  XML_SetUserData(reader.parser, &reader);
  XML_SetElementHandler(reader.parser, begin, end);
  if (XML_Parse(reader.parser, text.data(), static_cast<int>(text.size()), XML_TRUE) != XML_STATUS_OK)
    reader.fault(XML_ErrorString(XML_GetErrorCode(reader.parser)));
  XML_ParserFree(reader.parser);
  return reader.file;
}
