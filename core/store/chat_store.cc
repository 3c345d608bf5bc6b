#include "core/store/chat_store.h"

namespace chat {

bool is_write(const StoreCommand& command) {
  return std::holds_alternative<AppendEvents>(command) ||
         std::holds_alternative<AppendInboxes>(command) ||
         std::holds_alternative<SaveUser>(command) || std::holds_alternative<TrimInbox>(command) ||
         std::holds_alternative<PruneChat>(command) || std::holds_alternative<DropChat>(command);
}

}  // namespace chat
