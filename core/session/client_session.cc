#include "core/session/client_session.h"

#include <google/protobuf/arena.h>

#include <algorithm>
#include <array>

#include "core/wire/chat.pb.h"
#include "core/wire/frame_codec.h"

namespace chat {
namespace {

constexpr uint32_t kSyncEvents = 500;
constexpr Duration kRetryDelay = seconds(1);
constexpr Duration kNoProgressDelay = milliseconds(100);
constexpr size_t kMessageBytes = 32 * 1024;  ///< Frames are joined up to this.
constexpr char kFrameTag = 0x0a;             ///< ClientBatch.frames, length-delimited.

void append_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
}

// The size of the frame, tag and length included, with which `bytes` begins.
size_t first_frame_bytes(std::string_view bytes) {
  uint64_t length = 0;
  size_t at = 1;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes[at++]);
    length |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return at + length;
  }
}

// The id and seq that an entry of a log is about; seq 0 for a read marker.
std::optional<std::pair<ChatId, uint64_t>> place_of(const v1::SyncEntry& entry) {
  std::optional<ChatId> chat;
  uint64_t seq = 0;
  switch (entry.entry_case()) {
    case v1::SyncEntry::kEvent:
      chat = ChatId::from_bytes(entry.event().chat_id());
      seq = entry.event().seq();
      break;
    case v1::SyncEntry::kPruned:
      chat = ChatId::from_bytes(entry.pruned().chat_id());
      seq = entry.pruned().seq();
      break;
    case v1::SyncEntry::kReceipt:
      chat = ChatId::from_bytes(entry.receipt().chat_id());
      break;
    case v1::SyncEntry::ENTRY_NOT_SET:
      chat = ChatId();
      break;
  }
  if (!chat) return std::nullopt;
  return std::pair(*chat, seq);
}

Error broken(const char* text) { return make_error(ErrorCode::corrupt, text); }

}  // namespace

/// What one call of receive() carries along.
struct ClientSession::Incoming {
  Instant now;
  ClientObserver& observer;
  Random& random;
  google::protobuf::Arena& arena;
};

void ClientSession::connected(Instant now, const ClientHello& hello) {
  state_ = State::greeted;
  out_.clear();
  heartbeat_at_ = ack_at_ = retry_at_ = welcomed_at_ = kNever;
  unacked_ = 0;
  heartbeats_ = 0;
  inbox_sync_id_ = 0;
  inbox_ack_due_ = inbox_sync_due_ = reset_wanted_ = go_away_ = false;
  v1::ClientFrame frame = new_frame();
  v1::Hello& body = *frame.mutable_hello();
  body.set_token(std::string(hello.token));
  body.set_device_id(std::string(hello.device_id));
  body.mutable_client()->set_name(options_->client_name);
  body.mutable_want()->set_receipts(options_->want_receipts);
  if (options_->want_receipts) body.mutable_want()->set_receipts_since_ms(receipts_since_ms_);
  body.mutable_want()->set_typing(options_->want_typing);
  body.mutable_want()->set_presence(options_->want_presence);
  if (has_cursor_) {
    body.mutable_resume()->set_epoch(epoch_);
    body.mutable_resume()->set_inbox_seq(inbox_seq_);
  }
  for (Room& room : rooms_) {
    room.sync_id = 0;
    room.live = room.ack_due = room.sync_due = false;
    if (!has_cursor_ || room.from_head) continue;
    v1::RoomCursor& cursor = *body.mutable_resume()->add_rooms();
    cursor.set_chat_id(room.chat.str());
    cursor.set_seq(room.seq);
  }
  queue(now, frame);
}

std::optional<Duration> ClientSession::closed(Instant now, CloseCode code, Random& random) {
  const bool stable = welcomed_at_ != kNever && now - welcomed_at_ >= options_->backoff_reset_after;
  state_ = State::closed;
  out_.clear();
  heartbeat_at_ = ack_at_ = retry_at_ = welcomed_at_ = kNever;
  const auto number = static_cast<int>(code);
  if (code == CloseCode::normal || number / 100 == 41) return std::nullopt;
  if (stable) failures_ = 0;
  int64_t bound_ns = options_->backoff_base.ns;
  for (int i = 0; i < failures_ && bound_ns < options_->backoff_cap.ns; ++i) bound_ns *= 2;
  bound_ns = std::min(bound_ns, options_->backoff_cap.ns);
  if (failures_ < 255) ++failures_;
  const Duration announced = milliseconds(reconnect_ms_);
  reconnect_ms_ = 0;
  if (go_away_) return announced + Duration{random.between(0, bound_ns)};
  return Duration{random.between(0, std::max(bound_ns, announced.ns))};
}

Instant ClientSession::next_wake() const { return std::min({heartbeat_at_, ack_at_, retry_at_}); }

void ClientSession::wake(Instant now) {
  if (retry_at_ <= now) {
    retry_at_ = kNever;
    if (inbox_sync_due_) queue_inbox_sync(now);
    for (Room& room : rooms_) {
      if (room.sync_due) queue_room_sync(now, room);
    }
  }
  if (ack_at_ <= now) queue_ack(now);
  if (heartbeat_at_ <= now) queue_heartbeat(now);
}

bool ClientSession::take_output(std::string& out) {
  if (out_.empty()) return false;
  std::string_view rest = out_;
  size_t taken = 0;
  for (int frames = 0; frames < wire::kFramesPerMessageMax && !rest.empty(); ++frames) {
    const size_t bytes = first_frame_bytes(rest);
    if (taken > 0 && taken + bytes > kMessageBytes) break;
    taken += bytes;
    rest.remove_prefix(bytes);
  }
  std::string remaining(rest);
  out_.resize(taken);
  out = std::move(out_);
  out_ = std::move(remaining);
  if (options_->encoding == Encoding::json) {
    v1::ClientBatch batch;
    batch.ParseFromString(out);
    out = wire::encode_client_batch(Encoding::json, batch);
  }
  return true;
}

// ---------------------------------------------------------------- what goes out

v1::ClientFrame ClientSession::new_frame() {
  v1::ClientFrame frame;
  frame.set_id(next_id_);
  if (++next_id_ == 0) next_id_ = 1;
  return frame;
}

// Any frame is a sign of life: the heartbeat waits for a whole interval of silence.
void ClientSession::queue(Instant now, const v1::ClientFrame& frame) {
  out_.push_back(kFrameTag);
  append_varint(out_, frame.ByteSizeLong());
  frame.AppendToString(&out_);
  if (heartbeat_at_ != kNever) heartbeat_at_ = now + milliseconds(heartbeat_interval_ms_);
}

uint32_t ClientSession::send(Instant now, v1::Send send) {
  v1::ClientFrame frame = new_frame();
  frame.mutable_send()->Swap(&send);
  queue(now, frame);
  return frame.id();
}

uint32_t ClientSession::edit(Instant now, v1::Edit edit) {
  v1::ClientFrame frame = new_frame();
  frame.mutable_edit()->Swap(&edit);
  queue(now, frame);
  return frame.id();
}

uint32_t ClientSession::remove(Instant now, v1::Delete deletion) {
  v1::ClientFrame frame = new_frame();
  frame.mutable_delete_message()->Swap(&deletion);
  queue(now, frame);
  return frame.id();
}

uint32_t ClientSession::react(Instant now, v1::React reaction) {
  v1::ClientFrame frame = new_frame();
  frame.mutable_react()->Swap(&reaction);
  queue(now, frame);
  return frame.id();
}

uint32_t ClientSession::read(Instant now, const ChatId& chat, uint64_t up_to_seq) {
  v1::ClientFrame frame = new_frame();
  frame.mutable_read()->set_chat_id(chat.str());
  frame.mutable_read()->set_up_to_seq(up_to_seq);
  queue(now, frame);
  return frame.id();
}

uint32_t ClientSession::history(Instant now, v1::History request) {
  v1::ClientFrame frame = new_frame();
  frame.mutable_history()->Swap(&request);
  queue(now, frame);
  return frame.id();
}

uint32_t ClientSession::watch_presence(Instant now, const std::vector<UserId>& users) {
  v1::ClientFrame frame = new_frame();
  for (UserId user : users) frame.mutable_presence_watch()->add_user_ids(user.value);
  queue(now, frame);
  return frame.id();
}

void ClientSession::typing(Instant now, const ChatId& chat) {
  v1::ClientFrame frame;
  frame.mutable_typing()->set_chat_id(chat.str());
  queue(now, frame);
}

uint32_t ClientSession::refresh_token(Instant now, std::string_view token) {
  v1::ClientFrame frame = new_frame();
  frame.mutable_refresh_token()->set_token(std::string(token));
  queue(now, frame);
  return frame.id();
}

void ClientSession::queue_inbox_sync(Instant now) {
  v1::ClientFrame frame = new_frame();
  frame.mutable_sync()->set_from_inbox_seq(reset_wanted_ ? 0 : inbox_seq_ + 1);
  frame.mutable_sync()->set_limit(kSyncEvents);
  state_ = State::syncing;
  inbox_sync_id_ = frame.id();
  inbox_sync_due_ = false;
  queue(now, frame);
}

void ClientSession::queue_room_sync(Instant now, Room& room) {
  v1::ClientFrame frame = new_frame();
  frame.mutable_sync()->set_chat_id(room.chat.str());
  frame.mutable_sync()->set_from_seq(room.from_head ? 0 : room.seq + 1);
  frame.mutable_sync()->set_limit(kSyncEvents);
  room.live = false;
  room.sync_id = frame.id();
  room.sync_due = false;
  queue(now, frame);
}

void ClientSession::queue_ack(Instant now) {
  v1::ClientFrame frame;
  if (inbox_ack_due_) frame.mutable_ack()->set_inbox_seq(inbox_seq_);
  for (Room& room : rooms_) {
    if (!room.ack_due) continue;
    v1::RoomCursor& cursor = *frame.mutable_ack()->add_rooms();
    cursor.set_chat_id(room.chat.str());
    cursor.set_seq(room.seq);
    room.ack_due = false;
  }
  inbox_ack_due_ = false;
  unacked_ = 0;
  ack_at_ = kNever;
  if (frame.has_ack()) queue(now, frame);
}

void ClientSession::queue_heartbeat(Instant now) {
  ++heartbeats_;
  v1::ClientFrame frame;
  const uint32_t every = options_->heartbeat_asks_every;
  if (every > 0 && heartbeats_ % every == 0) frame = new_frame();
  frame.mutable_heartbeat()->set_inbox_seq(inbox_ack_due_ ? inbox_seq_ : 0);
  inbox_ack_due_ = false;
  queue(now, frame);
}

void ClientSession::sync_again(Instant now, Duration delay) {
  retry_at_ = std::min(retry_at_, now + (delay.ns > 0 ? delay : kRetryDelay));
}

// ---------------------------------------------------------------- rooms

ClientSession::Room* ClientSession::find_room(const ChatId& chat) {
  auto room = std::find_if(rooms_.begin(), rooms_.end(),
                           [&](const Room& candidate) { return candidate.chat == chat; });
  return room == rooms_.end() ? nullptr : &*room;
}

const ClientSession::Room* ClientSession::find_room(const ChatId& chat) const {
  return const_cast<ClientSession*>(this)->find_room(chat);
}

void ClientSession::join_room(Instant now, const ChatId& chat, uint64_t from_seq) {
  if (in_room(chat)) return;
  Room room;
  room.chat = chat;
  room.from_head = from_seq == 0;
  room.seq = from_seq == 0 ? 0 : from_seq - 1;
  rooms_.push_back(room);
  if (state_ >= State::syncing) queue_room_sync(now, rooms_.back());
}

void ClientSession::leave_room(Instant now, const ChatId& chat) {
  const auto left = std::erase_if(rooms_, [&](const Room& room) { return room.chat == chat; });
  if (left == 0 || state_ < State::syncing) return;
  v1::ClientFrame frame;
  frame.mutable_leave_room()->set_chat_id(chat.str());
  queue(now, frame);
}

bool ClientSession::rooms_live() const {
  return std::all_of(rooms_.begin(), rooms_.end(), [](const Room& room) { return room.live; });
}

bool ClientSession::in_room(const ChatId& chat) const { return find_room(chat) != nullptr; }

bool ClientSession::is_room_live(const ChatId& chat) const {
  const Room* room = find_room(chat);
  return room != nullptr && room->live;
}

uint64_t ClientSession::room_cursor(const ChatId& chat) const {
  const Room* room = find_room(chat);
  return room == nullptr ? 0 : room->seq;
}

// ---------------------------------------------------------------- what comes in

Status ClientSession::receive(Instant now, std::string_view bytes, ClientObserver& observer,
                              Random& random) {
  if (state_ == State::closed) return {};
  std::array<char, 4096> first_block;
  google::protobuf::ArenaOptions arena_options;
  arena_options.initial_block = first_block.data();
  arena_options.initial_block_size = first_block.size();
  google::protobuf::Arena arena(arena_options);
  auto& batch = *google::protobuf::Arena::CreateMessage<v1::ServerBatch>(&arena);
  if (Status status = wire::decode_server_batch(options_->encoding, bytes, batch); !status) {
    return status;
  }
  Incoming in{now, observer, random, arena};
  for (v1::ServerFrame& frame : *batch.mutable_frames()) {
    if (Status status = on_frame(in, frame); !status) return status;
  }
  return {};
}

Status ClientSession::on_frame(Incoming& in, v1::ServerFrame& frame) {
  const bool is_entry = frame.has_event() || frame.inbox_seq() != 0;
  if (state_ == State::greeted && (is_entry || frame.has_sync_page())) {
    return broken("an event before Welcome");
  }
  if (is_entry) return on_pushed(in, frame);
  switch (frame.body_case()) {
    case v1::ServerFrame::kWelcome:
      return on_welcome(in, frame.welcome());
    case v1::ServerFrame::kSyncPage:
      return on_page(in, frame);
    case v1::ServerFrame::kLagged:
      on_lagged(in, frame.lagged());
      break;
    case v1::ServerFrame::kReceipt:
      receipts_since_ms_ = std::max(receipts_since_ms_, frame.receipt().through_ms());
      break;
    case v1::ServerFrame::kHeartbeatAck:
      receipts_since_ms_ =
          std::max(receipts_since_ms_, frame.heartbeat_ack().receipts_through_ms());
      // What was pushed came before this answer, so a head beyond the cursor has been missed.
      if (is_live() && frame.heartbeat_ack().inbox_head() > inbox_seq_) queue_inbox_sync(in.now);
      break;
    case v1::ServerFrame::kGoAway:
      go_away_ = true;
      reconnect_ms_ = frame.go_away().reconnect_after_ms();
      break;
    case v1::ServerFrame::kError:
      on_error(in, frame);
      break;
    default:
      break;
  }
  in.observer.on_frame(frame);
  return {};
}

Status ClientSession::on_welcome(Incoming& in, const v1::Welcome& welcome) {
  if (state_ != State::greeted) return broken("a second Welcome");
  const bool other_epoch = epoch_ != 0 && epoch_ != welcome.epoch();
  session_id_ = welcome.session_id();
  epoch_ = welcome.epoch();
  heartbeat_interval_ms_ = welcome.heartbeat_interval_ms();
  reconnect_ms_ = welcome.reconnect_window_ms();
  welcomed_at_ = in.now;
  if (receipts_since_ms_ == 0) receipts_since_ms_ = welcome.server_time_ms();
  const bool recovered = welcome.recovered() && has_cursor_;
  in.observer.on_welcome(recovered, welcome.inbox_head());
  if (recovered && welcome.live()) {
    state_ = State::live;
    in.observer.on_live();
  } else {
    reset_wanted_ = !recovered;
    queue_inbox_sync(in.now);
  }
  for (Room& room : rooms_) {
    if (other_epoch) room.from_head = true;
    queue_room_sync(in.now, room);
  }
  const double phase = in.random.unit();
  if (heartbeat_interval_ms_ > 0) {
    const auto interval_ns = milliseconds(heartbeat_interval_ms_).ns;
    heartbeat_at_ =
        in.now + Duration{static_cast<int64_t>(phase * static_cast<double>(interval_ns))};
  }
  return {};
}

Status ClientSession::on_pushed(Incoming& in, v1::ServerFrame& frame) {
  auto& entry = *google::protobuf::Arena::CreateMessage<v1::SyncEntry>(&in.arena);
  entry.set_inbox_seq(frame.inbox_seq());
  if (!frame.client_msg_id().empty()) entry.set_client_msg_id(frame.client_msg_id());
  if (frame.has_event()) entry.mutable_event()->Swap(frame.mutable_event());
  if (frame.has_receipt()) entry.mutable_receipt()->Swap(frame.mutable_receipt());
  const auto place = place_of(entry);
  if (!place) return broken("an event with a malformed chat id");
  const auto& [chat, seq] = *place;
  if (entry.inbox_seq() == 0) {
    on_pushed_room(in, chat, entry);
    return {};
  }
  in.observer.on_wire_event(chat, seq, entry.inbox_seq(), true);
  on_pushed_inbox(in, entry);
  return {};
}

// While syncing, pushes are dropped: the Sync that is under way reads them from the log.
void ClientSession::on_pushed_inbox(Incoming& in, const v1::SyncEntry& entry) {
  if (!is_live() || entry.inbox_seq() <= inbox_seq_) return;
  if (entry.inbox_seq() > inbox_seq_ + 1) {
    queue_inbox_sync(in.now);
    return;
  }
  inbox_seq_ = entry.inbox_seq();
  in.observer.on_event(entry, true);
  inbox_ack_due_ = true;
  note_delivered(in.now);
}

void ClientSession::on_pushed_room(Incoming& in, const ChatId& chat, const v1::SyncEntry& entry) {
  Room* room = find_room(chat);
  if (room == nullptr) return;
  const uint64_t seq = entry.event().seq();
  in.observer.on_wire_event(chat, seq, 0, true);
  if (!room->live || seq <= room->seq) return;
  if (seq > room->seq + 1) {
    queue_room_sync(in.now, *room);
    return;
  }
  room->seq = seq;
  in.observer.on_event(entry, true);
  room->ack_due = options_->ack_rooms;
  if (options_->ack_rooms) note_delivered(in.now);
}

Status ClientSession::on_page(Incoming& in, const v1::ServerFrame& frame) {
  const v1::SyncPage& page = frame.sync_page();
  if (page.next() == 0) return broken("a page that does not say where it ends");
  const bool of_inbox = page.chat_id().empty();
  Room* room = nullptr;
  if (!of_inbox) {
    const auto chat = ChatId::from_bytes(page.chat_id());
    if (!chat) return broken("a page with a malformed chat id");
    room = find_room(*chat);
    if (room == nullptr) return {};
  }
  for (const v1::SyncEntry& entry : page.entries()) {
    const auto place = place_of(entry);
    if (!place) return broken("an entry with a malformed chat id");
    if (!of_inbox && place->second == 0) return broken("a room's page with a foreign entry");
    if (of_inbox && entry.inbox_seq() == 0) return broken("an inbox entry without a position");
    in.observer.on_wire_event(place->first, place->second, of_inbox ? entry.inbox_seq() : 0, false);
  }
  if (of_inbox) {
    if (frame.reply_to() != inbox_sync_id_) return {};
    return on_inbox_page(in, page);
  }
  if (frame.reply_to() != room->sync_id) return {};
  on_room_page(in, *room, page);
  return {};
}

Status ClientSession::on_inbox_page(Incoming& in, const v1::SyncPage& page) {
  if (reset_wanted_ && !page.reset()) return broken("a reset Sync answered without a reset");
  const uint64_t from = inbox_seq_ + 1;
  if (page.reset()) {
    in.observer.on_reset(page);
    inbox_seq_ = (page.entries_size() > 0 ? page.entries(0).inbox_seq() : page.next()) - 1;
    has_cursor_ = true;
    reset_wanted_ = false;
  }
  for (const v1::SyncEntry& entry : page.entries()) {
    if (entry.inbox_seq() <= inbox_seq_) continue;
    inbox_seq_ = entry.inbox_seq();
    in.observer.on_event(entry, false);
    inbox_ack_due_ = true;
    note_delivered(in.now);
  }
  inbox_seq_ = std::max(inbox_seq_, page.next() - 1);
  if (page.done()) {
    inbox_sync_id_ = 0;
    state_ = State::live;
    in.observer.on_live();
  } else if (!page.reset() && page.next() <= from) {
    // The server cannot read on now, or its user's home is moving.
    inbox_sync_due_ = true;
    sync_again(in.now, kNoProgressDelay);
  } else {
    queue_inbox_sync(in.now);
  }
  return {};
}

void ClientSession::on_room_page(Incoming& in, Room& room, const v1::SyncPage& page) {
  const uint64_t from = room.seq + 1;
  const bool jumps = page.reset() || room.from_head;
  if (jumps) {
    in.observer.on_reset(page);
    room.seq = (page.entries_size() > 0 ? place_of(page.entries(0))->second : page.next()) - 1;
    room.from_head = false;
  }
  for (const v1::SyncEntry& entry : page.entries()) {
    const uint64_t seq = place_of(entry)->second;
    if (seq <= room.seq) continue;
    room.seq = seq;
    in.observer.on_event(entry, false);
    room.ack_due = options_->ack_rooms;
    if (options_->ack_rooms) note_delivered(in.now);
  }
  room.seq = std::max(room.seq, page.next() - 1);
  if (page.done()) {
    room.live = true;
    room.sync_id = 0;
  } else if (!jumps && page.next() <= from) {
    room.sync_due = true;
    sync_again(in.now, kNoProgressDelay);
  } else {
    queue_room_sync(in.now, room);
  }
}

void ClientSession::on_lagged(Incoming& in, const v1::Lagged& lagged) {
  if (lagged.from_inbox_seq() != 0 && is_live()) queue_inbox_sync(in.now);
  for (const v1::LaggedRoom& item : lagged.rooms()) {
    const auto chat = ChatId::from_bytes(item.chat_id());
    Room* room = chat ? find_room(*chat) : nullptr;
    if (room != nullptr && room->live) queue_room_sync(in.now, *room);
  }
}

// A refused Sync is asked again; for good only a room can be refused.
void ClientSession::on_error(Incoming& in, const v1::ServerFrame& frame) {
  if (frame.reply_to() == 0) return;
  const v1::Error& error = frame.error();
  const Duration delay = milliseconds(error.retry_after_ms());
  if (frame.reply_to() == inbox_sync_id_) {
    if (!error.temporary()) reset_wanted_ = true;
    inbox_sync_due_ = true;
    sync_again(in.now, delay);
    return;
  }
  auto room = std::find_if(rooms_.begin(), rooms_.end(), [&](const Room& candidate) {
    return candidate.sync_id == frame.reply_to();
  });
  if (room == rooms_.end()) return;
  if (!error.temporary()) {
    rooms_.erase(room);
    return;
  }
  room->sync_due = true;
  sync_again(in.now, delay);
}

void ClientSession::note_delivered(Instant now) {
  if (++unacked_ >= options_->ack_events) {
    queue_ack(now);
  } else if (ack_at_ == kNever) {
    ack_at_ = now + options_->ack_delay;
  }
}

}  // namespace chat
