#include "sim/virtual/turn_cost.h"

#include <variant>

namespace chat::sim {
namespace {

constexpr int64_t kKib = 1'024;

Duration of_bytes(Duration per_kib, uint64_t bytes) {
  return per_kib * static_cast<int64_t>(bytes) / kKib;
}

uint64_t bytes_of(const Input& input) {
  if (const auto* received = std::get_if<Received>(&input)) return received->bytes.size();
  if (const auto* peer = std::get_if<PeerReceived>(&input)) return peer->datagram.size();
  return 0;
}

uint64_t bytes_of(const Output& output) {
  if (const auto* send = std::get_if<Send>(&output)) return send->bytes->size();
  if (const auto* peer = std::get_if<PeerSend>(&output)) return peer->datagram.size();
  return 0;
}

}  // namespace

TurnCost::TurnCost(const CpuCosts& costs, Instant begin, Random& random)
    : costs_(costs), until_(begin) {
  if (costs.spread > 0) pace_ = 1 - costs.spread + random.exponential(costs.spread);
  spend(costs.turn);
}

void TurnCost::add(const Input& input) {
  spend(costs_.input + of_bytes(costs_.input_kib, bytes_of(input)));
}

void TurnCost::add(const Output& output) {
  spend(costs_.output + of_bytes(costs_.output_kib, bytes_of(output)));
}

void TurnCost::spend(Duration mean) {
  if (costs_.spread > 0) {
    mean = nanoseconds(static_cast<int64_t>(static_cast<double>(mean.ns) * pace_));
  }
  until_ = until_ + mean;
}

}  // namespace chat::sim
