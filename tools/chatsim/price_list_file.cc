#include "tools/chatsim/price_list_file.h"

#include <utility>

#include "tools/common/yaml_reader.h"

namespace chat::sim {
namespace {

constexpr NumberRange kPrice{.min = 0, .max = 1e12};

void read_machine(YamlMap& map, MachineType& machine) {
  for (const char* key : {"name", "cores", "memory", "network_gbit_per_s", "price"}) {
    map.require(key);
  }
  map.text("name", machine.name);
  map.integer("cores", machine.cores, {.min = 1, .max = 4'096});
  map.bytes("memory", machine.memory_bytes, {.min = 1 << 20});
  double gbit_per_s = 0;
  map.number("network_gbit_per_s", gbit_per_s, {.min = 0.001, .max = 1e6});
  machine.network_bits_per_s = gbit_per_s * 1e9;
  map.number("price", machine.price, kPrice);
}

Result<PriceList> read_prices(YamlMap top) {
  PriceList prices;
  top.require("currency");
  top.text("currency", prices.currency);
  top.require("machines");
  for (YamlMap& map : top.maps("machines")) read_machine(map, prices.machines.emplace_back());
  for (const auto& [key, price] : {std::pair("storage_gib_month", &prices.storage_gib_month),
                                   std::pair("traffic_out_gib", &prices.traffic_out_gib),
                                   std::pair("million_pushes", &prices.million_pushes)}) {
    top.require(key);
    top.number(key, *price, kPrice);
  }
  if (Status status = top.finish(); !status) return status.error();
  if (Status status = check_prices(prices); !status) {
    return make_error(status.error().code, top.file() + ": " + status.error().text);
  }
  return prices;
}

}  // namespace

Result<PriceList> parse_price_list(std::string_view text, const std::string& file) {
  auto top = YamlMap::parse(text, file);
  if (!top) return top.error();
  return read_prices(*top);
}

Result<PriceList> load_price_list(const std::string& path) {
  auto top = YamlMap::load(path);
  if (!top) return top.error();
  return read_prices(*top);
}

}  // namespace chat::sim
