#include "sim/oracle/oracle.h"

#include <algorithm>

namespace chat::sim {
namespace {

constexpr uint64_t kFar = 65'536;  ///< A seq that far beyond the others is kept apart.

std::string place(const ChatId& chat, uint64_t seq) {
  return "chat " + chat.hex() + " seq " + std::to_string(seq);
}

uint64_t send_key(uint32_t chat, uint64_t content) { return mix64(content ^ mix64(chat)); }

SeqRange intersection(SeqRange a, SeqRange b) {
  return {std::max(a.first, b.first), std::min(a.last, b.last)};
}

}  // namespace

const char* name_of(Finding finding) {
  switch (finding) {
    case Finding::lost:
      return "lost";
    case Finding::duplicate:
      return "duplicate";
    case Finding::reordered:
      return "reordered";
    case Finding::phantom:
      return "phantom";
    case Finding::stale:
      return "stale";
    case Finding::late:
      return "late";
  }
  return "?";
}

bool OracleReport::clean() const {
  return counts.lost == 0 && counts.duplicate == 0 && counts.reordered == 0 &&
         counts.phantom == 0 && counts.stale == 0;
}

DeviceRef Oracle::add_device(UserId user) {
  devices_.emplace_back().user = user;
  return DeviceRef{devices_.size()};
}

uint32_t Oracle::chat_index(const ChatId& chat) {
  const auto [found, added] = chat_indexes_.try_emplace(chat, static_cast<uint32_t>(chats_.size()));
  if (added) chats_.emplace_back().id = chat;
  return found->second;
}

Oracle::Stream& Oracle::stream(DeviceRef ref, const ChatId& chat, bool by_room) {
  return streams_[{ref.value * 2 + (by_room ? 1 : 0), chat_index(chat)}];
}

Oracle::Extras& Oracle::extras(Stream& stream) {
  if (!stream.extras) stream.extras = std::make_unique<Extras>();
  return *stream.extras;
}

void Oracle::note(Finding finding, const std::string& where) {
  uint64_t* const counters[] = {&counts_.lost,    &counts_.duplicate, &counts_.reordered,
                                &counts_.phantom, &counts_.stale,     &counts_.late};
  const auto kind = static_cast<size_t>(finding);
  ++*counters[kind];
  if (++examples_of_[kind] <= options_.examples_max) examples_.push_back({finding, where});
}

std::string Oracle::place(DeviceRef ref, const ChatId& chat, uint64_t seq) {
  return "user " + std::to_string(device(ref).user.value) + " device " + std::to_string(ref.value) +
         " " + sim::place(chat, seq);
}

// ---------------------------------------------------------------- sends

// Null for messages.
ChangeCounts* Oracle::changes(Operation operation) {
  switch (operation) {
    case Operation::message:
      return nullptr;
    case Operation::edit:
      return &counts_.edits;
    case Operation::deletion:
      return &counts_.deletions;
    case Operation::reaction:
      return &counts_.reactions;
  }
  return nullptr;
}

SendRef Oracle::sent(DeviceRef device, const ChatId& chat, uint64_t content, Operation operation) {
  SendRecord record;
  record.content = content;
  record.first_attempt = record.last_attempt = ++attempts_;
  record.device = static_cast<uint32_t>(device.value);
  record.chat = chat_index(chat);
  record.operation = operation;
  sends_.push_back(record);
  const auto index = static_cast<uint32_t>(sends_.size());
  sends_by_content_.emplace(send_key(record.chat, content), index);
  ChangeCounts* change = changes(operation);
  ++(change ? change->sent : counts_.sent);
  return SendRef{index};
}

void Oracle::sent_again(SendRef send) {
  SendRecord& record = sends_[send.value - 1];
  record.last_attempt = ++attempts_;
  if (record.outcome != SendRecord::Outcome::acked) record.outcome = SendRecord::Outcome::maybe;
}

void Oracle::acked(SendRef send, uint64_t seq) {
  SendRecord& record = sends_[send.value - 1];
  if (record.outcome != SendRecord::Outcome::acked) {
    ChangeCounts* change = changes(record.operation);
    ++(change ? change->acked : counts_.acked);
    record.delayed = seq == 0;
    if (record.delayed) ++counts_.delayed;
  }
  record.outcome = SendRecord::Outcome::acked;
  // A second acknowledgement with another seq means one key at two seqs.
  if (record.acked_seq != 0 && seq != 0 && record.acked_seq != seq) {
    note(Finding::duplicate,
         place(DeviceRef{record.device}, chats_[record.chat].id, seq) + ": acknowledged twice");
  }
  if (seq != 0) record.acked_seq = seq;
}

void Oracle::refused(SendRef send, bool temporary) {
  SendRecord& record = sends_[send.value - 1];
  if (record.outcome == SendRecord::Outcome::acked) return;
  ChangeCounts* change = changes(record.operation);
  if (!temporary) ++(change ? change->refused : counts_.refused);
  // An earlier attempt that got no answer may still have been stored.
  const bool maybe = temporary || record.first_attempt != record.last_attempt;
  record.outcome = maybe ? SendRecord::Outcome::maybe : SendRecord::Outcome::refused;
}

// ---------------------------------------------------------------- the wire

void Oracle::connected(DeviceRef ref, uint64_t inbox_cursor) {
  device(ref).wire = SeqSet();
  device(ref).wire_cursor = inbox_cursor;
}

void Oracle::room_connected(DeviceRef ref, const ChatId& chat, uint64_t cursor) {
  Stream& room = stream(ref, chat, true);
  room.wire = SeqSet();
  room.wire_cursor = cursor;
}

void Oracle::on_wire(DeviceRef ref, const ChatId& chat, uint64_t seq, uint64_t inbox_seq) {
  if (inbox_seq != 0) {
    judge_wire(ref, chat, inbox_seq, device(ref).wire, device(ref).wire_cursor);
  } else {
    Stream& room = stream(ref, chat, true);
    judge_wire(ref, chat, seq, room.wire, room.wire_cursor);
  }
}

// A position that was jumped over and comes later is out of order; any other that is not above all
// before is a repetition.
void Oracle::judge_wire(DeviceRef ref, const ChatId& chat, uint64_t seq, SeqSet& wire,
                        uint64_t cursor) {
  const SeqSet::Added added = wire.add(seq);
  if (seq <= cursor || added == SeqSet::Added::repeated) {
    note(Finding::duplicate, place(ref, chat, seq) + ": on the wire");
  } else if (added == SeqSet::Added::late) {
    note(Finding::reordered, place(ref, chat, seq) + ": on the wire");
  }
}

// ---------------------------------------------------------------- the application

void Oracle::snapshot(DeviceRef ref, const std::vector<std::pair<ChatId, uint64_t>>& chats,
                      bool complete) {
  if (device(ref).started) return;
  device(ref).started = true;
  device(ref).snapshot_complete = complete;
  for (const auto& [chat, last_seq] : chats) stream(ref, chat, false).optional_to = last_seq;
}

void Oracle::room_told(DeviceRef ref, const ChatId& chat, uint64_t last_seq) {
  extras(stream(ref, chat, false)).skipped.add(SeqRange{1, last_seq});
}

void Oracle::room_started(DeviceRef ref, const ChatId& chat, uint64_t first_seq) {
  Stream& room = stream(ref, chat, true);
  if (room.start == 0) {
    room.start = first_seq;
  } else if (first_seq > room.start) {
    extras(room).absent.add(SeqRange{room.start, first_seq - 1});
  }
  room.ended = false;
}

void Oracle::room_jumped(DeviceRef ref, const ChatId& chat, uint64_t next_seq) {
  Stream& room = stream(ref, chat, true);
  if (room.start == 0) {
    room.start = next_seq;
    return;
  }
  const uint64_t from = room.app.empty() ? room.start : room.app.hull().last + 1;
  if (next_seq > from) extras(room).skipped.add(SeqRange{from, next_seq - 1});
}

void Oracle::room_ended(DeviceRef ref, const ChatId& chat) { stream(ref, chat, true).ended = true; }

void Oracle::delivered(DeviceRef ref, const ChatId& chat, uint64_t seq, uint64_t content,
                       bool by_room) {
  if (seq == 0) {
    note(Finding::phantom, place(ref, chat, seq) + ": no seq");
    return;
  }
  see(chat, seq, content);
  if (stream(ref, chat, by_room).app.add(seq) == SeqSet::Added::repeated) {
    note(Finding::duplicate, place(ref, chat, seq) + ": to the application");
  }
}

void Oracle::pruned(DeviceRef ref, const ChatId& chat, uint64_t seq, bool by_room) {
  extras(stream(ref, chat, by_room)).pruned.add(seq);
}

void Oracle::by_history(DeviceRef ref, const ChatId& chat, uint64_t seq, uint64_t content) {
  if (seq == 0) return;
  see(chat, seq, content);
  extras(stream(ref, chat, false)).history.add(seq);
  const auto room = streams_.find({ref.value * 2 + 1, chat_index(chat)});
  if (room != streams_.end()) extras(room->second).history.add(seq);
}

void Oracle::judge_latency(DeviceRef ref, const ChatId& chat, uint64_t seq, Duration latency) {
  if (latency > options_.late_after) {
    note(Finding::late, place(ref, chat, seq) + ": " + std::to_string(latency.ms()) + " ms");
  }
}

// Remembers what was seen at a seq without remembering who saw it.
void Oracle::see(const ChatId& chat_id, uint64_t seq, uint64_t content) {
  Chat& chat = chats_[chat_index(chat_id)];
  Seen* seen = nullptr;
  if (seq == 0 || seq > chat.seen.size() + kFar) {
    seen = &chat.seen_far[seq];
  } else {
    if (seq > chat.seen.size()) chat.seen.resize(seq);
    seen = &chat.seen[seq - 1];
  }
  if (content == kTombstone) {
    ++seen->tombstones;
    ++counts_.tombstones;
    return;
  }
  if (seen->same == 0) seen->content = content;
  ++(seen->content == content ? seen->same : seen->other);
}

// ---------------------------------------------------------------- the truth

void Oracle::truth_chat(const ChatId& chat_id, ChatKind kind) {
  Chat& chat = chats_[chat_index(chat_id)];
  chat.kind = kind;
  if (kind != ChatKind::direct) return;
  for (UserId user : chat_id.direct_users()) chat.members[user] = {{1, kStillMember}};
}

void Oracle::truth_event(const ChatId& chat_id, const TruthEvent& event) {
  const uint32_t index = chat_index(chat_id);
  Chat& chat = chats_[index];
  if (chat.log.empty()) chat.log_first = event.seq;
  chat.log.resize(event.seq - chat.log_first + 1);
  chat.log.back() = event.content;
  for (UserId user : event.joined) {
    std::vector<SeqRange>& intervals = chat.members[user];
    if (intervals.empty() || intervals.back().last != kStillMember) {
      intervals.push_back({event.seq, kStillMember});
    }
    chat.about[user].push_back(event.seq);
  }
  for (UserId user : event.left) {
    std::vector<SeqRange>& intervals = chat.members[user];
    if (!intervals.empty() && intervals.back().last == kStillMember) {
      intervals.back().last = event.seq;
      ++counts_.leaves;
    }
    chat.about[user].push_back(event.seq);
  }
  for (UserId user : event.banned) {
    std::vector<SeqRange>& intervals = chat.members[user];
    if (intervals.empty() || intervals.back().last != kStillMember) continue;
    intervals.back().last = event.seq;
    ++counts_.leaves;
    chat.about[user].push_back(event.seq);
  }
  chat.ended = chat.ended || event.concerns_all;
  for (const auto& [user, intervals] : chat.members) {
    if (!event.concerns_all) break;
    const bool stays = !intervals.empty() && intervals.back().last == kStillMember;
    if (stays) chat.about[user].push_back(event.seq);
  }
  if (!event.is_sent) return;
  const auto found = sends_by_content_.find(send_key(index, event.content));
  if (found == sends_by_content_.end()) return;
  SendRecord& record = sends_[found->second - 1];
  if (record.log_seq != 0) {
    note(Finding::duplicate,
         sim::place(chat_id, event.seq) + ": also at seq " + std::to_string(record.log_seq));
    if (record.acked_seq == event.seq) record.log_seq = event.seq;
  } else {
    record.log_seq = event.seq;
  }
}

// ---------------------------------------------------------------- judgement

OracleReport Oracle::finish() {
  find_buried_sends();
  judge_sends();
  judge_send_order();
  for (const Chat& chat : chats_) judge_contents(chat);
  for (const Chat& chat : chats_) add_expected_streams(chat);
  std::vector<StreamKey> keys;
  keys.reserve(streams_.size());
  for (const auto& [key, stream] : streams_) keys.push_back(key);
  std::sort(keys.begin(), keys.end());
  for (const StreamKey& key : keys) judge_stream(key, streams_[key]);
  return {counts_, std::move(examples_)};
}

// What was deleted cannot be recognised by its content any more: that a tombstone stands where it
// was acknowledged has to do.
void Oracle::find_buried_sends() {
  for (SendRecord& record : sends_) {
    const Chat& chat = chats_[record.chat];
    if (record.log_seq != 0 || record.acked_seq < chat.log_first ||
        record.acked_seq - chat.log_first >= chat.log.size()) {
      continue;
    }
    if (chat.log[record.acked_seq - chat.log_first] == kTombstone) {
      record.log_seq = record.acked_seq;
    }
  }
}

void Oracle::judge_sends() {
  for (const SendRecord& record : sends_) {
    const auto where = [&](uint64_t seq, const char* what) {
      return place(DeviceRef{record.device}, chats_[record.chat].id, seq) + what;
    };
    switch (record.outcome) {
      case SendRecord::Outcome::acked:
        if (record.log_seq == 0 && record.acked_seq == 0 && chats_[record.chat].ended) break;
        if (record.log_seq == 0) {
          note(Finding::lost, where(record.acked_seq, ": acknowledged, not in the log"));
        } else if (record.acked_seq != 0 && record.log_seq != record.acked_seq) {
          note(Finding::phantom, where(record.acked_seq, ": acknowledged, stored elsewhere"));
        }
        break;
      case SendRecord::Outcome::refused:
        if (record.log_seq != 0) {
          note(Finding::phantom, where(record.log_seq, ": refused for good, yet stored"));
        }
        break;
      case SendRecord::Outcome::none:
      case SendRecord::Outcome::maybe:
        break;
    }
  }
}

// Of two acknowledged messages of one device in one chat, the one whose last attempt came before
// the other's first has to stand before it in the log.
void Oracle::judge_send_order() {
  std::vector<const SendRecord*> by_first;
  for (const SendRecord& record : sends_) {
    const bool judged = judge_delayed_order_ || !record.delayed;
    if (record.outcome == SendRecord::Outcome::acked && record.log_seq != 0 && judged) {
      by_first.push_back(&record);
    }
  }
  const auto stream_of = [](const SendRecord* r) { return std::pair(r->device, r->chat); };
  std::sort(by_first.begin(), by_first.end(), [&](const SendRecord* a, const SendRecord* b) {
    return std::tuple(stream_of(a), a->first_attempt) < std::tuple(stream_of(b), b->first_attempt);
  });
  std::vector<const SendRecord*> by_last = by_first;
  std::sort(by_last.begin(), by_last.end(), [&](const SendRecord* a, const SendRecord* b) {
    return std::tuple(stream_of(a), a->last_attempt) < std::tuple(stream_of(b), b->last_attempt);
  });
  size_t before = 0;
  uint64_t highest = 0;
  for (size_t i = 0; i < by_first.size(); ++i) {
    const SendRecord* record = by_first[i];
    if (i == 0 || stream_of(by_first[i - 1]) != stream_of(record)) {
      before = i;
      highest = 0;
    }
    while (before < by_last.size() && stream_of(by_last[before]) == stream_of(record) &&
           by_last[before]->last_attempt < record->first_attempt) {
      highest = std::max(highest, by_last[before++]->log_seq);
    }
    if (record->log_seq < highest) {
      note(Finding::reordered,
           place(DeviceRef{record->device}, chats_[record->chat].id, record->log_seq) +
               ": stored before an earlier send");
    }
  }
}

// Where a seq was seen with other content than the log has. Beyond the log: judge_stream().
void Oracle::judge_contents(const Chat& chat) {
  const auto judge = [&](uint64_t seq, const Seen& seen) {
    if (seq < chat.log_first || seq - chat.log_first >= chat.log.size()) return;
    const uint64_t truth = chat.log[seq - chat.log_first];
    const bool buried = truth == kTombstone;
    const uint32_t wrong =
        (buried || seen.content == truth ? seen.other : seen.same) + (buried ? 0 : seen.tombstones);
    for (uint32_t i = 0; i < wrong; ++i) {
      note(Finding::phantom, sim::place(chat.id, seq) + ": content unlike the log's");
    }
  };
  for (size_t i = 0; i < chat.seen.size(); ++i) judge(i + 1, chat.seen[i]);
  for (const auto& [seq, seen] : chat.seen_far) judge(seq, seen);
}

// A device that never saw anything of a chat has no stream yet, and is owed all of it.
void Oracle::add_expected_streams(const Chat& chat) {
  if (devices_of_.empty()) {
    for (size_t i = 0; i < devices_.size(); ++i) {
      devices_of_[devices_[i].user].push_back(DeviceRef{i + 1});
    }
  }
  for (const auto& [user, intervals] : chat.members) {
    const auto found = devices_of_.find(user);
    if (found == devices_of_.end()) continue;
    for (DeviceRef ref : found->second) {
      if (device(ref).started) stream(ref, chat.id, false);
    }
  }
}

// The seqs of the log that one user gets by one way.
std::vector<SeqRange> Oracle::meant_for(const Chat& chat, UserId user, bool by_room) const {
  std::vector<SeqRange> ranges;
  if (chat.log.empty()) return ranges;
  const SeqRange log{chat.log_first, chat.log_first + chat.log.size() - 1};
  if (chat.kind == ChatKind::room && !by_room) {
    const auto found = chat.about.find(user);
    if (found == chat.about.end()) return ranges;
    for (uint64_t seq : found->second) ranges.push_back({seq, seq});
    return ranges;
  }
  const auto found = chat.members.find(user);
  if (found == chat.members.end()) return ranges;
  for (const SeqRange& interval : found->second) {
    if (const SeqRange part = intersection(interval, log); part.size() > 0) ranges.push_back(part);
  }
  return ranges;
}

void Oracle::judge_stream(const StreamKey& key, const Stream& stream) {
  const DeviceRef ref{key.device_and_way / 2};
  const bool by_room = key.device_and_way % 2 != 0;
  const Chat& chat = chats_[key.chat];
  SeqRange owed{1, kStillMember};
  if (by_room) {
    owed.first = std::max<uint64_t>(stream.start, 1);
    if (stream.start == 0) owed.last = 0;
    if (stream.ended) owed.last = stream.app.empty() ? 0 : stream.app.hull().last;
  } else if (!device(ref).started) {
    owed.last = 0;
  } else if (!device(ref).snapshot_complete && stream.optional_to == 0) {
    owed.first = stream.app.empty() ? kStillMember : stream.app.hull().first;
  } else if (stream.optional_to != 0) {
    owed.first = stream.optional_to + 1;
    if (!stream.app.empty()) owed.first = std::min(owed.first, stream.app.hull().first);
  }
  const std::vector<SeqRange> meant = meant_for(chat, device(ref).user, by_room);
  uint64_t rightly = 0;
  for (const SeqRange& range : meant) {
    rightly += stream.app.count(range);
    judge_range(ref, chat, stream, intersection(range, owed));
  }
  note_phantoms(ref, chat, stream.app, meant, rightly);
  if (by_room || !stream.extras || stream.extras->history.empty()) return;
  const uint64_t log_end = chat.log_first + chat.log.size();
  const SeqRange beyond{log_end, stream.extras->history.hull().last};
  for (uint64_t i = stream.extras->history.count(beyond); i > 0; --i) {
    note(Finding::phantom, place(ref, chat.id, beyond.last) + ": in a History answer only");
  }
}

void Oracle::judge_range(DeviceRef ref, const Chat& chat, const Stream& stream, SeqRange range) {
  if (range.size() == 0) return;
  counts_.expected_deliveries += range.size();
  counts_.delivered += stream.app.count(range);
  static const Extras kNone;
  const Extras& extra = stream.extras ? *stream.extras : kNone;
  for (const SeqRange& absent : stream.app.missing(range)) {
    for (uint64_t seq = absent.first; seq <= absent.last; ++seq) {
      if (extra.history.contains(seq)) {
        ++counts_.by_history;
      } else if (extra.pruned.contains(seq)) {
        ++counts_.pruned;
      } else if (extra.skipped.contains(seq)) {
        ++counts_.skipped;
      } else if (extra.absent.contains(seq)) {
        --counts_.expected_deliveries;
      } else {
        note(Finding::lost, place(ref, chat.id, seq));
      }
    }
  }
}

// What reached the application and is not in `meant`, of which `rightly` did.
void Oracle::note_phantoms(DeviceRef ref, const Chat& chat, const SeqSet& app,
                           const std::vector<SeqRange>& meant, uint64_t rightly) {
  if (app.empty()) return;
  uint64_t left = app.count(app.hull()) - rightly;
  for (uint64_t seq = app.hull().last; left > 0; --seq) {
    if (!app.contains(seq)) {
      // Jumps over the gap instead of walking it.
      seq = app.missing({1, seq}).back().first;
      continue;
    }
    const bool is_meant = std::any_of(meant.begin(), meant.end(), [&](const SeqRange& range) {
      return range.first <= seq && seq <= range.last;
    });
    if (is_meant) continue;
    note(Finding::phantom, place(ref, chat.id, seq) + ": not in the log, or not for this user");
    --left;
  }
}

}  // namespace chat::sim
