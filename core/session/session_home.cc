#include "core/session/session_home.h"

#include <algorithm>

#include "core/base/utf8.h"
#include "core/home/replies.h"
#include "core/policy/inbound_limits.h"
#include "core/wire/frame_codec.h"
#include "core/wire/peer.pb.h"

namespace chat {
namespace {

constexpr size_t kEarlyFramesMax = 64;
constexpr size_t kDeviceIdMax = 64;
constexpr size_t kCloseReasonBytesMax = 123;  // The room of a close frame.
constexpr Duration kAttachRetry = milliseconds(50);

AdmissionOptions admission_options(const RuntimeLimits& limits) {
  return {.accepts_per_second = limits.accepts_per_second,
          .accepts_burst = limits.accepts_per_second};
}

}  // namespace

class SessionHome::Bodies {
 public:
  explicit Bodies(const peer::InboxPush& frame) : frame_(frame) {}

  const std::string& get(Encoding encoding, uint32_t index) {
    auto& bodies = encoding == Encoding::proto ? proto_ : json_;
    bodies.resize(static_cast<size_t>(frame_.events_size()));
    if (bodies[index].empty()) {
      // Stored events were encoded by a chat home: they decode.
      bodies[index] = wire::encode_event_body(encoding, event(index).event()).value();
    }
    return bodies[index];
  }
  const peer::StoredEvent& event(uint32_t index) const {
    return frame_.events(static_cast<int>(index));
  }

 private:
  const peer::InboxPush& frame_;
  std::vector<std::string> proto_, json_;
};

SessionHome::SessionHome(EngineContext& context)
    : context_(context),
      output_(context, sessions_),
      requests_(context),
      rooms_(context, sessions_, output_, requests_),
      receipts_(context, sessions_, output_, requests_),
      tokens_(context, sessions_, output_),
      watch_(context, sessions_, output_),
      typing_(context, sessions_, output_, rooms_),
      frames_(context, sessions_, output_, requests_, rooms_, tokens_, watch_),
      drainer_(context, sessions_, output_),
      admission_(admission_options(context.limits())),
      presence_(PresenceWheel::timeout_ticks(context.policy().heartbeat_interval, ticks_)) {
  // A log-out says that the user went; any other end may be followed by a reconnect.
  output_.set_closing(
      [this](Session& session, CloseCode code) { detach(session, code == CloseCode::revoked); });
}

void SessionHome::start() { requests_.start(); }

// ---------------------------------------------------------------- connections

void SessionHome::on_opened(Opened& input) {
  ++context_.counters.connections_opened;
  Session& session = sessions_.open(input.conn);
  session.encoding = input.encoding;
  session.address = std::move(input.address);
  session.opened_at = context_.wall;
  const EnginePolicy& policy = context_.policy();
  session.source = limit_key(session.address);
  session.frames = TokenBucket(frame_bucket(context_.limits().frames_per_second));
  if (drainer_.is_draining()) {
    drainer_.refuse(session);
    return;
  }
  session.admitted = admission_.admit(context_.now) == AdmissionVerdict::accept;
  if (!session.admitted) {
    ++context_.counters.connections_refused;
    output_.close(session, CloseCode::too_many_requests, "too many connections at a time");
    return;
  }
  context_.arm(policy.hello_timeout, TimerKind::hello_timeout, input.conn.value);
}

void SessionHome::on_received(Received& input) {
  Session* session = sessions_.find(input.conn);
  if (!session || session->closing) return;
  context_.counters.bytes_in += input.bytes.size();
  session->last_frame_at = context_.wall;
  if (session->phase == Session::Phase::active) alive_.push_back(session->slot);
  if (input.bytes.size() > context_.policy().frame_bytes_max) {
    protocol_error(*session, "the message is larger than frame_bytes_max");
    return;
  }
  v1::ClientBatch batch;
  if (Status status = wire::decode_client_batch(session->encoding, input.bytes, batch); !status) {
    protocol_error(*session, status.error().text);
    return;
  }
  for (const v1::ClientFrame& frame : batch.frames()) {
    if (session->closing) return;
    ++context_.counters.frames_in;
    on_frame(*session, frame);
  }
}

void SessionHome::on_frame(Session& session, const v1::ClientFrame& frame) {
  if (frame.has_hello()) {
    on_hello(session, frame);
    return;
  }
  switch (session.phase) {
    case Session::Phase::opened:
      protocol_error(session, "the first frame has to be Hello");
      break;
    case Session::Phase::authenticating:
    case Session::Phase::attaching:
      if (session.early.size() >= kEarlyFramesMax) {
        protocol_error(session, "too many frames before Welcome");
      } else {
        session.early.push_back(frame);
      }
      break;
    case Session::Phase::active:
      if (tokens_.check(session)) frames_.on_frame(session, frame);
      break;
  }
}

void SessionHome::protocol_error(Session& session, std::string text) {
  ++context_.counters.protocol_errors;
  output_.error(session, 0, wire_error(v1::INVALID_ARGUMENT, text));
  output_.close(session, CloseCode::protocol_error, displayable(text, kCloseReasonBytesMax));
}

void SessionHome::on_sent(const Sent& input) {
  if (Session* session = sessions_.find(input.conn)) output_.on_sent(*session);
}

void SessionHome::on_closed(const Closed& input) {
  Session* session = sessions_.find(input.conn);
  if (!session) return;
  ++context_.counters.connections_closed;
  if (!session->closing) {
    detach(*session, input.code == CloseCode::normal || input.code == CloseCode::going_away);
  }
  if (session->admitted) admission_.closed();
  sessions_.close(*session);
}

/// The session serves no longer; its connection may still be there.
void SessionHome::detach(Session& session, bool clean) {
  rooms_.leave_all(session);
  watch_.leave(session);
  presence_.remove(session.slot);
  tokens_.end(session);
  std::erase(alive_, session.slot);
  // While it attaches the user home may know it already.
  if (session.phase < Session::Phase::attaching) return;
  if (session.phase == Session::Phase::active) --context_.counters.sessions;
  const auto home = context_.home_of(session.user);
  if (!home) return;
  // A home that does not know the session yet would not care for its end.
  if (session.unannounced && session.phase == Session::Phase::active) announce(session);
  peer::Frame frame;
  peer::SessionEdge& edge = *frame.mutable_edge();
  edge.set_user(session.user.value);
  edge.set_conn(session.conn.value);
  edge.set_session_id(session.session.value);
  edge.set_edge(clean ? peer::OFFLINE : peer::LOST);
  edge.set_last_frame_wall_ms(session.last_frame_at.ms);
  context_.post(*home, std::move(frame));
}

// ---------------------------------------------------------------- hello

void SessionHome::on_hello(Session& session, const v1::ClientFrame& frame) {
  const v1::Hello& hello = frame.hello();
  if (session.phase != Session::Phase::opened) {
    protocol_error(session, "a second Hello on one connection");
    return;
  }
  if (hello.device_id().empty() || hello.device_id().size() > kDeviceIdMax) {
    protocol_error(session, "device_id has to have 1 to 64 bytes");
    return;
  }
  session.phase = Session::Phase::authenticating;
  session.hello_id = frame.id();
  session.hello = std::make_unique<v1::Hello>(hello);
  session.device_id = hello.device_id();
  session.client = hello.client().name();
  session.want_receipts = hello.want().receipts();
  session.want_typing = hello.want().typing();
  session.want_presence = hello.want().presence();
  session.hello->clear_token();
  // One check of credentials per connection: its id is the token.
  context_.emit(Authenticate{AuthToken{session.conn.value}, hello.token()});
}

void SessionHome::on_auth_done(AuthDone& input) {
  if (TokenWatch::is_refresh(input.token)) {
    const bool is_newer_login = tokens_.on_auth_done(input);
    if (is_newer_login) announce_login(*sessions_.find(TokenWatch::conn_of(input.token)));
    return;
  }
  Session* session = sessions_.find(ConnId{input.token.value});
  if (!session || session->closing || session->phase != Session::Phase::authenticating) return;
  if (input.identity) {
    authenticated(*session, *input.identity);
    return;
  }
  ++context_.counters.auth_failures;
  const bool temporary = input.identity.error().code == ErrorCode::unavailable;
  output_.error(
      *session, session->hello_id,
      wire_error(temporary ? v1::UNAVAILABLE : v1::UNAUTHENTICATED, input.identity.error().text));
  output_.close(*session, temporary ? CloseCode::server_error : CloseCode::bad_token,
                temporary ? "cannot check tokens now" : "the token is not valid");
}

void SessionHome::authenticated(Session& session, const Identity& identity) {
  session.phase = Session::Phase::attaching;
  session.user = identity.user;
  tokens_.accept(session, identity);
  sessions_.bind_user(session);
  attach(session);
}

void SessionHome::attach(Session& session) {
  const auto home = context_.home_of(session.user);
  session.home = home.value_or(EngineId{});
  if (!home) return;  // The next ring attaches it.
  peer::Frame frame = attach_frame(session);
  peer::Attach& attach = *frame.mutable_attach();
  attach.set_has_cursor(session.hello->has_resume());
  attach.set_epoch(session.hello->resume().epoch());
  attach.set_inbox_seq(session.hello->resume().inbox_seq());
  context_.post(*home, std::move(frame));
}

/// What a new session and one that is announced tell alike.
peer::Frame SessionHome::attach_frame(const Session& session) const {
  peer::Frame frame;
  peer::Attach& attach = *frame.mutable_attach();
  attach.set_user(session.user.value);
  attach.set_conn(session.conn.value);
  attach.set_device_id(session.device_id);
  attach.set_want_receipts(session.want_receipts);
  attach.set_client(session.client);
  attach.set_login(session.login.value);
  attach.set_token_issued_ms(session.token_issued.ms);
  attach.set_want_typing(session.want_typing);
  return frame;
}

/// Tells a new user home of a session that lives.
void SessionHome::announce(Session& session) {
  const auto home = context_.home_of(session.user);
  session.home = home.value_or(EngineId{});
  if (!home) return;
  peer::Frame frame = attach_frame(session);
  frame.mutable_attach()->set_session_id(session.session.value);
  context_.post(*home, std::move(frame));
  peer::Frame ack;
  ack.mutable_inbox_ack()->set_user(session.user.value);
  ack.mutable_inbox_ack()->set_device_id(session.device_id);
  ack.mutable_inbox_ack()->set_inbox_seq(session.acked_through);
  context_.post(*home, std::move(ack));
  frames_.post_sync_read(session);
  // What the home before was about to tell is lost.
  receipts_.missed(session, context_.wall.ms);
}

void SessionHome::on_attached(EngineId from, const peer::Attached& frame) {
  if (frame.has_error()) ++refusals_[from];
  Session* session = sessions_.find(ConnId{frame.conn()});
  if (!session || session->closing || session->user.value != frame.user()) return;
  if (session->home != from) return;  // The home moved, and the new one was asked.
  if (frame.has_error()) {
    announce_later(*session, kAttachRetry);
  } else if (session->phase == Session::Phase::attaching && !frame.announced()) {
    welcome(*session, frame);
  } else if (session->phase == Session::Phase::active) {
    announced(*session, frame);
  }
}

void SessionHome::welcome(Session& session, const peer::Attached& frame) {
  const EnginePolicy& policy = context_.policy();
  session.phase = Session::Phase::active;
  session.session = SessionId{frame.session_id()};
  session.live = frame.live();
  session.head_seen = frame.inbox_head();
  session.pushed_through =
      frame.recovered() ? session.hello->resume().inbox_seq() : frame.inbox_head();
  session.acked_through = frame.recovered() ? session.pushed_through : 0;
  session.reset_due = session.hello->has_resume() && !frame.recovered();
  const int64_t receipts_since_ms = session.hello->want().receipts_since_ms();
  session.hello.reset();
  ++context_.counters.sessions;
  presence_.add(session.slot, ticks_.round_up(context_.now));
  arm_sweep();
  tokens_.begin(session);

  v1::ServerFrame answer;
  answer.set_reply_to(session.hello_id);
  v1::Welcome& welcome = *answer.mutable_welcome();
  welcome.set_session_id(frame.session_id());
  welcome.set_epoch(context_.options.store_epoch);
  welcome.set_inbox_head(frame.inbox_head());
  welcome.set_recovered(frame.recovered());
  welcome.set_live(frame.live());
  welcome.set_user_id(session.user.value);
  welcome.set_heartbeat_interval_ms(static_cast<uint32_t>(policy.heartbeat_interval.ms()));
  welcome.set_server_time_ms(context_.wall.ms);
  welcome.set_token_ttl_ms(std::max<int64_t>((session.token_ends - context_.now).ms(), 0));
  welcome.set_reconnect_window_ms(static_cast<uint32_t>(admission_.reconnect_window().ms()));
  v1::Limits& limits = *welcome.mutable_limits();
  limits.set_message_bytes_max(policy.message_bytes_max);
  limits.set_frame_bytes_max(policy.frame_bytes_max);
  limits.set_sends_unanswered_max(policy.sends_unanswered_max);
  limits.set_sync_events_max(policy.sync_events_max);
  limits.set_history_events_max(policy.history_events_max);
  limits.set_group_members_max(context_.limits().group_members_max);
  welcome.set_presence_mode(static_cast<v1::PresenceMode>(watch_.mode_of(session)));
  output_.push(session, answer, SendLane::control);
  if (receipts_since_ms > 0) receipts_.missed(session, receipts_since_ms);
  for (const v1::ClientFrame& early : std::exchange(session.early, {})) {
    if (session.closing) return;
    frames_.on_frame(session, early);
  }
}

void SessionHome::announced(Session& session, const peer::Attached& frame) {
  session.head_seen = std::max(session.head_seen, frame.inbox_head());
  if (session.live && frame.inbox_head() > session.pushed_through) output_.lag_inbox(session);
}

void SessionHome::on_close_session(const peer::CloseSession& frame) {
  Session* session = sessions_.find(ConnId{frame.conn()});
  if (!session || session->session.value != frame.session_id()) return;
  output_.close(*session, static_cast<CloseCode>(frame.code()), frame.reason());
}

// ---------------------------------------------------------------- log-ins

void SessionHome::on_account_changed(const AccountChanged& input) {
  for (uint32_t slot : sessions_.of_user(input.user)) {
    Session& session = *sessions_.at(slot);
    if (session.closing || !input.ends(session.login, session.token_issued)) continue;
    ++context_.counters.sessions_revoked;
    output_.close(session, CloseCode::revoked, "the log-in has ended");
  }
}

/// The user home has to know which log-in a device stands in, to end its grace with it.
void SessionHome::announce_login(const Session& session) {
  const auto home = context_.home_of(session.user);
  if (!home) return;
  peer::Frame frame;
  peer::SessionLogin& login = *frame.mutable_session_login();
  login.set_user(session.user.value);
  login.set_conn(session.conn.value);
  login.set_login(session.login.value);
  login.set_token_issued_ms(session.token_issued.ms);
  context_.post(*home, std::move(frame));
}

// ---------------------------------------------------------------- inbox

void SessionHome::on_inbox_push(const peer::InboxPush& frame) {
  Bodies bodies(frame);
  for (const peer::PushTo& to : frame.to()) {
    for (uint32_t slot : sessions_.of_user(UserId{to.user()})) {
      Session& session = *sessions_.at(slot);
      if (session.active()) push_entries(session, to, bodies);
    }
  }
}

void SessionHome::push_entries(Session& session, const peer::PushTo& to, Bodies& bodies) {
  if (to.has_own_read()) {
    session.head_seen = std::max(session.head_seen, to.first_inbox_seq());
    if (!session.live || to.first_inbox_seq() <= session.pushed_through) return;
    v1::ServerFrame frame;
    frame.set_inbox_seq(to.first_inbox_seq());
    *frame.mutable_receipt() = to.own_read();
    push_entry(
        session, to.first_inbox_seq(),
        std::make_shared<const std::string>(wire::encode_server_frame(session.encoding, frame)));
    return;
  }
  for (uint32_t i = 0; i < to.count(); ++i) {
    const uint64_t inbox_seq = to.first_inbox_seq() + i;
    session.head_seen = std::max(session.head_seen, inbox_seq);
    if (!session.live || inbox_seq <= session.pushed_through) continue;
    const uint32_t index = to.event_index() + i;
    const peer::StoredEvent& event = bodies.event(index);
    const bool own = event.author() == session.user.value;
    if (!push_entry(session, inbox_seq,
                    std::make_shared<const std::string>(wire::join_event_frame(
                        session.encoding, bodies.get(session.encoding, index), inbox_seq,
                        own ? std::string_view(event.client_msg_id()) : std::string_view())))) {
      continue;
    }
    ++context_.counters.events_pushed;
  }
}

bool SessionHome::push_entry(Session& session, uint64_t inbox_seq, SharedBytes bytes) {
  if (inbox_seq != session.pushed_through + 1) {
    output_.lag_inbox(session);
    return false;
  }
  if (!output_.push(session, std::move(bytes), SendLane::durable)) return false;
  session.pushed_through = inbox_seq;
  return true;
}

void SessionHome::on_sync_result(EngineId from, peer::SyncResult& frame) {
  Session* session = sessions_.find(ConnId{frame.conn()});
  if (!session || !session->active() || !session->sync) return;
  if (session->user.value != frame.user()) return;
  if (session->home != from || session->sync->reply_to != frame.reply_to()) return;
  session->sync.reset();
  if (frame.has_error()) {
    output_.error(*session, frame.reply_to(), frame.error());
    return;
  }
  ++context_.counters.sync_pages;
  if (frame.page().reset()) session->reset_due = false;
  const uint64_t next = frame.page().next();
  // A page that was made before the user moved here and back may not know all that was told since.
  const bool done = frame.page().done() && next > session->head_seen;
  frame.mutable_page()->set_done(done);
  v1::ServerFrame answer;
  answer.set_reply_to(frame.reply_to());
  *answer.mutable_sync_page() = std::move(*frame.mutable_page());
  if (!output_.push(*session, answer, SendLane::control)) return;
  session->head_seen = std::max(session->head_seen, frame.head());
  session->pushed_through = next - 1;
  session->live = done;
  if (!done) return;
  session->queue.clear_lagged();  // From now on a dropped entry has to be told.
  receipts_.on_live(*session);
}

// ---------------------------------------------------------------- homes that change, time

void SessionHome::on_ring_changed() {
  requests_.resend(std::nullopt);
  rooms_.on_homes_changed(std::nullopt);
  watch_.on_homes_changed(std::nullopt);
  announce_where(std::nullopt);
}

void SessionHome::on_limits_changed() {
  admission_.set_options(admission_options(context_.limits()));
  frames_.on_limits_changed();
  const TokenBucketOptions rate = frame_bucket(context_.limits().frames_per_second);
  sessions_.for_each([&](Session& session) { session.frames.set_options(rate); });
  watch_.on_limits_changed();
}

void SessionHome::on_peer_lost(EngineId peer) {
  requests_.resend(peer);
  rooms_.on_homes_changed(peer);
  watch_.on_homes_changed(peer);
  refusals_.erase(peer);
  announce_where(peer);
}

void SessionHome::on_timer(TimerKind kind, uint64_t id) {
  if (kind == TimerKind::presence_sweep) {
    sweep_presence();
    return;
  }
  if (kind == TimerKind::request_sweep) {
    requests_.on_sweep_timer();
    return;
  }
  if (kind == TimerKind::announce_sessions) {
    announce_next();
    return;
  }
  if (kind == TimerKind::token_sweep) {
    tokens_.on_timer();
    return;
  }
  if (kind == TimerKind::drain) {
    drainer_.on_timer();
    return;
  }
  if (kind == TimerKind::receipt_catch_up) {
    receipts_.on_timer();
    return;
  }
  if (kind == TimerKind::presence_work) {
    watch_.on_work_timer();
    return;
  }
  if (kind == TimerKind::presence_watcher) {
    watch_.on_watcher_timer(ConnId{id});
    return;
  }
  Session* session = sessions_.find(ConnId{id});
  if (!session || session->closing) return;
  if (kind == TimerKind::stall_check) {
    output_.on_stall_timer(*session);
  } else if (kind == TimerKind::hello_timeout && session->phase == Session::Phase::opened) {
    ++context_.counters.hello_timeouts;
    output_.close(*session, CloseCode::no_hello, "no Hello in time");
  }
}

void SessionHome::arm_sweep() {
  const auto next = presence_.next_sweep();
  if (!next || std::exchange(sweep_armed_, true)) return;
  const Instant at = std::max(ticks_.start_of(*next), context_.now);
  context_.arm(at - context_.now, TimerKind::presence_sweep);
}

void SessionHome::sweep_presence() {
  sweep_armed_ = false;
  std::vector<uint32_t> silent;
  presence_.sweep(ticks_.round_down(context_.now), silent);
  for (uint32_t slot : silent) {
    Session* session = sessions_.at(slot);
    if (!session || !session->active()) continue;
    ++context_.counters.heartbeat_timeouts;
    output_.close(*session, CloseCode::no_heartbeat, "no sign of life");
  }
  arm_sweep();
}

void SessionHome::end_turn() {
  presence_.refresh(alive_, ticks_.round_up(context_.now));
  alive_.clear();
  watch_.end_turn();
  output_.end_turn();
  context_.counters.connections = sessions_.size();
}

}  // namespace chat
