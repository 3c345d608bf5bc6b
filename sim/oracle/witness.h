// Witness: tells the oracle what one device's client session reports, so that every driver judges
// alike; and the hash of contents by which the oracle recognises a message. A driver's observer
// forwards each call to it. Thread rule: as the oracle's.
#pragma once

#include "core/session/client_session.h"
#include "sim/oracle/oracle.h"

namespace chat::v1 {
class Delete;
class Edit;
class Event;
class HistoryPage;
class React;
class Send;
}  // namespace chat::v1

namespace chat::sim {

/// What a device's operation says; equals content_hash of the event that it becomes.
uint64_t content_hash(const v1::Send& send);
uint64_t content_hash(const v1::Edit& edit);
uint64_t content_hash(const v1::Delete& deletion);
uint64_t content_hash(const v1::React& react);
/// What an event says: text, attachments, reply and mentions of a message, users of a change. All
/// tombstones say the same.
uint64_t content_hash(const v1::Event& event);

/// An entry of a chat log for Oracle::truth_event.
TruthEvent truth_of(const v1::Event& event);

/// Cheap to make: a driver may make one per call.
class Witness : public ClientObserver {
 public:
  Witness(Oracle& oracle, DeviceRef device) : oracle_(oracle), device_(device) {}

  /// Call when `session` is about to say hello, before ClientSession::connected().
  void before_hello(const ClientSession& session, const std::vector<ChatId>& rooms);

  void on_welcome(bool, uint64_t) override {}
  void on_live() override {}
  void on_reset(const v1::SyncPage& page) override;
  void on_wire_event(const ChatId& chat, uint64_t seq, uint64_t inbox_seq, bool pushed) override;
  void on_event(const v1::SyncEntry& entry, bool pushed) override;
  /// Looks at HistoryPage only: which send a SendAck or Error belongs to is the driver's knowledge.
  void on_frame(const v1::ServerFrame& frame) override;

 private:
  Oracle& oracle_;
  DeviceRef device_;
};

}  // namespace chat::sim
