#include "sim/seeds/seed_device.h"

#include <algorithm>

#include "core/base/assert.h"

namespace chat::sim {
namespace {

constexpr Duration kRetry = milliseconds(500);
// How long what was read before a deletion may be under way without faults.
constexpr Duration kUnderWay = seconds(2);
constexpr Duration kLongLife = minutes(24 * 60);

ChatId chat_of(const std::string& bytes) {
  const auto chat = ChatId::from_bytes(bytes);
  return chat.value_or(ChatId());
}

bool names(const google::protobuf::RepeatedField<uint64_t>& users, UserId user) {
  return std::find(users.begin(), users.end(), user.value) != users.end();
}

}  // namespace

std::string random_key(Random& random) {
  std::string key;
  for (int i = 0; i < 16; ++i) key.push_back(static_cast<char>(random.below(256)));
  return key;
}

SeedDevice::SeedDevice(SeedScene& scene, Options options, Random random)
    : scene_(scene),
      options_(std::move(options)),
      random_(random),
      ref_(scene.oracle.add_device(options_.user)),
      witness_(scene.oracle, ref_),
      client_(scene.world, options_.client, options_.user, options_.device_id, *this,
              random.fork("client")),
      eyes_(options_.watched) {}

// ---------------------------------------------------------------- what it is told to do

void SeedDevice::say(const ChatId& chat) {
  Outgoing out;
  out.chat = chat;
  v1::Send& send = *out.frame.mutable_send();
  if (chat.is_direct() && random_.chance(1, 2)) {
    const auto users = chat.direct_users();
    send.set_peer_user_id((users[0] == options_.user ? users[1] : users[0]).value);
  } else {
    send.set_chat_id(chat.str());
  }
  send.set_client_msg_id(random_key(random_));
  send.set_text(options_.device_id + " says " + std::to_string(++said_) +
                std::string(random_.below(200), '.'));
  if (random_.chance(1, 6)) send.add_mentions(1 + random_.below(20));
  outbox_.push_back(std::move(out));
  work();
}

void SeedDevice::repeat_last(bool with_other_words) {
  if (!last_answered_) return;
  Outgoing again = *last_answered_;
  // Whether a key was used is not known everywhere before its message is stored.
  if (with_other_words && !last_delayed_) {
    if (!again.frame.has_send()) return;
    again.frame.mutable_send()->set_text(options_.device_id + " unsays " + std::to_string(++said_));
    again.attempted = false;
    again.key_is_used = true;
  }
  outbox_.push_back(std::move(again));
  work();
}

void SeedDevice::edit_something() {
  if (own_.empty()) return;
  const auto& [chat, seq] = own_[random_.below(own_.size())];
  Outgoing out;
  out.chat = chat;
  v1::Edit& edit = *out.frame.mutable_edit();
  edit.set_chat_id(chat.str());
  edit.set_target_seq(seq);
  edit.set_client_op_id(random_key(random_));
  edit.set_text(options_.device_id + " means " + std::to_string(++said_));
  outbox_.push_back(std::move(out));
  work();
}

void SeedDevice::delete_something() {
  if (own_.empty()) return;
  const size_t index = random_.below(own_.size());
  const auto [chat, seq] = own_[index];
  own_.erase(own_.begin() + static_cast<ptrdiff_t>(index));
  Outgoing out;
  out.chat = chat;
  v1::Delete& deletion = *out.frame.mutable_delete_message();
  deletion.set_chat_id(chat.str());
  deletion.set_target_seq(seq);
  deletion.set_client_op_id(random_key(random_));
  outbox_.push_back(std::move(out));
  work();
}

void SeedDevice::react_to_something() {
  Outgoing out;
  if (last_reaction_ && random_.chance(1, 3)) {
    out = *std::exchange(last_reaction_, {});
    out.attempted = false;
    out.frame.mutable_react()->set_remove(true);
  } else {
    if (delivered_.empty()) return;
    auto known = delivered_.begin();
    std::advance(known, random_.below(delivered_.size()));
    out.chat = known->first;
    v1::React& reaction = *out.frame.mutable_react();
    reaction.set_chat_id(out.chat.str());
    reaction.set_target_seq(1 + random_.below(known->second));
    reaction.set_reaction(options_.device_id + ":" + std::to_string(++said_));
  }
  out.frame.mutable_react()->set_client_op_id(random_key(random_));
  outbox_.push_back(std::move(out));
  work();
}

void SeedDevice::read_something() {
  const std::vector<ChatId> chats = known_chats();
  if (chats.empty() || !may_ask()) return;
  const ChatId chat = chats[random_.below(chats.size())];
  client_.session().read(scene_.world.now(), chat, 1 + random_.below(delivered_[chat]));
  client_.pump();
}

void SeedDevice::look_back() {
  const std::vector<ChatId> chats = known_chats();
  if (chats.empty() || !may_ask()) return;
  v1::History ask;
  ask.set_chat_id(chats[random_.below(chats.size())].str());
  ask.set_limit(static_cast<uint32_t>(1 + random_.below(30)));
  switch (random_.below(3)) {
    case 0:
      ask.set_forward(true);
      ask.set_after_seq(random_.below(20));
      break;
    case 1:
      ask.set_before_seq(1 + random_.below(40));
      break;
    default:
      break;
  }
  client_.session().history(scene_.world.now(), std::move(ask));
  client_.pump();
}

void SeedDevice::type() {
  const std::vector<ChatId> chats = known_chats();
  if (chats.empty() || !may_ask()) return;
  client_.session().typing(scene_.world.now(), chats[random_.below(chats.size())]);
  client_.pump();
}

void SeedDevice::revoke() {
  if (!login_) return;
  const AccountChanged change{.user = options_.user, .ended = {login_}};
  login_ = LoginId{++scene_.last_login};
  scene_.world.end_logins(change);
}

bool SeedDevice::is_settled() const {
  const ClientSession& session = client_.session();
  return outbox_.empty() && gaps_.empty() && session.is_live() && session.rooms_live() &&
         std::all_of(rooms_.begin(), rooms_.end(),
                     [&](const auto& room) { return session.in_room(room.first); });
}

std::string SeedDevice::describe() const {
  const ClientSession& session = client_.session();
  std::string text = options_.device_id + " of user " + std::to_string(options_.user.value) +
                     ": state " + std::to_string(static_cast<int>(session.state())) + ", " +
                     std::to_string(outbox_.size()) + " to send, " + std::to_string(gaps_.size()) +
                     " gaps";
  for (const auto& [chat, room] : rooms_) {
    if (!session.in_room(chat)) text += ", not in room " + chat.hex();
  }
  if (!session.rooms_live()) text += ", a room is not live";
  return text;
}

std::vector<ChatId> SeedDevice::known_chats() const {
  std::vector<ChatId> chats;
  for (const auto& [chat, seq] : delivered_) chats.push_back(chat);
  return chats;
}

// ---------------------------------------------------------------- what it sees

void SeedDevice::on_welcome(bool, uint64_t) {}
void SeedDevice::on_live() {}

std::string SeedDevice::new_token() const {
  const WallTime now = scene_.world.wall();
  const bool is_short = options_.token_life > Duration{} && !scene_.quiet;
  return token_of(options_.user, login_, now, now + (is_short ? options_.token_life : kLongLife));
}

void SeedDevice::before_hello() {
  if (!login_) login_ = LoginId{++scene_.last_login};
  client_.set_token(new_token());
  std::vector<ChatId> rooms;
  for (const auto& [chat, room] : rooms_) {
    if (client_.session().in_room(chat)) rooms.push_back(chat);
  }
  witness_.before_hello(client_.session(), rooms);
}

void SeedDevice::on_reset(const v1::SyncPage& page) {
  witness_.on_reset(page);
  if (!page.chat_id().empty()) return;
  for (const v1::ChatSummary& summary : page.chats()) {
    const ChatId chat = chat_of(summary.chat_id());
    if (!started_) receipts_.starts_after(chat, summary.last_seq());
    if (summary.kind() == v1::ROOM) {
      // Where an earlier stay stands is the session's knowledge; a new one starts at head.
      if (summary.left_seq() == 0 && summary.role() != v1::ROLE_UNSPECIFIED) {
        rooms_.try_emplace(chat, Room{});
      } else if (rooms_.erase(chat) > 0) {
        rooms_left_.push_back(chat);
        scene_.oracle.room_ended(ref_, chat);
      }
      continue;
    }
    if (!started_) continue;
    const auto highest = delivered_.find(chat);
    const uint64_t next =
        std::max(highest == delivered_.end() ? 1 : highest->second + 1, summary.joined_seq());
    const uint64_t last = summary.left_seq() == 0 ? summary.last_seq() : summary.left_seq();
    if (next <= last) want_past(chat, next, last);
  }
  started_ = true;
}

// A gap of an earlier reset may not be filled yet.
void SeedDevice::want_past(const ChatId& chat, uint64_t from, uint64_t last) {
  const auto [found, is_new] = gaps_.try_emplace(chat, Gap{from, from, last, 0, {}});
  Gap& gap = found->second;
  if (is_new) return;
  gap.next = std::min(gap.next, from);
  gap.last = std::max(gap.last, last);
  gap.asked_id = 0;
}

void SeedDevice::on_wire_event(const ChatId& chat, uint64_t seq, uint64_t inbox_seq, bool pushed) {
  witness_.on_wire_event(chat, seq, inbox_seq, pushed);
  if (inbox_seq != 0) scene_.ledger.saw(options_.user, inbox_seq, chat, seq);
}

void SeedDevice::on_event(const v1::SyncEntry& entry, bool pushed) {
  witness_.on_event(entry, pushed);
  if (entry.has_pruned()) {
    on_pruned(chat_of(entry.pruned().chat_id()), entry.pruned().seq(), entry.inbox_seq() == 0);
  }
  if (!entry.has_event()) return;
  if (!pushed) shown(entry.event());
  const ChatId chat = chat_of(entry.event().chat_id());
  note_text(entry.event());
  if (entry.inbox_seq() == 0) {
    room_delivered_[chat] = entry.event().seq();
    if (auto room = rooms_.find(chat); room != rooms_.end()) {
      room->second.from = entry.event().seq() + 1;
    }
    return;
  }
  uint64_t& highest = delivered_[chat];
  if (entry.event().seq() <= highest) {
    scene_.violations.push_back(options_.device_id + " got chat " + chat.hex() + " seq " +
                                std::to_string(entry.event().seq()) + " after " +
                                std::to_string(highest));
  }
  highest = std::max(highest, entry.event().seq());
  show(chat, entry.event());
  if (scene_.rooms.contains(chat)) on_own_membership(chat, entry.event());
}

void SeedDevice::shown(const v1::Event& event) {
  scene_.retention.shown(event, scene_.world.wall(),
                         scene_.quiet ? scene_.retention.calm_ms() : RetentionWatch::kUnderWayMs);
}

// A room's stream may begin again behind what is pruned: with one event all before it are gone.
void SeedDevice::on_pruned(const ChatId& chat, uint64_t seq, bool by_room) {
  scene_.rare_paths.add(RarePath::told_pruned);
  scene_.retention.told_pruned(chat, seq, scene_.world.wall());
  if (!scene_.rooms.contains(chat)) return;
  if (!by_room) doubtful_rooms_.insert(chat);
  const auto room = rooms_.find(chat);
  if (room == rooms_.end()) return;
  const uint64_t next = std::max<uint64_t>(room->second.from, 1);
  for (uint64_t gone = next; gone < seq; ++gone) {
    scene_.oracle.pruned(ref_, chat, gone, true);
    scene_.retention.told_pruned(chat, gone, scene_.world.wall());
  }
  if (by_room) room->second.from = seq + 1;
}

void SeedDevice::note_text(const v1::Event& event) {
  if (!scene_.quiet || !event.has_message()) return;
  const ChatId chat = chat_of(event.chat_id());
  if (!scene_.deletions.confirmed_by(chat, event.seq(), scene_.world.now() - kUnderWay)) return;
  scene_.violations.push_back(options_.device_id + " got the deleted text of chat " + chat.hex() +
                              " seq " + std::to_string(event.seq()));
}

void SeedDevice::show(const ChatId& chat, const v1::Event& event) {
  MessageView& view = views_[chat];
  if (event.has_tombstone() && view.at(event.seq()).text_seq == 0) {
    scene_.rare_paths.add(RarePath::tombstone);
  }
  view.see(event);
}

// The inbox tells of joining and leaving a room. The room's own stream may be ahead of that: then
// the stay that it is in goes on.
void SeedDevice::on_own_membership(const ChatId& chat, const v1::Event& event) {
  const uint64_t cursor = client_.session().room_cursor(chat);
  const bool ended =
      names(event.member().left(), options_.user) || names(event.member().banned(), options_.user);
  if (ended && cursor <= event.seq()) {
    rooms_.erase(chat);
    rooms_left_.push_back(chat);
    scene_.oracle.room_ended(ref_, chat);
  }
  if (names(event.member().joined(), options_.user)) {
    scene_.oracle.room_started(ref_, chat, event.seq());
    rooms_[chat] = Room{std::max(event.seq(), room_delivered_[chat] + 1), event.seq(), {}};
  }
}

void SeedDevice::on_frame(const v1::ServerFrame& frame) {
  witness_.on_frame(frame);
  for (const v1::Event& event : frame.history_page().events()) note_text(event);
  if (frame.has_token_expiring() && frame.reply_to() == 0) refresh_wanted_ = random_.chance(1, 2);
  if (frame.has_presence()) eyes_.on_batch(frame.presence());
  if (frame.has_error() && frame.error().code() == v1::PERMISSION_DENIED) leave_doubtful_rooms();
  if (frame.has_send_ack() || frame.has_error()) on_send_answer(frame);
  if (frame.has_history_page() || frame.has_error()) on_history(frame);
  if (frame.has_receipt() && frame.receipt().user_id() != options_.user.value) {
    receipts_.told(chat_of(frame.receipt().chat_id()), UserId{frame.receipt().user_id()},
                   {frame.receipt().delivered_seq(), frame.receipt().read_seq()});
  }
  if (frame.has_receipt() && frame.reply_to() != 0) {
    scene_.ledger.read_through(options_.user, chat_of(frame.receipt().chat_id()),
                               frame.receipt().read_seq());
  }
}

// What the inbox could not tell any more: the room itself refuses the user.
void SeedDevice::leave_doubtful_rooms() {
  std::erase_if(doubtful_rooms_, [&](const ChatId& chat) {
    if (client_.session().in_room(chat)) return false;
    if (rooms_.erase(chat) > 0) scene_.oracle.room_ended(ref_, chat);
    return true;
  });
}

void SeedDevice::on_send_answer(const v1::ServerFrame& frame) {
  if (!under_way_ || frame.reply_to() != send_id_) return;
  Outgoing& out = outbox_.front();
  under_way_ = false;
  if (frame.has_send_ack()) {
    const v1::SendAck& ack = frame.send_ack();
    if (ack.client_msg_id() != out.key() || chat_of(ack.chat_id()) != out.chat) {
      scene_.violations.push_back(options_.device_id + " got a foreign SendAck");
    }
    if (out.key_is_used && ack.status() == v1::DELAYED) {
      // Whether its key is used cannot be known while the store is away.
      scene_.oracle.refused(out.ref, true);
      outbox_.pop_front();
      return;
    }
    scene_.oracle.acked(out.ref, ack.seq());
    if (out.frame.has_send() && ack.status() == v1::STORED) own_.emplace_back(out.chat, ack.seq());
    if (out.frame.has_delete_message()) {
      scene_.deletions.confirmed(out.chat, out.frame.delete_message().target_seq(),
                                 scene_.world.now());
    }
    // Given once, for what is taken back twice is the same to the oracle.
    const bool given = out.frame.has_react() && !out.frame.react().remove();
    if (given && ack.status() == v1::STORED) last_reaction_ = out;
    last_answered_ = out;
    last_delayed_ = ack.status() == v1::DELAYED;
    outbox_.pop_front();
    return;
  }
  scene_.oracle.refused(out.ref, frame.error().temporary());
  if (frame.error().code() == v1::IDEMPOTENCY_MISMATCH) {
    scene_.rare_paths.add(RarePath::mismatched_key);
  }
  if (!frame.error().temporary()) {
    outbox_.pop_front();
    return;
  }
  const Duration wait = milliseconds(frame.error().retry_after_ms());
  send_not_before_ = scene_.world.now() + std::max(wait, kRetry);
}

void SeedDevice::on_history(const v1::ServerFrame& frame) {
  if (frame.has_error()) {
    const auto refused = std::find_if(gaps_.begin(), gaps_.end(), [&](const auto& gap) {
      return gap.second.asked_id != 0 && gap.second.asked_id == frame.reply_to();
    });
    if (frame.error().code() == v1::RANGE_PRUNED) scene_.rare_paths.add(RarePath::range_pruned);
    if (refused == gaps_.end()) return;
    refused->second.asked_id = 0;
    refused->second.try_at = scene_.world.now() + kRetry;
    if (frame.error().code() == v1::RANGE_PRUNED) {
      refused->second.next = 1;  // From the oldest one that is kept.
    } else if (!frame.error().temporary()) {
      gaps_.erase(refused);
    }
    return;
  }
  for (const v1::Event& event : frame.history_page().events()) {
    shown(event);
  }
  on_gap_page(frame.history_page(), frame.reply_to());
}

void SeedDevice::on_gap_page(const v1::HistoryPage& page, uint32_t reply_to) {
  const ChatId chat = chat_of(page.chat_id());
  const auto found = gaps_.find(chat);
  if (found == gaps_.end() || found->second.asked_id != reply_to) return;
  Gap& gap = found->second;
  gap.asked_id = 0;
  for (const v1::Event& event : page.events()) show(found->first, event);
  for (uint64_t seq = gap.first; seq < page.oldest_seq() && seq <= gap.last; ++seq) {
    scene_.oracle.pruned(ref_, chat, seq, false);
    scene_.retention.told_pruned(chat, seq, scene_.world.wall());
  }
  if (page.events_size() > 0) gap.next = page.events(page.events_size() - 1).seq() + 1;
  if (page.complete() || page.events_size() == 0 || gap.next > gap.last) gaps_.erase(found);
}

void SeedDevice::after_input() { work(); }

void SeedDevice::on_disconnected(const Error* error) {
  under_way_ = false;
  refresh_wanted_ = false;
  eyes_.on_disconnected();
  for (auto& [chat, gap] : gaps_) gap.asked_id = 0;
  // Such an end is for good with the old token only.
  const CloseCode code = client_.last_close();
  if (code == CloseCode::bad_token || code == CloseCode::revoked) {
    scene_.world.queue().after(kRetry, [this] {
      if (client_.is_wanted()) client_.start();  // It may have left meanwhile.
    });
  }
  if (error != nullptr) {
    scene_.violations.push_back(options_.device_id + " met a broken server: " + error->text);
  }
}

// ---------------------------------------------------------------- what it does about it

void SeedDevice::work() {
  if (!client_.is_connected() || !may_ask()) return;
  if (std::exchange(refresh_wanted_, false)) {
    client_.session().refresh_token(scene_.world.now(), new_token());
  }
  if (eyes_.has_to_ask()) {
    client_.session().watch_presence(scene_.world.now(), eyes_.watched());
    eyes_.asked();
  }
  work_rooms();
  work_gaps();
  work_outbox();
  client_.pump();
}

void SeedDevice::work_later(Duration delay) {
  scene_.world.queue().after(delay, [this] { work(); });
}

void SeedDevice::work_outbox() {
  if (under_way_ || outbox_.empty()) return;
  const Instant now = scene_.world.now();
  if (now < send_not_before_) {
    work_later(send_not_before_ - now);
    return;
  }
  Outgoing& out = outbox_.front();
  if (out.attempted) {
    scene_.oracle.sent_again(out.ref);
  } else {
    out.ref = scene_.oracle.sent(ref_, out.chat, out.content(), out.operation());
    out.attempted = true;
  }
  under_way_ = true;
  send_id_ = out.hand_to(client_.session(), now);
  // An impatient client says it twice before it can have heard the answer.
  if (random_.chance(1, 20)) {
    scene_.oracle.sent_again(out.ref);
    out.hand_to(client_.session(), now);
  }
}

// Stops following a room that was left; not while a page of it is under way, and not when the user
// is back and the stream has passed the return.
bool SeedDevice::has_left(const ChatId& chat) {
  ClientSession& session = client_.session();
  if (!session.in_room(chat)) return true;
  if (!session.is_room_live(chat)) return false;
  const auto back = rooms_.find(chat);
  if (back == rooms_.end() || session.room_cursor(chat) < back->second.joined_seq) {
    session.leave_room(scene_.world.now(), chat);
  }
  return true;
}

void SeedDevice::work_rooms() {
  const Instant now = scene_.world.now();
  std::erase_if(rooms_left_, [&](const ChatId& chat) { return has_left(chat); });
  for (auto& [chat, room] : rooms_) {
    if (client_.session().in_room(chat)) continue;
    if (now < room.try_at) {
      work_later(room.try_at - now);
      continue;
    }
    room.try_at = now + kRetry;
    scene_.oracle.room_connected(ref_, chat, room.from == 0 ? 0 : room.from - 1);
    client_.session().join_room(now, chat, room.from);
  }
}

void SeedDevice::work_gaps() {
  const Instant now = scene_.world.now();
  for (auto& [chat, gap] : gaps_) {
    if (gap.asked_id != 0) continue;
    if (now < gap.try_at) {
      work_later(gap.try_at - now);
      continue;
    }
    v1::History ask;
    ask.set_chat_id(chat.str());
    ask.set_forward(true);
    ask.set_after_seq(gap.next - 1);
    gap.asked_id = client_.session().history(now, std::move(ask));
  }
}

}  // namespace chat::sim
