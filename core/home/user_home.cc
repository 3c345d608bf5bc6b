#include "core/home/user_home.h"

#include <algorithm>

#include "core/base/assert.h"
#include "core/home/chat_lifetime.h"
#include "core/home/move_notice.h"
#include "core/home/replies.h"
#include "core/wire/peer.pb.h"

namespace chat {
namespace {

constexpr uint32_t kStoreRetryMs = 200;
constexpr Duration kSweepInterval = seconds(30);
constexpr Duration kSweepPause = milliseconds(10);
constexpr size_t kSweptAtOnce = 250;
constexpr char kReplaced[] = "the same device connected again";

/// false: the event is too old to be shown, and told as pruned.
bool fill_entry(const InboxEntry& entry, UserId user, WallTime now, v1::SyncEntry& out) {
  out.set_inbox_seq(entry.inbox_seq);
  peer::StoredEvent stored;
  bool shown = true;
  if (entry.kind == InboxRow::Kind::read_marker) {
    out.mutable_receipt()->set_chat_id(entry.chat.str());
    out.mutable_receipt()->set_user_id(user.value);
    out.mutable_receipt()->set_read_seq(entry.seq);
  } else if (stored.ParseFromString(entry.stored_event) && !entry.stored_event.empty() &&
             out.mutable_event()->ParseFromString(stored.event())) {
    shown = may_show({entry.retention_ms, entry.expires_ms}, out.event(), now);
    if (shown && stored.author() == user.value) out.set_client_msg_id(stored.client_msg_id());
  } else {
    out.mutable_pruned();
  }
  if (!shown || out.has_pruned()) {
    out.mutable_pruned()->set_chat_id(entry.chat.str());
    out.mutable_pruned()->set_seq(entry.seq);
  }
  return shown;
}

}  // namespace

void fill_summary(const UserChatsListed::Item& item, v1::ChatSummary& out) {
  out.set_chat_id(item.view.chat.str());
  out.set_kind(static_cast<v1::ChatKind>(item.chat.kind));
  out.set_title(item.chat.title);
  out.set_role(static_cast<v1::Role>(item.member.role));
  out.set_last_seq(item.chat.last_seq);
  out.set_joined_seq(item.member.joined_seq);
  out.set_left_seq(item.member.left_seq == kStillMember ? 0 : item.member.left_seq);
  out.set_delivered_seq(item.member.delivered_seq);
  // A client may claim to have read what is not there yet.
  out.set_read_seq(
      std::min(std::max(item.member.read_seq, item.view.read_seq), item.chat.last_seq));
  out.set_member_count(item.chat.member_count);
  out.set_unread_count(item.unread_count);
  out.set_unread_mentions(item.unread_mentions);
  out.set_retention_ms(item.chat.retention_ms);
  out.set_expires_ms(item.chat.expires_ms);
  out.set_oldest_seq(item.chat.oldest_seq);
}

UserHome::UserHome(EngineContext& context)
    : context_(context),
      users_(context),
      presence_(context, users_),
      marks_(context, users_),
      book_(context),
      receipts_(context, users_),
      writer_(context, users_, marks_) {
  users_.set_head_moved([this](User& user) { head_moved(user); });
}

void UserHome::start() {
  next_last_seen_ = context_.now + context_.policy().last_seen_interval;
  context_.arm(kSweepInterval, TimerKind::user_sweep);
  presence_.start();
}

// ---------------------------------------------------------------- sessions

void UserHome::on_attach(EngineId from, const peer::Attach& frame) {
  const UserId id{frame.user()};
  if (!context_.owns(id)) {
    refuse_attach(id, from, ConnId{frame.conn()});
    return;
  }
  const bool same_epoch = frame.has_cursor() && frame.epoch() == context_.options.store_epoch;
  when_known_through(id, same_epoch ? frame.inbox_seq() : 0,
                     [this, from, frame](User& user) { attach(user, from, frame); });
}

/// The session home asks again, until all rings agree.
void UserHome::refuse_attach(UserId user, EngineId to, ConnId conn) {
  presence_.refused(to);
  peer::Frame answer;
  answer.mutable_attached()->set_user(user.value);
  answer.mutable_attached()->set_conn(conn.value);
  *answer.mutable_attached()->mutable_error() =
      wire_error(v1::UNAVAILABLE, "the user's home is moving");
  context_.post(to, std::move(answer));
}

/// A position beyond the head tells that another home has written since this one read the user.
void UserHome::when_known_through(UserId id, uint64_t inbox_seq,
                                  const std::function<void(User&)>& then) {
  users_.when_loaded(id, [this, inbox_seq, then](User& user) {
    if (inbox_seq <= user.head) {
      then(user);
      return;
    }
    user.waiting.push_back(then);
    // A write in flight finds by itself what another home wrote.
    if (!user.writing) users_.reload(user);
  });
}

void UserHome::attach(User& user, EngineId from, const peer::Attach& frame) {
  const ConnId conn{frame.conn()};
  const bool announcement = frame.session_id() != 0;
  Device device{.device_id = frame.device_id(),
                .session = {},
                .engine = from,
                .conn = conn,
                .announced = announcement};
  const Device* same = user.device(from, conn);
  if (same && same->device_id != frame.device_id()) same = nullptr;
  if (announcement) {
    device.session = SessionId{frame.session_id()};
    if (has_newer(user, device)) {
      close_session(device, CloseCode::replaced, kReplaced);
      return;
    }
    user.last_session = std::max(user.last_session, device.session);
  } else if (same) {
    device.session =
        same->session;  // The first Attach or its answer was under way when a link ended.
  } else {
    // Grows also over a restart of this home: wall time leads unless a thousand sessions come in
    // one ms.
    const auto by_clock = static_cast<uint64_t>(context_.wall.ms) * 1'000;
    user.last_session = SessionId{std::max(user.last_session.value + 1, by_clock)};
    device.session = user.last_session;
  }
  close_older(user, from, conn, frame.device_id());
  device.attached = true;
  device.want_receipts = frame.want_receipts();
  device.login = LoginId{frame.login()};
  device.token_issued = WallTime{frame.token_issued_ms()};
  device.want_typing = frame.want_typing();
  user.devices.push_back(device);
  user.last_used = context_.now;
  book_.attached(user, frame.device_id(), frame.client());
  presence_.changed(user);

  const uint64_t head = user.head;
  const bool recovered = frame.has_cursor() && frame.epoch() == context_.options.store_epoch &&
                         frame.inbox_seq() <= head &&
                         frame.inbox_seq() + 1 >= user.oldest_inbox_seq &&
                         head - frame.inbox_seq() <= context_.policy().reset_gap;
  if (frame.has_cursor() && !recovered) ++context_.counters.resets;
  peer::Frame answer;
  peer::Attached& attached = *answer.mutable_attached();
  attached.set_user(user.id.value);
  attached.set_conn(conn.value);
  attached.set_session_id(device.session.value);
  attached.set_inbox_head(head);
  attached.set_recovered(recovered);
  attached.set_live(recovered && frame.inbox_seq() == head);
  attached.set_announced(announcement);
  context_.post(from, std::move(answer));
  if (!recovered || announcement) return;
  book_.acknowledged(user, frame.device_id(), frame.inbox_seq());
  marks_.acknowledged(user, frame.inbox_seq());
}

void UserHome::close_older(User& user, EngineId engine, ConnId conn, const std::string& device_id) {
  std::erase_if(user.devices, [&](const Device& device) {
    if (device.device_id != device_id) return false;
    if (device.attached && (device.engine != engine || device.conn != conn)) {
      close_session(device, CloseCode::replaced, kReplaced);
    }
    return true;
  });
}

void UserHome::close_session(const Device& device, CloseCode code, const std::string& reason) {
  if (code == CloseCode::replaced) ++context_.counters.devices_replaced;
  peer::Frame frame;
  frame.mutable_close_session()->set_conn(device.conn.value);
  frame.mutable_close_session()->set_code(static_cast<uint32_t>(code));
  frame.mutable_close_session()->set_reason(reason);
  frame.mutable_close_session()->set_session_id(device.session.value);
  context_.post(device.engine, std::move(frame));
}

/// Whether the device connected again after the session that is announced only now: by an Attach
/// to this home, or with a higher session id.
bool UserHome::has_newer(const User& user, const Device& announced) const {
  return std::any_of(user.devices.begin(), user.devices.end(), [&](const Device& device) {
    return device.device_id == announced.device_id && device.attached &&
           (device.engine != announced.engine || device.conn != announced.conn) &&
           (!device.announced || device.session > announced.session);
  });
}

void UserHome::on_edge(EngineId from, const peer::SessionEdge& frame) {
  users_.when_loaded(UserId{frame.user()}, [this, from, frame](User& user) {
    Device* device = user.device(from, ConnId{frame.conn()});
    if (!device) return;
    user.last_seen_ms = std::max(user.last_seen_ms, frame.last_frame_wall_ms());
    book_.seen(user, device->device_id, frame.last_frame_wall_ms());
    if (frame.edge() == peer::OFFLINE || device->login_ended) {
      go_offline(user, device->session, Parting::goodbye);
    } else {
      lose(user, *device, context_.policy().presence_grace);
    }
  });
}

void UserHome::lose(User& user, Device& device, Duration grace) {
  device.attached = false;
  device.offline_at = context_.now + grace;
  context_.arm(grace, TimerKind::device_grace, user.id.value, device.session.value);
}

void UserHome::go_offline(User& user, SessionId session, Parting parting) {
  std::erase_if(user.devices, [&](const Device& device) { return device.session == session; });
  user.last_used = context_.now;
  user.said_goodbye = parting == Parting::goodbye;
  presence_.changed(user);
  if (user.online()) return;
  book_.save(user, DeliveryMarks::take_position(user), user.last_seen_ms);
}

void UserHome::on_inbox_ack(const peer::InboxAck& frame) {
  users_.when_loaded(UserId{frame.user()}, [this, frame](User& user) {
    book_.acknowledged(user, frame.device_id(), frame.inbox_seq());
    marks_.acknowledged(user, frame.inbox_seq());
  });
}

void UserHome::head_moved(User& user) {
  for (const Device& device : user.devices) {
    if (device.attached) announce_head(user, device);
  }
}

void UserHome::announce_head(const User& user, const Device& device) {
  peer::Frame frame;
  peer::Attached& attached = *frame.mutable_attached();
  attached.set_user(user.id.value);
  attached.set_conn(device.conn.value);
  attached.set_session_id(device.session.value);
  attached.set_inbox_head(user.head);
  attached.set_recovered(true);
  attached.set_announced(true);
  context_.post(device.engine, std::move(frame));
}

// ---------------------------------------------------------------- inbox pages

void UserHome::on_sync_read(EngineId from, const peer::SyncRead& frame) {
  const uint64_t known = std::max<uint64_t>(frame.from_inbox_seq(), 1) - 1;
  when_known_through(UserId{frame.user()}, known, [this, from, frame](User& user) {
    const uint64_t cursor = frame.from_inbox_seq();
    const bool too_far =
        cursor > user.head + 1 || user.head + 1 - cursor > context_.policy().reset_gap;
    if (cursor < user.oldest_inbox_seq || too_far) {
      reset_page(user, from, frame);
    } else {
      inbox_page(user, from, frame);
    }
  });
}

void UserHome::inbox_page(User& user, EngineId from, const peer::SyncRead& frame) {
  const uint64_t cursor = frame.from_inbox_seq();
  if (cursor == user.head + 1) {
    v1::SyncPage page;
    page.set_next(cursor);
    post_page(from, frame, std::move(page), user.head);
    return;
  }
  ReadInbox command{.user = user.id, .from_inbox_seq = cursor};
  const EnginePolicy& policy = context_.policy();
  command.limit =
      frame.limit() == 0 ? policy.sync_events_max : std::min(frame.limit(), policy.sync_events_max);
  command.bytes_max = policy.page_bytes_max;
  context_.store(command, [this, from, frame](StoreResult& result) {
    User* reader = users_.find(UserId{frame.user()});
    const auto* read = std::get_if<InboxRead>(&result);
    v1::SyncPage page;
    uint64_t next = frame.from_inbox_seq();
    if (reader && read && !read->entries.empty() && read->entries.front().inbox_seq != next) {
      reset_page(*reader, from, frame);  // Trimmed below the cursor.
      return;
    }
    if (reader && read) {
      for (const InboxEntry& entry : read->entries) {
        if (entry.inbox_seq > reader->head) break;
        const bool shown = fill_entry(entry, reader->id, context_.wall, *page.add_entries());
        if (!shown) ++context_.counters.events_withheld;
        next = entry.inbox_seq + 1;
      }
    }
    // Without reader or result the page is empty and not the last: the device asks again.
    page.set_next(next);
    post_page(from, frame, std::move(page), reader ? reader->head : next);
  });
}

void UserHome::reset_page(User& user, EngineId from, const peer::SyncRead& frame) {
  ++context_.counters.resets;
  // The head before the read: what is appended meanwhile is delivered after it.
  const uint64_t head = user.head;
  context_.store(
      ListUserChats{
          .user = user.id, .unread_max = context_.policy().unread_max, .now_ms = context_.wall.ms},
      [this, from, frame, head](StoreResult& result) {
        const auto* listed = std::get_if<UserChatsListed>(&result);
        if (!listed) {
          post_no_page(from, frame);
          return;
        }
        v1::SyncPage page;
        page.set_reset(true);
        page.set_next(head + 1);
        for (const auto& item : listed->items) {
          if (!is_gravestone(item.chat)) fill_summary(item, *page.add_chats());
        }
        page.set_chats_complete(listed->complete);
        const User* reader = users_.find(UserId{frame.user()});
        post_page(from, frame, std::move(page), reader ? reader->head : head + 1);
      });
}

/// A snapshot without the chats would be taken for the truth: the device has to ask again.
void UserHome::post_no_page(EngineId to, const peer::SyncRead& request) {
  peer::Frame frame;
  peer::SyncResult& result = *frame.mutable_sync_result();
  result.set_user(request.user());
  result.set_conn(request.conn());
  result.set_reply_to(request.reply_to());
  *result.mutable_error() =
      wire_error(v1::UNAVAILABLE, "the chat store does not answer", kStoreRetryMs);
  context_.post(to, std::move(frame));
}

void UserHome::post_page(EngineId to, const peer::SyncRead& request, v1::SyncPage&& page,
                         uint64_t head) {
  peer::Frame frame;
  peer::SyncResult& result = *frame.mutable_sync_result();
  result.set_user(request.user());
  result.set_conn(request.conn());
  result.set_reply_to(request.reply_to());
  result.set_head(head);
  // Only a home that will push what follows may call a page the last one.
  const User* user = users_.find(UserId{request.user()});
  const auto asks = [&](const Device& device) {
    return device.attached && device.engine == to && device.conn.value == request.conn();
  };
  const bool attached = user && std::any_of(user->devices.begin(), user->devices.end(), asks);
  page.set_done(attached && page.next() == head + 1);
  *result.mutable_page() = std::move(page);
  context_.post(to, std::move(frame));
}

// ---------------------------------------------------------------- requests

void UserHome::on_request(EngineId from, const peer::HomeRequest& frame) {
  if (frame.has_read()) {
    users_.when_loaded(UserId{frame.user()},
                       [this, from, frame](User& user) { read(user, from, frame); });
  } else if (frame.has_list_devices() || frame.has_forget_device()) {
    users_.when_loaded(UserId{frame.user()},
                       [this, from, frame](User& user) { devices(user, from, frame); });
  } else if (frame.has_receipts_since()) {
    receipts_.list(from, frame);
  } else if (frame.has_list_chats()) {
    list_chats(from, frame);
  } else {
    presence_.fetch(from, frame);
  }
}

void UserHome::read(User& user, EngineId from, const peer::HomeRequest& frame) {
  const auto chat = ChatId::from_bytes(frame.read().chat_id());
  const auto view = chat ? user.chats.find(*chat) : user.chats.end();
  if (view == user.chats.end()) {
    reply(from, frame.request_id(),
          context_.owns(user.id)
              ? error_response(v1::PERMISSION_DENIED, "you are no member of this chat")
              : error_response(v1::UNAVAILABLE, "the user's home is moving"));
    return;
  }
  const uint64_t up_to = frame.read().up_to_seq();
  if (up_to <= view->second.last_ref_seq) {
    writer_.add_read_marker(user, *chat, up_to, from, frame.request_id());
    return;
  }
  // The inbox does not know whether there is so much: of a room it knows nothing.
  ReadEvents command{.chat = *chat, .to_seq = up_to};
  command.limit = 1;
  command.newest_first = true;
  context_.store(command, [this, from, frame, chat](StoreResult& result) {
    const auto* events = std::get_if<EventsRead>(&result);
    User* reader = users_.in_memory(UserId{frame.user()});
    if (!events || !reader) {
      reply(from, frame.request_id(),
            error_response(v1::UNAVAILABLE, "the chat store does not answer"));
      return;
    }
    const uint64_t last = events->rows.empty() ? 0 : events->rows.back().seq;
    writer_.add_read_marker(*reader, *chat, last, from, frame.request_id());
  });
}

void UserHome::devices(User& user, EngineId from, const peer::HomeRequest& frame) {
  if (!context_.owns(user.id)) {
    reply(from, frame.request_id(), error_response(v1::UNAVAILABLE, "the user's home is moving"));
    return;
  }
  if (frame.has_forget_device()) {
    const std::string& id = frame.forget_device().device_id();
    if (!book_.forget(user, id)) {
      reply(from, frame.request_id(), error_response(v1::NOT_FOUND, "there is no such device"));
      return;
    }
    const auto same = std::find_if(user.devices.begin(), user.devices.end(),
                                   [&](const Device& device) { return device.device_id == id; });
    if (same != user.devices.end()) {
      if (same->attached) close_session(*same, CloseCode::revoked, "the device was forgotten");
      go_offline(user, SessionId(same->session), Parting::goodbye);
    }
    book_.save(user, std::nullopt, std::nullopt);
  }
  v1::Response response;
  book_.list(user, *response.mutable_devices());
  reply(from, frame.request_id(), std::move(response));
}

void UserHome::list_chats(EngineId from, const peer::HomeRequest& frame) {
  ListUserChats command{.user = UserId{frame.user()},
                        .after = ChatId::from_bytes(frame.list_chats().after_chat_id())};
  command.unread_max = context_.policy().unread_max;
  command.now_ms = context_.wall.ms;
  if (frame.list_chats().limit() > 0) command.limit = std::min(frame.list_chats().limit(), 500u);
  context_.store(command, [this, from, id = frame.request_id()](StoreResult& result) {
    const auto* listed = std::get_if<UserChatsListed>(&result);
    if (!listed) {
      reply(from, id, error_response(v1::UNAVAILABLE, "the chat store does not answer"));
      return;
    }
    v1::Response response;
    v1::ChatList& list = *response.mutable_chat_list();
    for (const auto& item : listed->items) {
      if (!is_gravestone(item.chat)) fill_summary(item, *list.add_chats());
    }
    if (!listed->complete && !listed->items.empty()) {
      list.set_next_after_chat_id(listed->items.back().view.chat.str());
    }
    reply(from, id, std::move(response));
  });
}

void UserHome::reply(EngineId to, uint64_t request_id, v1::Response&& response) {
  peer::Frame frame;
  frame.mutable_reply()->set_request_id(request_id);
  *frame.mutable_reply()->mutable_response() = std::move(response);
  context_.post(to, std::move(frame));
}

// ---------------------------------------------------------------- changes around it

void UserHome::on_touched(const peer::Touched& frame) {
  for (uint64_t id : frame.users()) {
    if (User* user = users_.in_memory(UserId{id})) users_.read_again(*user);
  }
}

void UserHome::on_ring_changed() {
  MoveNotice notice(context_);
  users_.on_ring_changed([&](UserId lost) {
    ++context_.counters.home_moves;
    // What was written here at last may be newer than what the new home has read.
    notice.add(lost);
  });
  for (size_t i = users_.size(); i-- > 0;) {
    User& user = users_.at(i);
    marks_.resend(user);
    if (!user.owned) leave(user);
  }
  presence_.on_ring_changed();
}

/// The session homes attach at the new home. One whose ring went here and back at once would not
/// know that it has to.
void UserHome::leave(User& user) {
  user.said_goodbye = false;
  for (const Device& device : std::exchange(user.devices, {})) {
    if (device.attached) {
      refuse_attach(user.id, device.engine, device.conn);
    } else {
      hand_over(user, device);
    }
  }
  // The next sweep forgets it: there may be very many.
  if (user.state == User::State::ready && quiet(user)) user.state = User::State::unread;
}

void UserHome::on_peer_lost(EngineId peer) {
  presence_.on_peer_lost(peer);
  const auto lose_all = [this, peer](User& user) {
    for (Device& device : user.devices) {
      if (device.engine == peer && device.attached) {
        lose(user, device, context_.policy().presence_grace);
      }
    }
  };
  MoveNotice notice(context_);
  for (size_t i = 0; i < users_.size(); ++i) {
    User& user = users_.at(i);
    marks_.resend(user);
    // What told it of the last write may be lost with the link.
    if (!user.owned && context_.home_of(user.id) == peer) notice.add(user.id);
    if (user.state == User::State::ready) {
      lose_all(user);
    } else if (user.state == User::State::loading) {
      user.waiting.push_back(lose_all);  // After an Attach that waits.
    }
  }
  receipts_.on_peer_lost(peer);
}

void UserHome::end_turn() {
  writer_.end_turn();
  context_.counters.users_loaded = users_.size();
}

void UserHome::on_timer(TimerKind kind, uint64_t id, uint64_t extra) {
  if (kind == TimerKind::user_reload) {
    users_.on_reload_timer(UserId{id});
  } else if (kind == TimerKind::user_sweep) {
    sweep();
  } else if (kind != TimerKind::device_grace) {
    presence_.on_timer(kind, id);
  } else {
    users_.when_loaded(UserId{id}, [this, extra](User& user) {
      const Device* device = user.device(SessionId{extra});
      if (device && !device->attached && context_.now >= device->offline_at) {
        go_offline(user, device->session, Parting::silence);
      }
    });
  }
}

/// Looks at some users now and at the next ones after a pause, for there may be very many.
void UserHome::sweep() {
  if (sweep_left_ == 0) {
    sweep_left_ = users_.size();
    sweep_saves_ = context_.now >= next_last_seen_;
    if (sweep_saves_) next_last_seen_ = context_.now + context_.policy().last_seen_interval;
  }
  for (size_t i = 0; i < kSweptAtOnce && sweep_left_ > 0; ++i) sweep(users_.at(--sweep_left_));
  context_.arm(sweep_left_ > 0 ? kSweepPause : kSweepInterval, TimerKind::user_sweep);
}

void UserHome::sweep(User& user) {
  if (user.state == User::State::loading) return;
  if (user.state == User::State::unread) {
    users_.forget(user.id);
    return;
  }
  std::optional<int64_t> last_seen_ms;
  if (sweep_saves_ && user.attached()) {
    last_seen_ms = user.last_seen_ms = context_.wall.ms;
    for (const Device& device : user.devices) {
      if (device.attached) book_.seen(user, device.device_id, context_.wall.ms);
    }
  }
  book_.save(user, DeliveryMarks::take_position(user), last_seen_ms);
  book_.trim(user);
  if (idle(user)) users_.forget(user.id);
}

bool UserHome::idle(const User& user) const {
  return quiet(user) && context_.now - user.last_used > context_.policy().idle_eviction;
}

bool UserHome::quiet(const User& user) const {
  return user.devices.empty() && user.jobs.empty() && !user.writing && !user.dirty &&
         user.unstored_marks.empty() && !user.delivered_reading;
}

}  // namespace chat
