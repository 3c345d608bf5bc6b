#include "core/policy/send_queue.h"

#include <utility>

#include "core/base/assert.h"

namespace chat {

SendVerdict SendQueue::push(Instant now, SharedBytes frame, SendLane lane,
                            const SendBudget& budget) {
  const SendVerdict verdict = judge(frame->size(), lane, budget);
  if (verdict != SendVerdict::queued) return verdict;
  if (empty() && !outstanding_) progress_at_ = now;
  queued_bytes_ += static_cast<uint32_t>(frame->size());
  if (empty()) {
    first_ = std::move(frame);
  } else {
    rest_.push_back(std::move(frame));
  }
  return SendVerdict::queued;
}

SendVerdict SendQueue::judge(size_t frame_bytes, SendLane lane, const SendBudget& budget) {
  const size_t bytes = queued_bytes_ + frame_bytes;
  if (bytes > budget.queue_bytes_max && lane == SendLane::control) return SendVerdict::overflow;
  if (lane == SendLane::ephemeral && bytes > budget.ephemeral_bytes_max) {
    ++dropped_ephemeral_;
    return SendVerdict::dropped;
  }
  if (lane == SendLane::durable && (lagged_ || bytes > budget.durable_bytes_max)) {
    ++dropped_durable_;
    return std::exchange(lagged_, true) ? SendVerdict::dropped : SendVerdict::now_lagged;
  }
  return SendVerdict::queued;
}

SharedBytes SendQueue::take(const SendJoint& joint, size_t bytes_max) {
  if (empty() || outstanding_) return nullptr;
  size_t bytes = joint.prefix.size() + first_->size() + joint.suffix.size();
  size_t count = 1;
  while (count < queued_frames()) {
    const size_t more = joint.separator.size() + frame(count).size();
    if (bytes + more > bytes_max) break;
    bytes += more;
    ++count;
  }
  SharedBytes out;
  if (count == 1 && joint.prefix.empty() && joint.suffix.empty()) {
    out = first_;
  } else {
    auto joined = std::make_shared<std::string>();
    joined->reserve(bytes);
    joined->append(joint.prefix);
    for (size_t i = 0; i < count; ++i) {
      if (i > 0) joined->append(joint.separator);
      joined->append(frame(i));
    }
    joined->append(joint.suffix);
    out = std::move(joined);
  }
  pop(count);
  outstanding_ = true;
  return out;
}

void SendQueue::sent(Instant now) {
  CHAT_ASSERT(outstanding_);
  outstanding_ = false;
  progress_at_ = now;
}

Instant SendQueue::stall_deadline() const {
  return empty() && !outstanding_ ? kNever : progress_at_ + kStallMax;
}

void SendQueue::pop(size_t count) {
  for (size_t i = 0; i < count; ++i) queued_bytes_ -= static_cast<uint32_t>(frame(i).size());
  if (count == queued_frames()) {
    first_ = nullptr;
    rest_ = {};
    return;
  }
  first_ = std::move(rest_[count - 1]);
  rest_.erase(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(count));
}

}  // namespace chat
