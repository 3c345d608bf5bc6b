// Reclaimer: finds the rows of a chat that one PruneChat or DropChat deletes, and adds their
// deletion to a write batch. Events go by range, their rows in the author index one by one.
// Internal to this folder; lives for one command. Thread rule: as WriteCall.
#pragma once

#include <rocksdb/write_batch.h>

#include "core/store/chat_store.h"
#include "server/rocksdb/database.h"

namespace chat::rocks {

class Reclaimer {
 public:
  /// Deletes at most about `limit` rows.
  Reclaimer(const Database& database, rocksdb::WriteBatch& batch, const ChatId& chat,
            uint32_t limit)
      : database_(database), batch_(batch), chat_(chat), rows_left_(limit) {}

  /// Events below `below_seq`, oldest first.
  Status events(uint64_t below_seq);
  /// Events, members with these users' views of the chat, and at last the keys.
  Status everything();

  const Reclaimed& result() const { return result_; }

 private:
  Status members();
  /// Whether one more row may be deleted; else the result is not complete.
  bool take_one();
  void remove(Family family, const Key& key);
  /// Deletes the keys chat|0 … chat|end, `end` excluded.
  void remove_range(Family family, uint64_t end);

  const Database& database_;
  rocksdb::WriteBatch& batch_;
  const ChatId chat_;
  uint32_t rows_left_;
  Reclaimed result_;
};

}  // namespace chat::rocks
