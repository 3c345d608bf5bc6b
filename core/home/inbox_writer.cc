#include "core/home/inbox_writer.h"

#include <algorithm>

#include "core/base/assert.h"
#include "core/home/delivery_marks.h"
#include "core/home/move_notice.h"
#include "core/wire/peer.pb.h"

namespace chat {
namespace {

constexpr size_t kEntriesPerUserWrite = 512;
constexpr size_t kUsersPerWrite = 2'000;
constexpr size_t kPushBytes = 48 * 1024;
constexpr size_t kPushToBytes = 64;  // A receiver of a push, or what an event has beside its body.
constexpr Duration kRetryDelay = milliseconds(100);

bool concerns(const peer::StoredEvent& event, UserId user) {
  const auto has = [&](const auto& list) {
    return std::find(list.begin(), list.end(), user.value) != list.end();
  };
  return has(event.joined()) || has(event.left());
}

}  // namespace

/// An InboxPush being filled for one session home.
struct InboxWriter::Pushes {
  peer::InboxPush frame;
  std::unordered_map<const peer::StoredEvent*, uint32_t> index_of;
  std::vector<std::shared_ptr<const peer::StoredEvent>>
      kept;  // Their addresses are the keys above.
  size_t bytes = 0;

  uint32_t index_of_event(const std::shared_ptr<const peer::StoredEvent>& event) {
    const auto [at, is_new] =
        index_of.try_emplace(event.get(), static_cast<uint32_t>(frame.events_size()));
    if (is_new) {
      *frame.add_events() = *event;
      kept.push_back(event);
      bytes += event->event().size() + kPushToBytes;
    }
    return at->second;
  }
};

InboxWriter::InboxWriter(EngineContext& context, UserTable& users, DeliveryMarks& marks)
    : context_(context), users_(users), marks_(marks) {}
InboxWriter::~InboxWriter() = default;

void InboxWriter::on_inbox_append(EngineId from, peer::InboxAppend& frame) {
  const auto chat = ChatId::from_bytes(frame.chat_id());
  CHAT_ASSERT(chat.has_value());
  auto fan_out = std::make_shared<FanOut>();
  fan_out->chat_home = from;
  fan_out->chat = *chat;
  fan_out->ticket = frame.ticket();
  fan_out->room = frame.room();
  fan_out->users_left = static_cast<size_t>(frame.users_size());
  for (auto& event : *frame.mutable_events()) {
    fan_out->events.push_back(std::make_shared<peer::StoredEvent>(std::move(event)));
  }
  for (uint64_t id : frame.users()) {
    User& user = users_.get(UserId{id});
    user.jobs.push_back(InboxJob{.fan_out = fan_out, .chat = {}, .asker = {}});
    mark_dirty(user);
  }
}

void InboxWriter::add_read_marker(User& user, const ChatId& chat, uint64_t up_to, EngineId asker,
                                  uint64_t request_id) {
  user.jobs.push_back(InboxJob{.fan_out = nullptr,
                               .chat = chat,
                               .read_up_to = up_to,
                               .asker = asker,
                               .request_id = request_id});
  mark_dirty(user);
}

void InboxWriter::mark_dirty(User& user) {
  if (std::exchange(user.dirty, true)) return;
  dirty_.push_back(user.id);
}

void InboxWriter::end_turn() {
  while (!writing_ && !dirty_.empty()) {
    const size_t before = dirty_.size();
    start_write();
    if (!writing_ && dirty_.size() == before) break;  // All of them are being loaded.
  }
  flush_pushes();
}

void InboxWriter::start_write() {
  AppendInboxes command;
  std::vector<UserId> later;
  for (UserId id : std::exchange(dirty_, {})) {
    User* user = users_.find(id);
    if (!user || command.writes.size() >= kUsersPerWrite) {
      later.push_back(id);
      continue;
    }
    Staged staged;
    InboxWrite write = stage(*user, staged);
    user->dirty = !user->jobs.empty();
    if (user->dirty) later.push_back(id);
    if (write.rows.empty() && write.authored.empty()) {
      for (InboxJob& job : staged.jobs) finish(*user, job);
      continue;
    }
    user->writing = true;
    context_.counters.inbox_rows += write.rows.size();
    command.writes.push_back(std::move(write));
    in_flight_.push_back(std::move(staged));
  }
  dirty_.insert(dirty_.begin(), later.begin(), later.end());
  if (command.writes.empty()) return;
  writing_ = true;
  ++context_.counters.inbox_batches;
  context_.counters.inbox_writes += command.writes.size();
  context_.store(std::move(command), [this](StoreResult& result) { write_done(result); });
}

InboxWrite InboxWriter::stage(User& user, Staged& staged) {
  InboxWrite write;
  write.user = staged.user = user.id;
  write.expected_head = write.new_head = user.head;
  std::map<ChatId, UserChatRow> changed;
  const auto view = [&](const ChatId& chat) -> UserChatRow& {
    auto [at, is_new] = changed.try_emplace(chat, UserChatRow{.chat = chat});
    if (is_new) {
      if (auto known = user.chats.find(chat); known != user.chats.end()) at->second = known->second;
    }
    return at->second;
  };
  while (!user.jobs.empty() && staged.entries.size() < kEntriesPerUserWrite) {
    InboxJob job = std::move(user.jobs.front());
    user.jobs.pop_front();
    if (job.fan_out) {
      view(job.fan_out->chat);
      stage_events(*job.fan_out, user.id, staged, write, changed);
    } else if (UserChatRow& row = view(job.chat); job.read_up_to > row.read_seq) {
      row.read_seq = job.read_up_to;
      ++write.new_head;
      write.rows.push_back({.kind = InboxRow::Kind::read_marker,
                            .first_inbox_seq = write.new_head,
                            .chat = job.chat,
                            .first_seq = job.read_up_to,
                            .count = 1});
      staged.entries.push_back({write.new_head, nullptr, job.chat, job.read_up_to});
    }
    staged.jobs.push_back(std::move(job));
  }
  for (const auto& [chat, row] : changed) write.chats.push_back(row);
  staged.chats = write.chats;
  staged.new_head = write.new_head;
  return write;
}

void InboxWriter::stage_events(const FanOut& fan_out, UserId user, Staged& staged,
                               InboxWrite& write, std::map<ChatId, UserChatRow>& chats) {
  UserChatRow& row = chats.at(fan_out.chat);
  for (const auto& event : fan_out.events) {
    const bool own = event->author() == user.value;
    if (fan_out.room) {
      // An author row is written again by a re-drive, which changes nothing.
      if (own) write.authored.emplace_back(fan_out.chat, event->seq());
      if (!event->everyone() && !concerns(*event, user)) continue;
    }
    if (event->seq() <= row.last_ref_seq) continue;
    if (own && !fan_out.room) write.authored.emplace_back(fan_out.chat, event->seq());
    row.last_ref_seq = event->seq();
    ++write.new_head;
    const bool extends = !write.rows.empty() && write.rows.back().kind == InboxRow::Kind::run &&
                         write.rows.back().chat == fan_out.chat &&
                         write.rows.back().first_seq + write.rows.back().count == event->seq();
    if (extends) {
      ++write.rows.back().count;
    } else {
      write.rows.push_back({.kind = InboxRow::Kind::run,
                            .first_inbox_seq = write.new_head,
                            .chat = fan_out.chat,
                            .first_seq = event->seq(),
                            .count = 1});
    }
    staged.entries.push_back({write.new_head, event, fan_out.chat, 0});
  }
}

void InboxWriter::write_done(StoreResult& result) {
  writing_ = false;
  std::vector<Staged> written = std::exchange(in_flight_, {});
  const auto* done = std::get_if<AppendInboxesResult>(&result);
  for (size_t i = 0; i < written.size(); ++i) {
    Staged& staged = written[i];
    User& user = users_.get(staged.user);
    user.writing = false;
    const WriteOutcome outcome = done ? done->results[i].outcome : WriteOutcome::unknown;
    if (outcome == WriteOutcome::stored) {
      user_stored(user, staged);
      if (user.read_again) users_.reload(user);
      users_.run_waiting(user);
      continue;
    }
    ++(outcome == WriteOutcome::conflict ? context_.counters.inbox_conflicts
                                         : context_.counters.inbox_unknown);
    user_failed(user, staged, done ? Duration{} : kRetryDelay);
  }
}

void InboxWriter::user_stored(User& user, Staged& staged) {
  user.head = staged.new_head;
  for (const UserChatRow& row : staged.chats) user.chats[row.chat] = row;
  for (const Entry& entry : staged.entries) {
    if (entry.event) {
      marks_.note_entry(user, entry.inbox_seq, entry.chat, entry.event->seq(),
                        entry.event->author() == user.id.value);
    }
  }
  push_entries(user, staged.entries);
  for (InboxJob& job : staged.jobs) finish(user, job);
  if (!user.owned) MoveNotice(context_).add(user.id);
}

void InboxWriter::user_failed(User& user, Staged& staged, Duration delay) {
  for (auto job = staged.jobs.rbegin(); job != staged.jobs.rend(); ++job) {
    user.jobs.push_front(std::move(*job));
  }
  users_.reload(user, delay);
  mark_dirty(user);
}

void InboxWriter::finish(User& user, InboxJob& job) {
  if (job.fan_out) {
    if (--job.fan_out->users_left > 0) return;
    peer::Frame frame;
    frame.mutable_inbox_stored()->set_chat_id(job.fan_out->chat.str());
    frame.mutable_inbox_stored()->set_ticket(job.fan_out->ticket);
    context_.post(job.fan_out->chat_home, std::move(frame));
    return;
  }
  const uint64_t read_seq = user.chats[job.chat].read_seq;
  marks_.raise(user, job.chat, {.read_seq = read_seq});
  peer::Frame frame;
  frame.mutable_reply()->set_request_id(job.request_id);
  v1::Receipt& receipt = *frame.mutable_reply()->mutable_response()->mutable_receipt();
  receipt.set_chat_id(job.chat.str());
  receipt.set_user_id(user.id.value);
  receipt.set_delivered_seq(read_seq);
  receipt.set_read_seq(read_seq);
  context_.post(job.asker, std::move(frame));
}

void InboxWriter::push_entries(const User& user, const std::vector<Entry>& entries) {
  std::vector<EngineId> engines;
  for (const Device& device : user.devices) {
    if (device.attached &&
        std::find(engines.begin(), engines.end(), device.engine) == engines.end()) {
      engines.push_back(device.engine);
    }
  }
  for (EngineId engine : engines) {
    for (const Entry& entry : entries) push_entry(engine, user.id, entry);
  }
}

void InboxWriter::push_entry(EngineId engine, UserId user, const Entry& entry) {
  auto& slot = pushes_[engine];
  if (slot && slot->bytes > kPushBytes) post_push(engine, std::exchange(slot, nullptr));
  if (!slot) slot = std::make_unique<Pushes>();
  auto& to = *slot->frame.mutable_to();
  uint32_t index = 0;
  if (entry.event) {
    index = slot->index_of_event(entry.event);
    if (!to.empty() && to.rbegin()->user() == user.value && to.rbegin()->count() > 0 &&
        to.rbegin()->first_inbox_seq() + to.rbegin()->count() == entry.inbox_seq &&
        to.rbegin()->event_index() + to.rbegin()->count() == index) {
      to.rbegin()->set_count(to.rbegin()->count() + 1);
      return;
    }
  }
  slot->bytes += kPushToBytes;
  peer::PushTo& target = *to.Add();
  target.set_user(user.value);
  target.set_first_inbox_seq(entry.inbox_seq);
  if (entry.event) {
    target.set_event_index(index);
    target.set_count(1);
  } else {
    target.mutable_own_read()->set_chat_id(entry.chat.str());
    target.mutable_own_read()->set_user_id(user.value);
    target.mutable_own_read()->set_read_seq(entry.read_up_to);
  }
}

void InboxWriter::post_push(EngineId engine, std::unique_ptr<Pushes> pushes) {
  peer::Frame frame;
  *frame.mutable_inbox_push() = std::move(pushes->frame);
  context_.post(engine, std::move(frame));
}

void InboxWriter::flush_pushes() {
  for (auto& [engine, pushes] : std::exchange(pushes_, {})) post_push(engine, std::move(pushes));
}

}  // namespace chat
