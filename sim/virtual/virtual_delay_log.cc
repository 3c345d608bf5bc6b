#include "sim/virtual/virtual_delay_log.h"

#include <algorithm>
#include <span>

namespace chat::sim {
namespace {

uint64_t bytes_of(const DelayCommand& command) {
  const auto* append = std::get_if<DelayAppend>(&command);
  if (append == nullptr) return std::get<DelayRemove>(command).keys.size() * sizeof(DelayKey);
  uint64_t bytes = 0;
  for (const DelayEntry& entry : append->entries) bytes += sizeof(DelayKey) + entry.request.size();
  return bytes;
}

}  // namespace

void VirtualDelayLog::execute(Delay delay, Answer answer) {
  commands_.push_back({std::move(delay), std::move(answer)});
  const auto action = [this, life = life_] {
    if (life == life_) run();
  };
  if (disk_) {
    disk_->write(bytes_of(commands_.back().delay.command), action);
    return;
  }
  busy_until_ = std::max(busy_until_, queue_.now() + pause());
  queue_.at(busy_until_, action);
}

void VirtualDelayLog::run() {
  Command command = std::move(commands_.front());
  commands_.pop_front();
  const bool is_append = std::holds_alternative<DelayAppend>(command.delay.command);
  const bool fails =
      is_append && faults_.error_one_in > 0 && random_.chance(1, faults_.error_one_in);
  Status status =
      fails ? Status(make_error(ErrorCode::unavailable, "injected")) : write(command.delay.command);
  queue_.after(disk_ ? Duration() : pause(),
               [this, life = life_, answer = std::move(command.answer), token = command.delay.token,
                status = std::move(status)] {
                 if (life == life_) answer({token, status});
               });
}

Status VirtualDelayLog::write(const DelayCommand& command) {
  return std::move(backend_.write(std::span(&command, 1)).front());
}

void VirtualDelayLog::crash() {
  ++life_;
  while (!commands_.empty() && random_.chance(1, 2)) {
    (void)write(commands_.front().delay.command);
    commands_.pop_front();
  }
  commands_.clear();
  busy_until_ = queue_.now();
}

}  // namespace chat::sim
