#include "server/faults/faulty_chat_store.h"

#include <utility>

#include "core/store/store_rules.h"

namespace chat {
namespace {

Error injected() { return make_error(ErrorCode::unavailable, "failed on purpose"); }

}  // namespace

StoreResult FaultyChatStore::read(const StoreCommand& command) {
  faults_.wait(&FaultPlan::store_hang_reads, &FaultPlan::store_slow_ms);
  if (faults_.happens(&FaultPlan::store_fail_one_in)) return injected();
  return store_.read(command);
}

std::vector<StoreResult> FaultyChatStore::write(std::span<const StoreCommand> commands) {
  faults_.wait(&FaultPlan::store_hang_writes, &FaultPlan::store_slow_ms);
  std::vector<StoreResult> results(commands.size());
  std::vector<StoreCommand> done;
  std::vector<size_t> places;  // Of what is done, among the results.
  std::vector<bool> unknown(commands.size(), false);
  for (size_t i = 0; i < commands.size(); ++i) {
    if (faults_.happens(&FaultPlan::store_fail_one_in)) {
      results[i] = injected();
      continue;
    }
    unknown[i] = faults_.happens(&FaultPlan::store_unknown_one_in);
    if (unknown[i]) results[i] = unknown_result(commands[i]);
    if (unknown[i] && faults_.coin()) continue;
    done.push_back(commands[i]);
    places.push_back(i);
  }
  if (done.empty()) return results;
  std::vector<StoreResult> stored = store_.write(done);
  for (size_t i = 0; i < places.size(); ++i) {
    if (!unknown[places[i]]) results[places[i]] = std::move(stored[i]);
  }
  return results;
}

}  // namespace chat
