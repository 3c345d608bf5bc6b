#include "sim/cost/price_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace chat::sim {
namespace {

Error wrong(std::string text) { return make_error(ErrorCode::invalid_argument, std::move(text)); }

bool is_price(double value) { return std::isfinite(value) && value >= 0; }

}  // namespace

const MachineType* PriceList::machine(std::string_view name) const {
  const auto found = std::ranges::find(machines, name, &MachineType::name);
  return found == machines.end() ? nullptr : &*found;
}

Status check_prices(const PriceList& prices) {
  if (prices.machines.empty()) return wrong("machines: none is there to choose from");
  std::set<std::string_view> names;
  for (const MachineType& machine : prices.machines) {
    if (machine.name.empty()) return wrong("machines: one has no name");
    if (!names.insert(machine.name).second) {
      return wrong(fmt::format("machines: \"{}\" is there twice", machine.name));
    }
    if (machine.cores == 0 || machine.memory_bytes == 0 || !(machine.network_bits_per_s > 0) ||
        !is_price(machine.price)) {
      return wrong(
          fmt::format("machines: \"{}\" needs cores, memory and network above 0, and a "
                      "price",
                      machine.name));
    }
  }
  for (const double price :
       {prices.storage_gib_month, prices.traffic_out_gib, prices.million_pushes}) {
    if (!is_price(price)) return wrong(fmt::format("{} is no price: expected 0 or more", price));
  }
  return {};
}

}  // namespace chat::sim
