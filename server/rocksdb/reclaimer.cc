#include "server/rocksdb/reclaimer.h"

#include <limits>

#include "core/base/assert.h"
#include "core/store/store_rules.h"

namespace chat::rocks {

Status Reclaimer::events(uint64_t below_seq) {
  Scan scan(database_, {}, Family::event, key_of(chat_));
  uint64_t end = 0;  // The seq after the last one that is deleted.
  for (scan.seek(key_of(chat_)); scan.valid(); scan.next()) {
    if (scan.key().size() != ChatId::kSize + kSeqBytes) return scan.corrupt();
    const uint64_t seq = number_at(scan.key(), ChatId::kSize);
    if (seq >= below_seq || !take_one()) break;
    end = seq + 1;
    if (const UserId author = author_of(scan.value())) {
      remove(Family::author, key_of(author, chat_, seq));
    }
  }
  if (Status status = scan.status(); !status) return status;
  if (end > 0) remove_range(Family::event, end);
  return {};
}

Status Reclaimer::everything() {
  if (Status done = events(std::numeric_limits<uint64_t>::max()); !done) return done;
  if (!result_.complete) return {};
  if (Status done = members(); !done) return done;
  if (!result_.complete) return {};
  // Also what the batch itself has put. Keys are chat|user|key, and user ids have 63 bits.
  for (Family family : {Family::event, Family::member, Family::sent}) {
    remove_range(family, std::numeric_limits<uint64_t>::max());
  }
  return {};
}

Status Reclaimer::members() {
  Scan scan(database_, {}, Family::member, key_of(chat_));
  for (scan.seek(key_of(chat_)); scan.valid(); scan.next()) {
    if (scan.key().size() != ChatId::kSize + kUserBytes) return scan.corrupt();
    if (!take_one()) break;
    const UserId user{number_at(scan.key(), ChatId::kSize)};
    remove(Family::member, key_of(chat_, user));
    remove(Family::user_chat, key_of(user, chat_));
  }
  return scan.status();
}

bool Reclaimer::take_one() {
  if (rows_left_ == 0) {
    result_.complete = false;
    return false;
  }
  --rows_left_;
  ++result_.rows;
  return true;
}

void Reclaimer::remove(Family family, const Key& key) {
  const rocksdb::Status status = batch_.Delete(database_.handle(family), slice(key));
  CHAT_ASSERT(status.ok());
}

void Reclaimer::remove_range(Family family, uint64_t end) {
  const rocksdb::Status status =
      batch_.DeleteRange(database_.handle(family), slice(key_of(chat_)), slice(key_of(chat_, end)));
  CHAT_ASSERT(status.ok());
}

}  // namespace chat::rocks
