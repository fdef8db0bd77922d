#include "mediate/rest_event.h"

#include "base/json_out.h"
#include "base/text.h"

namespace xc::mediate {

void report_exchange(const Terms& terms, const ExchangeNote& note) {
  std::string line = "{\"event\":\"exchange\",\"client\":" + json_string(terms.client) +
                     ",\"role\":" + json_string(terms.role) + ",\"service\":" + json_string(terms.service);
  if (!note.method.empty()) line += ",\"method\":" + json_string(note.method) + ",\"path\":" + json_string(note.path);
  line += ",\"status\":" + text::number(note.status) + ",\"sent\":" + text::number(note.sent) +
          ",\"received\":" + text::number(note.received);
  if (note.began != 0) line += ",\"us\":" + text::number(note.ended - note.began);
  if (!note.refusal.empty()) line += ",\"refused\":" + json_string(note.refusal);
  terms.observer->on_event(line + '}');
}

}  // namespace xc::mediate
