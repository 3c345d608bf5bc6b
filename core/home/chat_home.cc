#include "core/home/chat_home.h"

#include <algorithm>

#include "core/base/assert.h"
#include "core/home/chat_answers.h"
#include "core/home/chat_op.h"
#include "core/home/move_notice.h"
#include "core/home/operations.h"
#include "core/home/replies.h"
#include "core/policy/inbound_limits.h"
#include "core/wire/peer.pb.h"

namespace chat {
namespace {

constexpr Duration kSweepInterval = seconds(30);
constexpr Duration kSweepPause = milliseconds(10);
constexpr size_t kSweptAtOnce = 250;
constexpr Duration kScanRetry = seconds(1);

ShowRule rule_of(const Chat& chat) { return {chat.row.retention_ms, chat.row.expires_ms}; }

}  // namespace

ChatHome::ChatHome(EngineContext& context)
    : context_(context),
      chats_(context),
      fan_out_(context, chats_),
      marks_(context),
      delay_(context, chats_),
      writer_(context, chats_, fan_out_, marks_, delay_),
      typing_(context, chats_),
      upkeep_(context, chats_, writer_) {}

void ChatHome::start() {
  context_.arm(kSweepInterval, TimerKind::chat_sweep);
  upkeep_.start();
}

void ChatHome::on_request(EngineId from, peer::HomeRequest&& frame) {
  const auto id = ChatId::from_bytes(chat_id_of(frame));
  CHAT_ASSERT(id.has_value());
  auto request = std::make_shared<const peer::HomeRequest>(std::move(frame));
  ChatWaiter waiter;
  waiter.is_send = request->has_send();
  waiter.refuse = [this, from, request_id = request->request_id()] {
    reply(from, request_id, store_unavailable());
  };
  waiter.then = [this, from, request](Chat& chat) {
    switch (request->op_case()) {
      case peer::HomeRequest::kHistory:
        upkeep_.when_bounded(
            chat, [this, from, request](Chat& bounded) { history(bounded, from, *request); });
        break;
      case peer::HomeRequest::kRoomSync:
        room_sync(chat, from, request);
        break;
      case peer::HomeRequest::kGetChat:
        get_chat(chat, from, *request);
        break;
      case peer::HomeRequest::kGetReceipts:
        receipts(chat, from, *request);
        break;
      default:
        if (refuse_flood(chat, from, *request)) break;
        writer_.add(chat, op_of(request, {from, request->request_id()}));
        break;
    }
  };
  // A chat whose members are in memory can take sends while it is read again. They keep their
  // order: not past one that waits.
  Chat& chat = chats_.get(*id);
  const bool overtakes = std::any_of(chat.waiting.begin(), chat.waiting.end(),
                                     [](const ChatWaiter& earlier) { return earlier.is_send; });
  if (waiter.is_send && chat.exists && !overtakes) {
    waiter.then(chat);
  } else {
    chats_.when_loaded(*id, std::move(waiter));
  }
}

/// Whether more is written to the chat than its limit; then the asker has been told when to come
/// again.
bool ChatHome::refuse_flood(Chat& chat, EngineId from, const peer::HomeRequest& request) {
  const bool change = request.has_send() || request.has_edit() || request.has_delete_message() ||
                      request.has_react();
  if (request.exempt() || !change) return false;
  const TokenBucketOptions rate = send_bucket(context_.limits().sends_per_second_chat);
  if (!chat.sends) chat.sends.emplace(rate);
  chat.sends->set_options(rate);
  if (chat.sends->take(context_.now)) return false;
  ++context_.counters.rate_limited_chat;
  ++context_.counters.sends_refused;
  const Duration wait = chat.sends->retry_after(context_.now);
  v1::Response response;
  *response.mutable_error() = wire_error(v1::RATE_LIMITED, "too much is written to this chat",
                                         static_cast<uint32_t>(wait.ms()) + 1);
  reply(from, request.request_id(), std::move(response));
  return true;
}

uint64_t ChatHome::readable_through(const Chat& chat, UserId user) const {
  if (!chat.exists) return 0;
  if (!user) return chat.row.last_seq;
  const MemberRow* member = chat.member(user);
  return member ? std::min(member->left_seq, chat.row.last_seq) : 0;
}

void ChatHome::history(Chat& chat, EngineId from, const peer::HomeRequest& frame) {
  const uint64_t last = readable_through(chat, UserId{frame.user()});
  if (last == 0) {
    refuse_reading(chat, from, frame);
    return;
  }
  const v1::History& asked = frame.history();
  const EnginePolicy& policy = context_.policy();
  const bool forward = asked.forward() || asked.after_seq() > 0;
  const uint64_t oldest = upkeep_.first_shown(chat);
  HistoryRead read{
      .command = {.chat = chat.id}, .rule = rule_of(chat), .oldest = oldest, .last = last};
  ReadEvents& command = read.command;
  command.limit = asked.limit() == 0 ? 50 : std::min(asked.limit(), policy.history_events_max);
  command.bytes_max = policy.page_bytes_max;
  command.newest_first = !forward;
  command.from_seq = forward ? std::max(asked.after_seq() + 1, oldest) : oldest;
  command.to_seq = last;
  if (!forward && asked.before_seq() > 0) command.to_seq = std::min(last, asked.before_seq() - 1);
  if (forward && asked.after_seq() + 1 < oldest && asked.after_seq() > 0) {
    reply(from, frame.request_id(),
          error_response(v1::RANGE_PRUNED,
                         "the oldest kept event has seq " + std::to_string(oldest)));
    return;
  }
  ++context_.counters.history_pages;
  context_.store(command, [this, from, id = frame.request_id(), read](StoreResult& result) {
    answer_history(from, id, read, result);
  });
}

void ChatHome::answer_history(EngineId from, uint64_t request_id, const HistoryRead& read,
                              const StoreResult& result) {
  const auto* done = std::get_if<EventsRead>(&result);
  if (!done) {
    reply(from, request_id, error_response(v1::UNAVAILABLE, "the chat store does not answer"));
    return;
  }
  v1::Response response;
  v1::HistoryPage& page = *response.mutable_history_page();
  page.set_chat_id(read.command.chat.str());
  page.set_oldest_seq(read.oldest);
  page.set_last_seq(read.last);
  for (const EventRow& row : done->rows) {
    peer::StoredEvent stored;
    v1::Event event;
    if (!stored.ParseFromString(row.stored_event) || !event.ParseFromString(stored.event())) {
      continue;
    }
    if (may_show(read.rule, event, context_.wall)) {
      *page.add_events() = std::move(event);
    } else {
      ++context_.counters.events_withheld;
      page.set_oldest_seq(row.seq + 1);
    }
  }
  const auto& rows = done->rows;
  page.set_complete(rows.empty() ||
                    (read.command.newest_first ? rows.front().seq <= page.oldest_seq()
                                               : rows.back().seq >= read.command.to_seq));
  reply(from, request_id, std::move(response));
}

/// A position beyond the last seq tells that another home has written since this one read the chat.
void ChatHome::room_sync(Chat& chat, EngineId from,
                         std::shared_ptr<const peer::HomeRequest> request) {
  const auto page = [this, from, request](Chat& known) {
    upkeep_.when_bounded(
        known, [this, from, request](Chat& bounded) { room_page(bounded, from, *request); });
  };
  if (request->room_sync().from_seq() <= chat.row.last_seq + 1) {
    page(chat);
    return;
  }
  chats_.read_again(chat);
  chat.waiting.push_back({.then = page, .refuse = [this, from, id = request->request_id()] {
                            reply(from, id, store_unavailable());
                          }});
}

void ChatHome::room_page(Chat& chat, EngineId from, const peer::HomeRequest& frame) {
  const v1::Sync& sync = frame.room_sync();
  if (!chat.exists || chat.row.kind != ChatKind::room || !chat.is_active(UserId{frame.user()})) {
    reply(from, frame.request_id(),
          error_response(v1::PERMISSION_DENIED, "you are no member of this room"));
    return;
  }
  const uint64_t last = chat.row.last_seq;
  uint64_t cursor = sync.from_seq();
  const bool jump =
      cursor == 0 || cursor > last + 1 || last + 1 - cursor > context_.policy().reset_gap;
  // What happened between two stays of a member is not for it.
  if (!jump) cursor = std::max(cursor, chat.member(UserId{frame.user()})->joined_seq);
  if (jump || cursor == last + 1) {
    v1::SyncPage page;
    page.set_chat_id(chat.id.str());
    page.set_reset(jump && cursor != 0);
    page.set_next(last + 1);
    page.set_done(true);
    fan_out_.subscribe(chat, from);
    reply_page(from, frame.request_id(), std::move(page));
    return;
  }
  read_room_page(chat, from, frame, cursor);
}

void ChatHome::read_room_page(Chat& chat, EngineId from, const peer::HomeRequest& frame,
                              uint64_t cursor) {
  const uint32_t asked = frame.room_sync().limit();
  const EnginePolicy& policy = context_.policy();
  RoomRead read{.command = {.chat = chat.id, .from_seq = cursor, .to_seq = chat.row.last_seq},
                .rule = rule_of(chat),
                .first_shown = upkeep_.first_shown(chat),
                .user = UserId{frame.user()}};
  read.command.limit =
      asked == 0 ? policy.sync_events_max : std::min(asked, policy.sync_events_max);
  read.command.bytes_max = policy.page_bytes_max;
  context_.store(read.command, [this, from, id = frame.request_id(), number = chat.number,
                                read](StoreResult& result) {
    v1::SyncPage page;
    fill_room_page(read, result, page);
    // The page that reaches head and the subscription are one step: what is stored later is pushed
    // after it.
    Chat* reading = chats_.find(number);
    if (reading && reading->state == Chat::State::ready &&
        page.next() == reading->row.last_seq + 1) {
      page.set_done(true);
      fan_out_.subscribe(*reading, from);
    }
    reply_page(from, id, std::move(page));
  });
}

/// Every seq of the page has its entry; what is pruned or too old is told as pruned.
void ChatHome::fill_room_page(const RoomRead& read, const StoreResult& result,
                              v1::SyncPage& page) const {
  page.set_chat_id(read.command.chat.str());
  uint64_t next = read.command.from_seq;
  const auto add_pruned = [&](uint64_t end) {
    for (; next < end && page.entries_size() < static_cast<int>(read.command.limit); ++next) {
      page.add_entries()->mutable_pruned()->set_chat_id(page.chat_id());
      page.mutable_entries()->rbegin()->mutable_pruned()->set_seq(next);
    }
  };
  const auto* done = std::get_if<EventsRead>(&result);
  for (const EventRow& row : done ? done->rows : std::vector<EventRow>{}) {
    add_pruned(row.seq);
    if (next != row.seq || page.entries_size() == static_cast<int>(read.command.limit)) break;
    peer::StoredEvent stored;
    v1::Event event;
    const bool decodes =
        stored.ParseFromString(row.stored_event) && event.ParseFromString(stored.event());
    if (!decodes || !may_show(read.rule, event, context_.wall)) {
      ++context_.counters.events_withheld;
      add_pruned(row.seq + 1);
      continue;
    }
    v1::SyncEntry& entry = *page.add_entries();
    *entry.mutable_event() = std::move(event);
    if (UserId{stored.author()} == read.user) entry.set_client_msg_id(stored.client_msg_id());
    next = row.seq + 1;
  }
  if (done && done->rows.empty()) add_pruned(read.first_shown);
  page.set_next(next);
}

void ChatHome::get_chat(Chat& chat, EngineId from, const peer::HomeRequest& frame) {
  if (readable_through(chat, UserId{frame.user()}) == 0) {
    refuse_reading(chat, from, frame);
    return;
  }
  v1::Response response;
  fill_chat_info(chat, *response.mutable_chat(), true);
  reply(from, frame.request_id(), std::move(response));
}

/// The author of the message does not count, so its event is read first.
void ChatHome::receipts(Chat& chat, EngineId from, const peer::HomeRequest& frame) {
  const UserId user{frame.user()};
  if (!chat.exists || (user && !chat.is_active(user))) {
    refuse_reading(chat, from, frame);
    return;
  }
  const uint64_t asked = frame.get_receipts().seq();
  const uint64_t seq = asked == 0 ? chat.row.last_seq : asked;
  const auto refuse = [this, from, id = frame.request_id()](v1::ErrorCode code, const char* why) {
    reply(from, id, error_response(code, why));
  };
  if (seq > chat.row.last_seq) return refuse(v1::INVALID_ARGUMENT, "the chat has no such seq yet");
  if (seq < chat.row.oldest_seq) return refuse(v1::RANGE_PRUNED, "the message is gone");
  const ReadEvents command{.chat = chat.id, .from_seq = seq, .to_seq = seq, .limit = 1};
  context_.store(command, [this, from, refuse, seq, id = frame.request_id(),
                           number = chat.number](StoreResult& result) {
    const auto* read = std::get_if<EventsRead>(&result);
    const Chat* known = chats_.find(number);
    if (!read || !known) return refuse(v1::UNAVAILABLE, "the chat store does not answer");
    peer::StoredEvent stored;
    if (read->rows.empty() || !stored.ParseFromString(read->rows.front().stored_event)) {
      return refuse(v1::RANGE_PRUNED, "the message is gone");
    }
    v1::Response response;
    marks_.summarize(*known, seq, UserId{stored.author()}, *response.mutable_receipt_summary());
    reply(from, id, std::move(response));
  });
}

// Only the operator learns that a chat does not exist.
void ChatHome::refuse_reading(const Chat& chat, EngineId from, const peer::HomeRequest& frame) {
  const bool unknown = !chat.exists && frame.user() == 0;
  reply(from, frame.request_id(),
        unknown ? error_response(v1::NOT_FOUND, "there is no such chat")
                : error_response(v1::PERMISSION_DENIED, "you are no member of this chat"));
}

void ChatHome::reply(EngineId to, uint64_t request_id, v1::Response&& response) {
  peer::Frame frame;
  frame.mutable_reply()->set_request_id(request_id);
  *frame.mutable_reply()->mutable_response() = std::move(response);
  context_.post(to, std::move(frame));
}

void ChatHome::reply_page(EngineId to, uint64_t request_id, v1::SyncPage&& page) {
  peer::Frame frame;
  frame.mutable_reply()->set_request_id(request_id);
  *frame.mutable_reply()->mutable_room_page() = std::move(page);
  context_.post(to, std::move(frame));
}

void ChatHome::on_marks_update(EngineId from, const peer::MarksUpdate& frame) {
  const auto id = ChatId::from_bytes(frame.chat_id());
  if (!id) return;
  const auto raise = [this, from, frame](Chat& chat) {
    marks_.raise(chat, from, frame, [this](Chat& raised) { writer_.arm_flush(raised); });
  };
  const auto look = [this, frame, raise](Chat& chat) {
    if (std::max(frame.delivered_seq(), frame.read_seq()) <= chat.row.last_seq) {
      raise(chat);
      return;
    }
    // A mark beyond the last seq: another home has written since this one read the chat.
    chats_.read_again(chat);
    chat.waiting.push_back({.then = raise, .refuse = {}});
  };
  chats_.when_loaded(*id, {.then = look, .refuse = {}});
}

void ChatHome::on_delay_forward(EngineId from, const peer::DelayForward& frame) {
  delay_.on_forward(from, frame);
  const auto id = ChatId::from_bytes(frame.chat_id());
  if (Chat* chat = id ? chats_.find(*id) : nullptr) writer_.pump(*chat);
}

// ---------------------------------------------------------------- changes around it

void ChatHome::on_touched(const peer::Touched& frame) {
  for (const std::string& bytes : frame.chat_ids()) {
    const auto id = ChatId::from_bytes(bytes);
    if (Chat* chat = id ? chats_.in_memory(*id) : nullptr) chats_.read_again(*chat);
  }
  for (const std::string& bytes : frame.unfinished_chat_ids()) {
    if (const auto id = ChatId::from_bytes(bytes)) read_again(*id);
  }
}

void ChatHome::read_again(const ChatId& id) {
  if (Chat* chat = chats_.in_memory(id)) {
    chats_.read_again(*chat);
  } else {
    chats_.get(id);
  }
}

void ChatHome::on_ring_changed() {
  MoveNotice notice(context_);
  for (size_t i = chats_.size(); i-- > 0;) {
    Chat& chat = chats_.at(i);
    const ChatTable::Ownership ownership = chats_.follow_ring(chat);
    // What was written here at last may be newer than what the new home has read.
    if (ownership == ChatTable::Ownership::lost) notice.add(chat.id, chat.unfinished());
    if (ownership == ChatTable::Ownership::won) chats_.read_again(chat);
    if (chat.state == Chat::State::ready) {
      fan_out_.reroute(chat, std::nullopt);
      marks_.tell_again(chat);
    }
    if (!chat.owned) leave(chat);
  }
  delay_.forward();
  scan_pending();
}

/// The new home fans out what is missing, and session homes subscribe there. Marks are stored here
/// still: their user homes may have known the new ring before and sent them for the last time.
void ChatHome::leave(Chat& chat) {
  chat.subscribers.clear();
  const bool done = chat.state == Chat::State::ready && !chat.appending && !chat.preparing &&
                    chat.queue.empty() && chat.dirty_marks.empty() && chat.receipts_due.empty();
  if (!done) return;
  ++context_.counters.home_moves;
  chats_.forget(ChatId(chat.id));
}

void ChatHome::scan_pending() {
  if (context_.ring.empty()) return;
  context_.store(ScanPending{}, [this](StoreResult& result) {
    const auto* scanned = std::get_if<PendingScanned>(&result);
    if (!scanned) {
      context_.arm(kScanRetry, TimerKind::chat_sweep, 1);
      return;
    }
    // One in memory as well: a home that died may have stored what it could tell nobody.
    for (const ChatId& id : scanned->chats) {
      if (context_.owns(id)) read_again(id);
    }
  });
}

void ChatHome::on_peer_lost(EngineId peer) {
  delay_.forward(peer);
  MoveNotice notice(context_);
  for (size_t i = 0; i < chats_.size(); ++i) {
    Chat& chat = chats_.at(i);
    chat.subscribers.erase(peer);
    if (chat.state == Chat::State::ready) {
      fan_out_.reroute(chat, peer);
      marks_.tell_again(chat);
    }
    // What told it of the last write may be lost with the link.
    if (!chat.owned && context_.home_of(chat.id) == peer) {
      notice.add(chat.id, chat.unfinished());
    }
  }
}

void ChatHome::on_timer(TimerKind kind, uint64_t number) {
  if (kind == TimerKind::chat_sweep) {
    if (number == 0) {
      sweep();
    } else {
      scan_pending();
    }
    return;
  }
  if (kind == TimerKind::chat_agenda) {
    upkeep_.on_agenda_timer();
    return;
  }
  Chat* chat = chats_.find(number);
  if (!chat) return;
  if (kind == TimerKind::chat_reload) {
    chats_.on_reload_timer(number);
  } else if (kind == TimerKind::chat_delay) {
    delay_.on_timer(*chat);
  } else if (kind == TimerKind::chat_flush) {
    writer_.on_flush_timer(*chat);
  } else {
    marks_.on_receipts_timer(*chat);
  }
}

void ChatHome::end_turn() {
  delay_.end_turn();
  context_.counters.chats_loaded = chats_.size();
}

/// Looks at some chats now and at the next ones after a pause, for there may be very many.
void ChatHome::sweep() {
  const Duration idle = context_.policy().idle_eviction;
  if (sweep_left_ == 0) sweep_left_ = chats_.size();
  sweep_left_ = std::min(sweep_left_, chats_.size());
  for (size_t i = 0; i < kSweptAtOnce && sweep_left_ > 0; ++i) {
    const Chat& chat = chats_.at(--sweep_left_);
    if (!chat.busy() && context_.now - chat.last_used > idle) chats_.forget(ChatId(chat.id));
  }
  context_.arm(sweep_left_ > 0 ? kSweepPause : kSweepInterval, TimerKind::chat_sweep);
}

}  // namespace chat
