#include "server/rocksdb/inbox_reader.h"

#include <algorithm>

namespace chat::rocks {

InboxReader::InboxReader(const Database& database, const rocksdb::ReadOptions& options,
                         const ReadInbox& read)
    : database_(database),
      options_(options),
      user_(read.user),
      from_(std::max<uint64_t>(read.from_inbox_seq, 1)),
      budget_(read.limit, read.bytes_max) {}

Result<InboxRead> InboxReader::run() {
  Scan scan(database_, options_, Family::inbox, key_of(user_));
  scan.seek_back(key_of(user_, from_));  // The run that may hold from_ begins at or before it.
  if (!scan.valid()) scan.seek(key_of(user_, from_));
  for (; scan.valid() && !full_; scan.next()) {
    InboxRow row;
    if (scan.key().size() != kUserBytes + kSeqBytes || !decode(scan.value(), row)) {
      return scan.corrupt();
    }
    row.first_inbox_seq = number_at(scan.key(), kUserBytes);
    const uint64_t from = std::max(row.first_inbox_seq, from_);
    if (from >= row.first_inbox_seq + row.count) continue;
    if (Status status = add_row(row, from); !status) return status.error();
  }
  if (Status status = scan.status(); !status) return status.error();
  return std::move(result_);
}

void InboxReader::add_entry(InboxEntry entry) {
  if (!full_ && budget_.admit(entry.stored_event.size())) {
    result_.entries.push_back(std::move(entry));
  } else {
    full_ = true;
  }
}

Status InboxReader::add_row(const InboxRow& row, uint64_t from) {
  if (row.kind == InboxRow::Kind::read_marker) {
    add_entry({row.first_inbox_seq, row.kind, row.chat, row.first_seq, {}});
    return {};
  }
  return row.count == 1 ? add_event(row) : add_events(row, from);
}

Status InboxReader::add_event(const InboxRow& row) {
  InboxEntry entry{row.first_inbox_seq, row.kind, row.chat, row.first_seq, {}};
  const Result<ChatLife> life = life_of(row.chat);
  if (!life) return life.error();
  entry.retention_ms = life->retention_ms;
  entry.expires_ms = life->expires_ms;
  if (row.first_seq >= life->oldest_seq) {
    rocksdb::PinnableSlice event;
    const auto found =
        database_.get(options_, Family::event, key_of(row.chat, row.first_seq), event);
    if (!found) return found.error();
    if (*found) entry.stored_event = event.ToString();
  }
  add_entry(std::move(entry));
  return {};
}

Status InboxReader::add_events(const InboxRow& row, uint64_t from) {
  const Result<ChatLife> life = life_of(row.chat);
  if (!life) return life.error();
  const uint64_t shift = row.first_seq - row.first_inbox_seq;  // Wraps; added back below.
  Scan scan(database_, options_, Family::event, key_of(row.chat));
  scan.seek(key_of(row.chat, std::max(from + shift, life->oldest_seq)));
  for (uint64_t seq = from; seq < row.first_inbox_seq + row.count && !full_; ++seq) {
    InboxEntry entry{seq, row.kind, row.chat, seq + shift, {}};
    entry.retention_ms = life->retention_ms;
    entry.expires_ms = life->expires_ms;
    if (scan.valid() && scan.key() == key_of(row.chat, entry.seq).view()) {
      entry.stored_event = scan.value();
      scan.next();
    }
    add_entry(std::move(entry));
  }
  return scan.status();
}

Result<InboxReader::ChatLife> InboxReader::life_of(const ChatId& chat) {
  if (const auto known = lives_.find(chat); known != lives_.end()) return known->second;
  const auto row = database_.find<ChatRow>(options_, Family::chat, key_of(chat));
  if (!row) return row.error();
  ChatLife& life = lives_[chat];
  if (*row) life = {(*row)->oldest_seq, (*row)->retention_ms, (*row)->expires_ms};
  return life;
}

}  // namespace chat::rocks
