#include "sim/virtual/disk_queue.h"

#include <algorithm>
#include <utility>

namespace chat::sim {

void DiskQueue::read(Action done) {
  queue_.at(readers_.serve(queue_.now(), service(model_.read)), std::move(done));
}

void DiskQueue::write(uint64_t bytes, Action done) {
  writes_.push_back({bytes, std::move(done)});
  if (group_ == 0) begin_group();
}

Duration DiskQueue::service(Duration mean) {
  return slow_.of(draw_service(mean, model_.spread, random_), queue_.now());
}

void DiskQueue::begin_group() {
  group_ = std::min<size_t>(writes_.size(), model_.group_max);
  uint64_t bytes = 0;
  for (size_t i = 0; i < group_; ++i) bytes += writes_[i].bytes;
  const Duration mean = model_.sync + model_.write * static_cast<int64_t>(group_) +
                        model_.write_kib * static_cast<int64_t>(bytes) / 1'024;
  queue_.after(service(mean), [this] { end_group(); });
}

// The writes that these answers bring about wait for the next group.
void DiskQueue::end_group() {
  ++syncs_;
  for (; group_ > 0; --group_) {
    const Action done = std::move(writes_.front().done);
    writes_.pop_front();
    done();
  }
  if (!writes_.empty()) begin_group();
}

}  // namespace chat::sim
