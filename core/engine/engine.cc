#include "core/engine/engine.h"

#include "core/base/assert.h"
#include "core/engine/context.h"
#include "core/home/authored_list.h"
#include "core/home/chat_home.h"
#include "core/home/user_home.h"
#include "core/peer/peer_mesh.h"
#include "core/session/session_home.h"
#include "core/wire/peer.pb.h"

namespace chat {

/// The parts of an engine and the routing between them; every decision is in a part.
struct Engine::Impl {
  explicit Impl(EngineOptions options)
      : context(std::move(options)),
        mesh(context),
        sessions(context),
        users(context),
        chats(context),
        authored(context) {
    context.set_post([this](EngineId to, peer::Frame&& frame) { mesh.post(to, std::move(frame)); });
    context.set_peers([this] { return mesh.peers(); });
  }

  EngineContext context;
  PeerMesh mesh;
  SessionHome sessions;
  UserHome users;
  ChatHome chats;
  AuthoredList authored;
  Instant armed = kNever;  // The WakeAt that the driver has.
  bool started = false;

  void start();
  void fire_timers();
  void on_timer(const TimerEvent& event);
  void route(Input& input);
  void ring_changed(const RingChanged& input);
  void limits_changed(const LimitsChanged& input);
  void account_changed(const AccountChanged& input);
  void drain();
  void dispatch(EngineId from, peer::Frame& frame);
  void dispatch_to_chats(EngineId from, peer::Frame& frame);
  void dispatch_presence(EngineId from, peer::Frame& frame);
  void dispatch_request(EngineId from, peer::HomeRequest& request);
};

Engine::Engine(EngineOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Engine::~Engine() = default;

const EngineCounters& Engine::counters() const { return impl_->context.counters; }

void Engine::begin_turn(Instant now, WallTime wall) {
  EngineContext& context = impl_->context;
  CHAT_ASSERT(now >= context.now || !impl_->started);
  context.now = now;
  context.wall = wall;
  ++context.counters.turns;
  if (!std::exchange(impl_->started, true)) impl_->start();
  impl_->fire_timers();
}

void Engine::handle(Input input) {
  ++impl_->context.counters.inputs;
  impl_->route(input);
  impl_->drain();
}

void Engine::end_turn() {
  Impl& engine = *impl_;
  engine.users.end_turn();
  engine.drain();
  engine.users.tell_watchers();
  engine.drain();
  engine.chats.end_turn();
  engine.sessions.end_turn();
  engine.mesh.end_turn();
  const Instant wake = std::min(engine.context.timers.next_deadline(), engine.mesh.next_wake());
  if (wake != engine.armed && wake != kNever) {
    engine.armed = wake;
    engine.context.emit(WakeAt{wake});
  }
}

bool Engine::poll(Output& output) { return impl_->context.take_output(output); }

void Engine::Impl::start() {
  sessions.start();
  users.start();
  chats.start();
}

void Engine::Impl::fire_timers() {
  if (armed <= context.now) armed = kNever;
  while (const auto event = context.timers.pop_due(context.now)) {
    on_timer(*event);
    drain();
  }
  drain();
}

void Engine::Impl::on_timer(const TimerEvent& event) {
  const auto kind = static_cast<TimerKind>(event.kind);
  switch (kind) {
    case TimerKind::hello_timeout:
    case TimerKind::stall_check:
    case TimerKind::presence_sweep:
    case TimerKind::request_sweep:
    case TimerKind::announce_sessions:
    case TimerKind::token_sweep:
    case TimerKind::drain:
    case TimerKind::receipt_catch_up:
    case TimerKind::presence_watcher:
    case TimerKind::presence_work:
      sessions.on_timer(kind, event.id);
      break;
    case TimerKind::device_grace:
    case TimerKind::user_sweep:
    case TimerKind::user_reload:
    case TimerKind::presence_certain:
    case TimerKind::presence_fetch:
    case TimerKind::presence_tell:
      users.on_timer(kind, event.id, event.extra);
      break;
    case TimerKind::chat_flush:
    case TimerKind::chat_receipts:
    case TimerKind::chat_reload:
    case TimerKind::chat_sweep:
    case TimerKind::chat_delay:
    case TimerKind::chat_agenda:
      chats.on_timer(kind, event.id);
      break;
  }
}

void Engine::Impl::route(Input& input) {
  std::visit(
      [this](auto& in) {
        using T = std::decay_t<decltype(in)>;
        if constexpr (std::is_same_v<T, Opened>) sessions.on_opened(in);
        if constexpr (std::is_same_v<T, Received>) sessions.on_received(in);
        if constexpr (std::is_same_v<T, Sent>) sessions.on_sent(in);
        if constexpr (std::is_same_v<T, Closed>) sessions.on_closed(in);
        if constexpr (std::is_same_v<T, AuthDone>) sessions.on_auth_done(in);
        if constexpr (std::is_same_v<T, Drain>) sessions.on_drain(in);
        if constexpr (std::is_same_v<T, AccountChanged>) account_changed(in);
        if constexpr (std::is_same_v<T, RequestInput>) sessions.on_request(in);
        if constexpr (std::is_same_v<T, PeerReceived>) mesh.receive(in.datagram);
        if constexpr (std::is_same_v<T, PeerUp>) mesh.peer_up(in.peer);
        if constexpr (std::is_same_v<T, PeerDown>) mesh.peer_down(in.peer);
        if constexpr (std::is_same_v<T, StoreDone>) context.store_done(in);
        if constexpr (std::is_same_v<T, DelayDone>) context.delay_done(in);
        if constexpr (std::is_same_v<T, DelayLoaded>) chats.on_delay_loaded(in);
        if constexpr (std::is_same_v<T, AccountDone>) context.account_done(in);
        if constexpr (std::is_same_v<T, RingChanged>) ring_changed(in);
        if constexpr (std::is_same_v<T, LimitsChanged>) limits_changed(in);
      },
      input);
}

void Engine::Impl::ring_changed(const RingChanged& input) {
  for (const EngineRef& engine : input.homes) mesh.peer_in_ring(engine);
  Ring ring(input.homes);
  if (ring == context.ring) return;
  context.ring = std::move(ring);
  users.on_ring_changed();
  chats.on_ring_changed();
  sessions.on_ring_changed();
}

void Engine::Impl::limits_changed(const LimitsChanged& input) {
  context.set_limits(input.limits);
  sessions.on_limits_changed();
}

void Engine::Impl::account_changed(const AccountChanged& input) {
  sessions.on_account_changed(input);
  users.on_account_changed(input);
}

/// Handles what the engine said to itself, what peers said, and links that ended, until nothing is
/// left.
void Engine::Impl::drain() {
  for (;;) {
    for (EngineId lost : mesh.take_lost()) {
      users.on_peer_lost(lost);
      chats.on_peer_lost(lost);
      sessions.on_peer_lost(lost);
    }
    auto arrived = mesh.next();
    if (!arrived) return;
    dispatch(arrived->from, *arrived->frame);
  }
}

void Engine::Impl::dispatch(EngineId from, peer::Frame& frame) {
  using F = peer::Frame;
  switch (frame.body_case()) {
    case F::kAttach:
      users.on_attach(from, frame.attach());
      break;
    case F::kAttached:
      sessions.on_attached(from, frame.attached());
      break;
    case F::kEdge:
      users.on_edge(from, frame.edge());
      break;
    case F::kSessionLogin:
      users.on_session_login(from, frame.session_login());
      break;
    case F::kInboxAck:
      users.on_inbox_ack(frame.inbox_ack());
      break;
    case F::kInboxPush:
      sessions.on_inbox_push(frame.inbox_push());
      break;
    case F::kSyncRead:
      users.on_sync_read(from, frame.sync_read());
      break;
    case F::kSyncResult:
      sessions.on_sync_result(from, *frame.mutable_sync_result());
      break;
    case F::kCloseSession:
      sessions.on_close_session(frame.close_session());
      break;
    case F::kRequest:
      dispatch_request(from, *frame.mutable_request());
      break;
    case F::kReply:
      sessions.on_reply(from, *frame.mutable_reply());
      break;
    case F::kInboxAppend:
      users.on_inbox_append(from, *frame.mutable_inbox_append());
      break;
    case F::kMarksStored:
      users.on_marks_stored(frame.marks_stored());
      break;
    case F::kReceiptFanOut:
      users.on_receipts(*frame.mutable_receipt_fan_out());
      break;
    case F::kReceiptPush:
      sessions.on_receipts(frame.receipt_push());
      break;
    case F::kReceiptsMissed:
      sessions.on_receipts_missed(frame.receipts_missed());
      break;
    case F::kRoomEvents:
      sessions.on_room_events(from, frame.room_events());
      break;
    case F::kTouched:
      chats.on_touched(frame.touched());
      users.on_touched(frame.touched());
      break;
    default:
      dispatch_to_chats(from, frame);
      break;
  }
}

void Engine::Impl::dispatch_to_chats(EngineId from, peer::Frame& frame) {
  using F = peer::Frame;
  switch (frame.body_case()) {
    case F::kInboxStored:
      chats.on_inbox_stored(frame.inbox_stored());
      break;
    case F::kMarksUpdate:
      chats.on_marks_update(from, frame.marks_update());
      break;
    case F::kDelayForward:
      chats.on_delay_forward(from, *frame.mutable_delay_forward());
      break;
    case F::kDelaySettled:
      chats.on_delay_settled(frame.delay_settled());
      break;
    case F::kRoomUnsubscribe:
      if (const auto chat = ChatId::from_bytes(frame.room_unsubscribe().chat_id())) {
        chats.on_room_unsubscribe(from, *chat);
      }
      break;
    case F::kTypingNotice:
      chats.on_typing(frame.typing_notice());
      break;
    default:
      dispatch_presence(from, frame);
      break;
  }
}

void Engine::Impl::dispatch_presence(EngineId from, peer::Frame& frame) {
  using F = peer::Frame;
  switch (frame.body_case()) {
    case F::kPresenceSubscribe:
      users.presence().on_subscribe(from, frame.presence_subscribe());
      break;
    case F::kPresenceUpdate:
      sessions.presence().on_update(frame.presence_update());
      break;
    case F::kSessionsAnnounced:
      users.presence().on_announced(from, frame.sessions_announced());
      break;
    case F::kLostSession:
      users.on_lost_session(frame.lost_session());
      break;
    case F::kTypingFanOut:
      users.on_typing(frame.typing_fan_out());
      break;
    case F::kTypingPush:
      sessions.on_typing(frame.typing_push());
      break;
    default:  // Without a body: it only begins a link.
      break;
  }
}

void Engine::Impl::dispatch_request(EngineId from, peer::HomeRequest& request) {
  switch (request.op_case()) {
    case peer::HomeRequest::kRead:
    case peer::HomeRequest::kListChats:
    case peer::HomeRequest::kGetPresence:
    case peer::HomeRequest::kReceiptsSince:
    case peer::HomeRequest::kListDevices:
    case peer::HomeRequest::kForgetDevice:
      users.on_request(from, request);
      break;
    case peer::HomeRequest::kListAuthored:
      authored.on_request(from, request);
      break;
    case peer::HomeRequest::OP_NOT_SET:
      break;
    default:
      chats.on_request(from, std::move(request));
      break;
  }
}

}  // namespace chat
