// SendQueue: what waits to be written to one connection, and the policy against slow readers.
// Frames are shared immutable buffers in one first-in-first-out order over all lanes. Ephemeral
// frames are dropped first, then durable ones (the connection then lags and must sync), and at last
// the connection has to be closed; every drop is counted. At most one taken buffer is outstanding
// until sent(). It never closes or writes itself. It is 64 bytes and owns no heap memory while it
// is empty. Thread rule: owned by one engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/shared_bytes.h"
#include "core/base/time.h"

namespace chat {

enum class SendLane : uint8_t {
  control,    ///< Answers and Lagged: never dropped.
  durable,    ///< Entries of logs: a dropped one can be synced.
  ephemeral,  ///< Typing, presence and receipts of others.
};

enum class SendVerdict : uint8_t {
  queued,
  dropped,     ///< Ephemeral over its budget, or durable while the connection lags.
  now_lagged,  ///< The first durable frame over the budget was dropped: send Lagged in the control
               ///< lane.
  overflow,    ///< Over queue_bytes_max; the frame was not taken: close as slow reader.
};

/// How frames are joined into one WebSocket message; all empty for Protobuf batches, which
/// concatenate.
struct SendJoint {
  std::string_view prefix;
  std::string_view separator;
  std::string_view suffix;
};

/// How much may wait for one connection.
struct SendBudget {
  size_t ephemeral_bytes_max = 64 * 1024;  ///< More queued: ephemeral frames are dropped.
  size_t durable_bytes_max = 256 * 1024;   ///< More queued: durable frames are dropped.
  size_t queue_bytes_max = 1024 * 1024;    ///< More queued: close.
};

class SendQueue {
 public:
  static constexpr size_t kTakeBytesMax = 64 * 1024;  ///< The size of one Send.
  static constexpr Duration kStallMax = seconds(10);  ///< Longer without progress: close.

  SendVerdict push(Instant now, SharedBytes frame, SendLane lane, const SendBudget& budget = {});

  /// Joins the first frames that fit into `bytes_max`, at least one, into the next Send. A single
  /// frame without prefix and suffix is returned as it is, not copied. nullptr when nothing is
  /// queued or one is outstanding.
  SharedBytes take(const SendJoint& joint = {}, size_t bytes_max = kTakeBytesMax);
  /// The kernel took all of what take() returned.
  void sent(Instant now);

  /// When the connection must be closed as a slow reader unless sent() comes before; kNever when
  /// nothing waits.
  Instant stall_deadline() const;

  bool lagged() const { return lagged_; }
  /// The client is synced: durable frames are queued again.
  void clear_lagged() { lagged_ = false; }

  bool empty() const { return first_ == nullptr; }
  bool outstanding() const { return outstanding_; }
  /// Bytes of frames that wait, without what is outstanding.
  size_t queued_bytes() const { return queued_bytes_; }
  size_t queued_frames() const { return empty() ? 0 : 1 + rest_.size(); }
  uint32_t dropped_ephemeral() const { return dropped_ephemeral_; }
  uint32_t dropped_durable() const { return dropped_durable_; }

 private:
  SendVerdict judge(size_t frame_bytes, SendLane lane, const SendBudget& budget);
  const std::string& frame(size_t index) const { return index == 0 ? *first_ : *rest_[index - 1]; }
  void pop(size_t count);

  // The usual queue holds one frame; it is kept in place so that a fan-out allocates nothing per
  // receiver.
  SharedBytes first_;
  std::vector<SharedBytes> rest_;
  Instant progress_at_;
  uint32_t queued_bytes_ = 0;
  uint32_t dropped_ephemeral_ = 0;
  uint32_t dropped_durable_ = 0;
  bool outstanding_ = false;
  bool lagged_ = false;
};
static_assert(sizeof(SendQueue) <= 64);

}  // namespace chat
