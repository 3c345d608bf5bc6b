// Mailbox: what other threads hand to a reactor: inputs for its engine and tasks for its thread.
// Batches are pushed whole; the sender that finds it empty wakes the reactor. First in, first out.
// Bounded by what its senders have outstanding: store commands, peer credit, requests. Thread rule:
// every function from any thread.
#pragma once

#include <functional>
#include <iterator>
#include <mutex>
#include <utility>
#include <vector>

#include "core/engine/io.h"

namespace chat {

struct Mail {
  std::vector<Input> inputs;
  std::vector<std::function<void()>> tasks;
};

class Mailbox {
 public:
  /// True when the mailbox was empty: the caller wakes its reader.
  bool push(Input input) {
    const std::lock_guard lock(mutex_);
    mail_.inputs.push_back(std::move(input));
    return mail_.inputs.size() + mail_.tasks.size() == 1;
  }
  /// Takes all of `inputs` (at least one) and leaves it empty.
  bool push(std::vector<Input>& inputs) {
    const std::lock_guard lock(mutex_);
    const bool was_empty = mail_.inputs.empty() && mail_.tasks.empty();
    std::move(inputs.begin(), inputs.end(), std::back_inserter(mail_.inputs));
    inputs.clear();
    return was_empty;
  }
  bool push(std::function<void()> task) {
    const std::lock_guard lock(mutex_);
    mail_.tasks.push_back(std::move(task));
    return mail_.inputs.size() + mail_.tasks.size() == 1;
  }
  /// All mail; `mail` must be empty.
  void drain(Mail& mail) {
    const std::lock_guard lock(mutex_);
    std::swap(mail_, mail);
  }

 private:
  std::mutex mutex_;
  Mail mail_;
};

}  // namespace chat
