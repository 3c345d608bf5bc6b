#include "sim/oracle/outgoing.h"

#include "sim/oracle/witness.h"

namespace chat::sim {

const std::string& Outgoing::key() const {
  if (frame.has_edit()) return frame.edit().client_op_id();
  if (frame.has_delete_message()) return frame.delete_message().client_op_id();
  if (frame.has_react()) return frame.react().client_op_id();
  return frame.send().client_msg_id();
}

Operation Outgoing::operation() const {
  if (frame.has_edit()) return Operation::edit;
  if (frame.has_delete_message()) return Operation::deletion;
  return frame.has_react() ? Operation::reaction : Operation::message;
}

uint64_t Outgoing::content() const {
  if (frame.has_edit()) return content_hash(frame.edit());
  if (frame.has_delete_message()) return content_hash(frame.delete_message());
  if (frame.has_react()) return content_hash(frame.react());
  return content_hash(frame.send());
}

uint32_t Outgoing::hand_to(ClientSession& session, Instant now) const {
  if (frame.has_edit()) return session.edit(now, frame.edit());
  if (frame.has_delete_message()) return session.remove(now, frame.delete_message());
  if (frame.has_react()) return session.react(now, frame.react());
  return session.send(now, frame.send());
}

}  // namespace chat::sim
