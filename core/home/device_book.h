// DeviceBook: the rows of a user's devices – what each has acknowledged, when it was seen, what
// client it is. They are saved together with other facts of the user when it is swept or goes
// offline, never one write per acknowledgement. Also trims inboxes far behind their head. Changes
// only its fields of User; asks nobody. Thread rule: belongs to its engine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/engine/context.h"
#include "core/home/user_table.h"

namespace chat {

namespace v1 {
class DeviceList;
}

class DeviceBook {
 public:
  explicit DeviceBook(EngineContext& context) : context_(context) {}

  /// A device attached. Of too many the one that was away the longest is forgotten.
  void attached(User& user, const std::string& device_id, const std::string& client);
  void acknowledged(User& user, const std::string& device_id, uint64_t inbox_seq);
  void seen(User& user, const std::string& device_id, int64_t wall_ms);
  /// False when there is no such device.
  bool forget(User& user, const std::string& device_id);

  /// Stores what is set and every row that changed; nothing when neither is set and no row is to be
  /// forgotten.
  void save(User& user, std::optional<uint64_t> delivered_inbox_seq,
            std::optional<int64_t> last_seen_ms);
  /// Trims the inbox if it is a whole step too long.
  void trim(User& user);

  void list(const User& user, v1::DeviceList& out) const;

 private:
  EngineContext& context_;
};

}  // namespace chat
