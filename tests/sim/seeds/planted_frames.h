// Bugs planted between engines and devices: each changes some of the messages of a server on their
// way, as a server with that bug would have written them. Thread rule: one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/wire/chat.pb.h"

namespace chat::sim {

using FrameChange = std::function<void(v1::ServerBatch&)>;

/// Applies a change to every batch in Protobuf; connections in JSON have no bug.
inline std::function<void(std::string&)> in_batches(FrameChange change) {
  return [change = std::move(change)](std::string& message) {
    v1::ServerBatch batch;
    if (!batch.ParseFromString(message)) return;
    change(batch);
    batch.SerializeToString(&message);
  };
}

/// Applies a change to one in `n` frames of those that `matches` says.
inline std::function<void(std::string&)> in_one_of(
    int n, std::function<bool(const v1::ServerFrame&)> matches,
    std::function<void(v1::ServerFrame&)> change) {
  auto met = std::make_shared<int>(0);
  return in_batches([=](v1::ServerBatch& batch) {
    for (v1::ServerFrame& frame : *batch.mutable_frames()) {
      if (matches(frame) && ++*met % n == 0) change(frame);
    }
  });
}

inline bool is_push(const v1::ServerFrame& frame) { return frame.has_event(); }
inline bool is_page(const v1::ServerFrame& frame) {
  return frame.has_sync_page() && frame.sync_page().entries_size() > 1;
}
inline bool is_ack(const v1::ServerFrame& frame) { return frame.has_send_ack(); }

/// One pushed event in 50 comes twice.
inline std::function<void(std::string&)> repeats_a_push() {
  auto pushes = std::make_shared<int>(0);
  return in_batches([pushes](v1::ServerBatch& batch) {
    for (int i = 0; i < batch.frames_size(); ++i) {
      if (!is_push(batch.frames(i)) || ++*pushes % 50 != 0) continue;
      *batch.add_frames() = v1::ServerFrame(batch.frames(i));
      return;
    }
  });
}

inline std::function<void(std::string&)> reorders_a_page() {
  return in_one_of(20, is_page, [](v1::ServerFrame& frame) {
    frame.mutable_sync_page()->mutable_entries()->SwapElements(0, 1);
  });
}

/// The last entry of a page is missing, and what comes next is told as if it were there.
inline std::function<void(std::string&)> cuts_a_page() {
  return in_one_of(20, is_page, [](v1::ServerFrame& frame) {
    frame.mutable_sync_page()->mutable_entries()->RemoveLast();
  });
}

inline std::function<void(std::string&)> says_done_on_every_page() {
  return in_one_of(
      1, [](const v1::ServerFrame& frame) { return frame.has_sync_page(); },
      [](v1::ServerFrame& frame) { frame.mutable_sync_page()->set_done(true); });
}

/// An answer names another request.
inline std::function<void(std::string&)> answers_another_request() {
  return in_one_of(40, is_ack,
                   [](v1::ServerFrame& frame) { frame.set_reply_to(frame.reply_to() + 1); });
}

inline std::function<void(std::string&)> acknowledges_another_seq() {
  return in_one_of(40, is_ack, [](v1::ServerFrame& frame) {
    frame.mutable_send_ack()->set_seq(frame.send_ack().seq() + 1);
  });
}

inline std::function<void(std::string&)> changes_a_text() {
  return in_one_of(
      50, [](const v1::ServerFrame& frame) { return frame.event().has_message(); },
      [](v1::ServerFrame& frame) {
        frame.mutable_event()->mutable_message()->mutable_text()->append("!");
      });
}

/// An edit says another target: the wrong message gets its text.
inline std::function<void(std::string&)> edits_another_message() {
  return in_one_of(
      20, [](const v1::ServerFrame& frame) { return frame.event().has_edited(); },
      [](v1::ServerFrame& frame) {
        v1::Edited& edited = *frame.mutable_event()->mutable_edited();
        edited.set_target_seq(edited.target_seq() + 1);
      });
}

/// A device that was away gets the text of a deleted message, as a cache would have kept it.
inline std::function<void(std::string&)> brings_a_deleted_text() {
  return in_batches([](v1::ServerBatch& batch) {
    for (v1::ServerFrame& frame : *batch.mutable_frames()) {
      if (!frame.has_sync_page()) continue;
      for (v1::SyncEntry& entry : *frame.mutable_sync_page()->mutable_entries()) {
        if (!entry.event().has_tombstone()) continue;
        entry.mutable_event()->mutable_message()->set_text("what was deleted");
      }
    }
  });
}

/// Every third batch of changes is empty.
inline std::function<void(std::string&)> hides_presence() {
  return in_one_of(
      3, [](const v1::ServerFrame& frame) { return frame.has_presence() && frame.reply_to() == 0; },
      [](v1::ServerFrame& frame) { frame.mutable_presence()->clear_entries(); });
}

/// Who is there is not told when changes are pushed again after another mode.
inline std::function<void(std::string&)> hides_a_new_mode() {
  return in_one_of(
      1,
      [](const v1::ServerFrame& frame) {
        return frame.reply_to() == 0 && frame.presence().entries_size() > 2;
      },
      [](v1::ServerFrame& frame) { frame.mutable_presence()->clear_entries(); });
}

inline std::function<void(std::string&)> hides_receipts() {
  return in_batches([](v1::ServerBatch& batch) {
    for (v1::ServerFrame& frame : *batch.mutable_frames()) {
      if (frame.has_receipt() && frame.inbox_seq() == 0) {
        frame.mutable_receipt()->set_read_seq(0);
      }
    }
  });
}

/// An event of a page is said to be too old.
inline std::function<void(std::string&)> calls_pruned() {
  return in_one_of(40, is_page, [](v1::ServerFrame& frame) {
    v1::SyncEntry& entry = *frame.mutable_sync_page()->mutable_entries(0);
    if (!entry.has_event()) return;
    const v1::Event event = entry.event();
    entry.mutable_pruned()->set_chat_id(event.chat_id());
    entry.mutable_pruned()->set_seq(event.seq());
  });
}

}  // namespace chat::sim
