// PriceList: what machines, storage, traffic and notifications cost per month, from the reader's
// own offer. tools/chatsim reads its YAML form. Thread rule: plain values and pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.h"

namespace chat::sim {

struct MachineType {
  std::string name;
  uint32_t cores = 0;
  uint64_t memory_bytes = 0;
  double network_bits_per_s = 0;
  double price = 0;  ///< Per month.
};

struct PriceList {
  std::string currency = "EUR";
  std::vector<MachineType> machines;
  double storage_gib_month = 0;
  double traffic_out_gib = 0;  ///< To clients.
  double million_pushes = 0;

  /// nullptr when there is none.
  const MachineType* machine(std::string_view name) const;
};

/// Errors: invalid_argument that names the entry and the remedy.
Status check_prices(const PriceList& prices);

}  // namespace chat::sim
