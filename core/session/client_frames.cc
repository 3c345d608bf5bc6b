#include "core/session/client_frames.h"

#include <algorithm>
#include <memory>

#include "core/home/replies.h"
#include "core/session/request_check.h"
#include "core/wire/frame_codec.h"
#include "core/wire/peer.pb.h"

namespace chat {
namespace {

constexpr int kPresenceUsersMax = 500;
constexpr uint32_t kSessionsPerPage = 1'000;

/// The server frame that carries an answer to a client.
v1::ServerFrame to_frame(const v1::Response& response) {
  v1::ServerFrame frame;
  switch (response.result_case()) {
    case v1::Response::kSendAck:
      *frame.mutable_send_ack() = response.send_ack();
      break;
    case v1::Response::kHistoryPage:
      *frame.mutable_history_page() = response.history_page();
      break;
    case v1::Response::kPresence:
      *frame.mutable_presence() = response.presence();
      break;
    case v1::Response::kReceipt:
      *frame.mutable_receipt() = response.receipt();
      break;
    case v1::Response::kReceiptSummary:
      *frame.mutable_receipt_summary() = response.receipt_summary();
      break;
    default:
      *frame.mutable_error() = response.error();
      break;
  }
  return frame;
}

/// Makes the frame's change the request's.
void take_change(const v1::ClientFrame& frame, v1::Request& request) {
  switch (frame.body_case()) {
    case v1::ClientFrame::kEdit:
      *request.mutable_edit() = frame.edit();
      break;
    case v1::ClientFrame::kDeleteMessage:
      *request.mutable_delete_message() = frame.delete_message();
      break;
    case v1::ClientFrame::kReact:
      *request.mutable_react() = frame.react();
      break;
    default:
      *request.mutable_send() = frame.send();
      break;
  }
}

v1::Request request_of(const Session& session) {
  v1::Request request;
  request.set_user_id(session.user.value);
  request.set_user_name(session.user_name);
  request.set_address(session.address);
  return request;
}

std::string_view name_of(const Session& session) {
  if (session.closing) return "closing";
  switch (session.phase) {
    case Session::Phase::opened:
      return "opened";
    case Session::Phase::authenticating:
      return "authenticating";
    case Session::Phase::attaching:
      return "attaching";
    case Session::Phase::active:
      return session.live ? "live" : "syncing";
  }
  return "";
}

}  // namespace

// ---------------------------------------------------------------- frames of a session

void ClientFrames::on_frame(Session& session, const v1::ClientFrame& frame) {
  if (const auto refusal = gate_.refusal(session, frame)) {
    output_.error(session, frame.id(), *refusal);
    return;
  }
  v1::Request request = request_of(session);
  switch (frame.body_case()) {
    case v1::ClientFrame::kHeartbeat:
      heartbeat(session, frame);
      return;
    case v1::ClientFrame::kSend:
    case v1::ClientFrame::kEdit:
    case v1::ClientFrame::kDeleteMessage:
    case v1::ClientFrame::kReact:
      write(session, frame);
      return;
    case v1::ClientFrame::kLeaveRoom:
      leave_room(session, frame);
      return;
    case v1::ClientFrame::kSync:
      sync(session, frame);
      return;
    case v1::ClientFrame::kAck:
      acknowledge(session, frame.ack().inbox_seq());
      return;
    case v1::ClientFrame::kRefreshToken:
      tokens_.refresh(session, frame.id(), frame.refresh_token().token());
      return;
    case v1::ClientFrame::kRead:
      *request.mutable_read() = frame.read();
      break;
    case v1::ClientFrame::kHistory:
      *request.mutable_history() = frame.history();
      break;
    case v1::ClientFrame::kGetReceipts:
      *request.mutable_get_receipts() = frame.get_receipts();
      break;
    case v1::ClientFrame::kPresenceWatch:
      watch_presence(session, frame);
      return;
    case v1::ClientFrame::kTyping:
      if (const auto error = start_typing(session.user, frame.typing().chat_id())) {
        output_.error(session, frame.id(), *error);
      }
      return;
    case v1::ClientFrame::BODY_NOT_SET:
      return;  // A kind of a later version: skipped.
    default:
      output_.error(session, frame.id(),
                    wire_error(v1::UNIMPLEMENTED, "this server does not serve this frame"));
      return;
  }
  submit(request, answer_to(session, frame.id()));
}

ClientFrames::Answer ClientFrames::answer_to(const Session& session, uint32_t reply_to) {
  return [this, conn = session.conn, reply_to](const v1::Response& response) {
    Session* asking = sessions_.find(conn);
    if (!asking || !asking->active() || (reply_to == 0 && !response.has_error())) return;
    v1::ServerFrame frame = to_frame(response);
    frame.set_reply_to(reply_to);
    output_.push(*asking, frame, SendLane::control);
  };
}

/// What is answered by SendAck, and limited like sends.
void ClientFrames::write(Session& session, const v1::ClientFrame& frame) {
  ++context_.counters.sends;
  v1::Request request = request_of(session);
  take_change(frame, request);
  ++session.sends_unanswered;
  submit(request, [this, conn = session.conn, id = frame.id(),
                   key = change_key(frame)](const v1::Response& response) {
    Session* asking = sessions_.find(conn);
    if (!asking || !asking->active()) return;
    --asking->sends_unanswered;
    v1::ServerFrame answer = to_frame(response);
    answer.set_reply_to(id);
    if (answer.has_error()) answer.mutable_error()->set_client_msg_id(key);
    output_.push(*asking, answer, SendLane::control);
  });
}

void ClientFrames::leave_room(Session& session, const v1::ClientFrame& frame) {
  const auto chat = check_chat_id(frame.leave_room().chat_id());
  if (const auto* error = std::get_if<v1::Error>(&chat)) {
    output_.error(session, frame.id(), *error);
    return;
  }
  rooms_.leave(session, std::get<ChatId>(chat));
}

void ClientFrames::heartbeat(Session& session, const v1::ClientFrame& frame) {
  ++context_.counters.heartbeats;
  acknowledge(session, frame.heartbeat().inbox_seq());
  const uint64_t head = std::max(session.head_seen, session.pushed_through);
  if (frame.id() == 0 && head <= session.pushed_through) return;
  v1::ServerFrame answer;
  answer.set_reply_to(frame.id());
  answer.mutable_heartbeat_ack()->set_inbox_head(head);
  if (session.want_receipts) {
    answer.mutable_heartbeat_ack()->set_receipts_through_ms(
        session.receipts.through(context_.wall));
  }
  output_.push(session, answer, SendLane::control);
}

void ClientFrames::watch_presence(Session& session, const v1::ClientFrame& frame) {
  if (watch_.watch(session, frame)) return;
  v1::Request request;
  request.set_user_id(session.user.value);
  *request.mutable_get_presence()->mutable_user_ids() = frame.presence_watch().user_ids();
  submit(request, [this, conn = session.conn, id = frame.id()](const v1::Response& response) {
    Session* asking = sessions_.find(conn);
    if (!asking || !asking->active()) return;
    v1::ServerFrame answer = to_frame(response);
    answer.set_reply_to(id);
    if (answer.has_presence()) answer.mutable_presence()->set_mode(v1::FETCH);
    output_.push(*asking, answer, SendLane::control);
  });
}

std::optional<v1::Error> ClientFrames::start_typing(UserId user, const std::string& chat_id) {
  const auto chat = check_chat_id(chat_id);
  if (const auto* error = std::get_if<v1::Error>(&chat)) return *error;
  if (const auto home = context_.home_of(std::get<ChatId>(chat))) {
    peer::Frame frame;
    frame.mutable_typing_notice()->set_chat_id(chat_id);
    frame.mutable_typing_notice()->set_user(user.value);
    context_.post(*home, std::move(frame));
  }
  return std::nullopt;
}

void ClientFrames::acknowledge(Session& session, uint64_t inbox_seq) {
  inbox_seq = std::min(inbox_seq, session.pushed_through);
  if (inbox_seq <= session.acked_through) return;
  session.acked_through = inbox_seq;
  const auto home = context_.home_of(session.user);
  if (!home) return;
  peer::Frame frame;
  peer::InboxAck& ack = *frame.mutable_inbox_ack();
  ack.set_user(session.user.value);
  ack.set_device_id(session.device_id);
  ack.set_inbox_seq(inbox_seq);
  context_.post(*home, std::move(frame));
}

void ClientFrames::sync(Session& session, const v1::ClientFrame& frame) {
  const v1::Sync& sync = frame.sync();
  if (!sync.chat_id().empty()) {
    rooms_.sync(session, frame.id(), sync);
    return;
  }
  if (session.sync) {
    output_.error(session, frame.id(),
                  wire_error(v1::RATE_LIMITED, "the last page of this sync is under way", 100));
    return;
  }
  session.live = false;
  session.queue.clear_lagged();
  session.sync =
      PendingSync{frame.id(), session.reset_due ? 0 : sync.from_inbox_seq(), sync.limit()};
  post_sync_read(session);
}

void ClientFrames::post_sync_read(const Session& session) {
  const auto home = context_.home_of(session.user);
  if (!home || !session.sync) return;
  peer::Frame frame;
  peer::SyncRead& read = *frame.mutable_sync_read();
  read.set_user(session.user.value);
  read.set_conn(session.conn.value);
  read.set_reply_to(session.sync->reply_to);
  read.set_from_inbox_seq(session.sync->from_inbox_seq);
  read.set_limit(session.sync->limit);
  context_.post(*home, std::move(frame));
}

// ---------------------------------------------------------------- requests of any origin

void ClientFrames::on_request(const RequestInput& input) {
  const Answer answer = [this, id = input.id](const v1::Response& response) {
    context_.emit(ResponseOutput{id, std::make_shared<const v1::Response>(response)});
  };
  if (const auto refusal = gate_.refusal(*input.request)) {
    v1::Response response;
    *response.mutable_error() = *refusal;
    answer(response);
    return;
  }
  submit(*input.request, answer);
}

void ClientFrames::submit(const v1::Request& request, const Answer& answer) {
  switch (request.op_case()) {
    case v1::Request::kGetPresence:
      presence(request, answer);
      return;
    case v1::Request::kListSessions:
      list_sessions(request, answer);
      return;
    case v1::Request::kCloseSession:
      close_session(request, answer);
      return;
    case v1::Request::kTyping: {
      v1::Response response;
      if (const auto error = start_typing(UserId{request.user_id()}, request.typing().chat_id())) {
        *response.mutable_error() = *error;
      }
      answer(response);
      return;
    }
    case v1::Request::kListChats:
    case v1::Request::kListAuthored:
    case v1::Request::kRead:
    case v1::Request::kListDevices:
    case v1::Request::kForgetDevice:
      to_user_home(request, answer);
      return;
    case v1::Request::OP_NOT_SET:
      answer(error_response(v1::INVALID_ARGUMENT, "the request names no operation"));
      return;
    default:
      to_chat_home(request, answer);
      return;
  }
}

void ClientFrames::to_user_home(const v1::Request& request, const Answer& answer) {
  peer::HomeRequest home;
  home.set_user(request.user_id());
  switch (request.op_case()) {
    case v1::Request::kRead:
      *home.mutable_read() = request.read();
      break;
    case v1::Request::kListAuthored:
      *home.mutable_list_authored() = request.list_authored();
      break;
    case v1::Request::kListDevices:
      *home.mutable_list_devices() = request.list_devices();
      break;
    case v1::Request::kForgetDevice:
      *home.mutable_forget_device() = request.forget_device();
      break;
    default:
      *home.mutable_list_chats() = request.list_chats();
      break;
  }
  requests_.to_user(UserId{request.user_id()}, std::move(home),
                    [answer](peer::HomeReply& reply) { answer(reply.response()); });
}

/// Makes the request's operation the home request's, once it is checked; its chat.
Checked<ChatId> ClientFrames::prepare(const v1::Request& request, peer::HomeRequest& home) {
  switch (request.op_case()) {
    case v1::Request::kSend:
      *home.mutable_send() = request.send();
      return check_send(context_.policy(), context_.limits(), UserId{request.user_id()},
                        *home.mutable_send());
    case v1::Request::kEdit:
      *home.mutable_edit() = request.edit();
      return check_edit(context_.policy(), request.edit());
    case v1::Request::kDeleteMessage:
      *home.mutable_delete_message() = request.delete_message();
      return check_delete(request.delete_message());
    case v1::Request::kReact:
      *home.mutable_react() = request.react();
      return check_react(request.react());
    case v1::Request::kHistory:
      *home.mutable_history() = request.history();
      return check_chat_id(request.history().chat_id());
    case v1::Request::kGetReceipts:
      *home.mutable_get_receipts() = request.get_receipts();
      return check_chat_id(request.get_receipts().chat_id());
    case v1::Request::kCreateChat:
      *home.mutable_create_chat() = request.create_chat();
      return check_create(UserId{request.user_id()}, ChatId::random(context_.wall, context_.random),
                          *home.mutable_create_chat());
    case v1::Request::kUpdateChat:
      *home.mutable_update_chat() = request.update_chat();
      return check_update(request.update_chat());
    case v1::Request::kDeleteChat:
      *home.mutable_delete_chat() = request.delete_chat();
      return check_end(request.delete_chat());
    case v1::Request::kChangeMembers:
      *home.mutable_change_members() = request.change_members();
      return check_members(request.change_members());
    case v1::Request::kGetChat:
      *home.mutable_get_chat() = request.get_chat();
      return check_chat_id(request.get_chat().chat_id());
    default:
      return wire_error(v1::UNIMPLEMENTED, "this server does not serve this request");
  }
}

void ClientFrames::to_chat_home(const v1::Request& request, const Answer& answer) {
  peer::HomeRequest home;
  home.set_user(request.user_id());
  home.set_user_name(request.user_name());
  home.set_exempt(gate_.exempt(request.address()));
  const Checked<ChatId> chat = prepare(request, home);
  if (const auto* error = std::get_if<v1::Error>(&chat)) {
    v1::Response response;
    *response.mutable_error() = *error;
    answer(response);
    return;
  }
  requests_.to_chat(std::get<ChatId>(chat), std::move(home),
                    [answer](peer::HomeReply& reply) { answer(reply.response()); });
}

void ClientFrames::presence(const v1::Request& request, const Answer& answer) {
  const auto& ids = request.get_presence().user_ids();
  if (ids.empty() || ids.size() > kPresenceUsersMax || context_.ring.empty()) {
    answer(error_response(
        context_.ring.empty() ? v1::UNAVAILABLE : v1::INVALID_ARGUMENT,
        context_.ring.empty() ? "no home is up" : "between 1 and 500 users are watched"));
    return;
  }
  std::map<EngineId, std::pair<UserId, peer::HomeRequest>> by_home;
  for (uint64_t id : ids) {
    auto& [user, home] = by_home[*context_.home_of(UserId{id})];
    user = UserId{id};
    home.set_user(request.user_id());
    home.mutable_get_presence()->add_user_ids(id);
  }
  struct Gather {
    v1::Response response;
    size_t left = 0;
  };
  auto gather = std::make_shared<Gather>();
  gather->left = by_home.size();
  gather->response.mutable_presence();
  for (auto& [engine, part] : by_home) {
    requests_.to_user(part.first, std::move(part.second), [gather, answer](peer::HomeReply& reply) {
      if (gather->response.has_presence() && reply.response().has_presence()) {
        gather->response.mutable_presence()->MergeFrom(reply.response().presence());
      } else {
        gather->response = reply.response();
      }
      if (--gather->left == 0) answer(gather->response);
    });
  }
}

/// Answered by the list of what was closed.
void ClientFrames::close_session(const v1::Request& request, const Answer& answer) {
  if (request.user_id() != 0) {
    answer(error_response(v1::PERMISSION_DENIED, "only the operator closes sessions"));
    return;
  }
  Session* session = sessions_.find(ConnId{request.close_session().conn()});
  if (!session || session->closing) {
    answer(error_response(v1::NOT_FOUND, "there is no such connection"));
    return;
  }
  v1::Response response;
  fill_session(*session, *response.mutable_sessions()->add_sessions());
  output_.close(*session, CloseCode::drain, "closed by the operator");
  answer(response);
}

void ClientFrames::fill_session(const Session& session, v1::SessionInfo& info) const {
  info.set_conn(session.conn.value);
  info.set_engine(context_.self().value);
  info.set_user_id(session.user.value);
  info.set_session_id(session.session.value);
  info.set_device_id(session.device_id);
  info.set_client(session.client);
  info.set_encoding(std::string(wire::subprotocol_of(session.encoding)));
  info.set_address(session.address);
  info.set_state(std::string(name_of(session)));
  info.set_pushed_through(session.pushed_through);
  info.set_acked_through(session.acked_through);
  info.set_queued_bytes(session.queue.queued_bytes());
  info.set_connected_ms(context_.wall.ms - session.opened_at.ms);
}

void ClientFrames::list_sessions(const v1::Request& request, const Answer& answer) {
  const v1::ListSessions& asked = request.list_sessions();
  if (request.user_id() != 0) {
    answer(error_response(v1::PERMISSION_DENIED, "only the operator lists sessions"));
    return;
  }
  const size_t limit =
      asked.limit() == 0 ? kSessionsPerPage : std::min(asked.limit(), kSessionsPerPage);
  v1::Response response;
  v1::SessionList& list = *response.mutable_sessions();
  const std::vector<ConnId> conns = sessions_.list(ConnId{asked.after_conn()}, limit);
  for (ConnId conn : conns) {
    const Session& session = *sessions_.find(conn);
    if (asked.user_id() != 0 && session.user.value != asked.user_id()) continue;
    fill_session(session, *list.add_sessions());
  }
  if (conns.size() == limit) list.set_next_after_conn(conns.back().value);
  answer(response);
}

}  // namespace chat
