#include "sim/crowd/audit.h"

#include "core/wire/chat.pb.h"
#include "sim/oracle/view_audit.h"
#include "sim/oracle/witness.h"

namespace chat::sim {
namespace {

void judge_devices(const ViewAudit& audit, const Roster& roster, const KnownMessages& known,
                   Oracle& oracle) {
  std::vector<std::string> stale;
  audit.judge_logs(stale);
  for (uint32_t device = 0; device < known.devices(); ++device) {
    const UserId user = roster.user_id(device % roster.population().user_count());
    for (const auto& [chat, shown] : known.shown(device)) {
      if (!shown.whole) continue;
      audit.judge_view(user, roster.device_id(device), roster.chat_id(chat), shown.view, stale);
    }
  }
  for (const std::string& text : stale) oracle.stale(text);
}

}  // namespace

Status audit_logs(const LogReader& read, const Roster& roster, Oracle& oracle,
                  const KnownMessages* known, const std::function<void(uint32_t)>& progress) {
  const Population& population = roster.population();
  ViewAudit views;
  for (uint32_t chat = 0; chat < population.chat_count(); ++chat) {
    const ChatId& id = roster.chat_id(chat);
    bool told = false;
    const auto found = read(id, [&](const v1::Event& event) {
      if (!told) oracle.truth_chat(id, population.kind(chat));
      told = true;
      oracle.truth_event(id, truth_of(event));
      if (known != nullptr) views.truth(id, event);
    });
    if (!found) return found.error();
    if (chat % 100 == 0) progress(chat);
  }
  if (known != nullptr) judge_devices(views, roster, *known, oracle);
  return {};
}

}  // namespace chat::sim
