#include "sim/live/audit.h"

#include "core/wire/chat.pb.h"
#include "sim/oracle/witness.h"

namespace chat::sim {

Status audit_logs(AdminClient& admin, const Roster& roster, Oracle& oracle,
                  const std::function<void(uint32_t)>& progress) {
  const Population& population = roster.population();
  for (uint32_t chat = 0; chat < population.chat_count(); ++chat) {
    const ChatId& id = roster.chat_id(chat);
    bool told = false;
    const auto read = admin.read_log(id, [&](const v1::Event& event) {
      if (!told) oracle.truth_chat(id, population.kind(chat));
      told = true;
      oracle.truth_event(id, truth_of(event));
    });
    if (!read) return read.error();
    if (chat % 100 == 0) progress(chat);
  }
  return {};
}

}  // namespace chat::sim
