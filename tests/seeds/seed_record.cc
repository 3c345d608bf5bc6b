#include "tests/seeds/seed_record.h"

#include <boost/json.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace chat::sim {
namespace {

namespace json = boost::json;

json::object to_json(const SeedSlice& slice) {
  json::object paths;
  for (size_t i = 0; i < kRarePaths; ++i) {
    const auto path = static_cast<RarePath>(i);
    paths[name_of(path)] = slice.rare_paths.of(path);
  }
  return {{"first", slice.first},
          {"count", slice.count},
          {"failed", slice.failed},
          {"cpu_s", std::round(slice.cpu_s * 10) / 10},
          {"date", slice.date},
          {"core_digest", slice.core_digest},
          {"rare_paths", std::move(paths)}};
}

SeedSlice to_slice(const json::value& value) {
  SeedSlice slice;
  slice.first = value.at("first").to_number<uint64_t>();
  slice.count = value.at("count").to_number<uint64_t>();
  slice.failed = value.at("failed").to_number<uint64_t>();
  slice.cpu_s = value.at("cpu_s").to_number<double>();
  slice.date = value_to<std::string>(value.at("date"));
  slice.core_digest = value_to<std::string>(value.at("core_digest"));
  const json::object& paths = value.at("rare_paths").as_object();
  for (size_t i = 0; i < kRarePaths; ++i) {
    const auto path = static_cast<RarePath>(i);
    slice.rare_paths.add(path, paths.at(name_of(path)).to_number<uint64_t>());
  }
  return slice;
}

}  // namespace

Result<std::vector<SeedSlice>> read_record(const std::string& path) {
  std::vector<SeedSlice> slices;
  std::ifstream file(path);
  if (!file) return slices;
  std::ostringstream text;
  text << file.rdbuf();
  try {
    const json::value record = json::parse(text.str());
    for (const json::value& value : record.at("slices").as_array()) {
      slices.push_back(to_slice(value));
    }
  } catch (const std::exception& error) {
    return make_error(ErrorCode::corrupt, path + " is no record of seeds: " + error.what());
  }
  return slices;
}

Status write_record(const std::string& path, const std::vector<SeedSlice>& slices) {
  std::string text = "{\"schema_version\": 1,\n \"slices\": [";
  for (const SeedSlice& slice : slices) {
    text += (&slice == slices.data() ? "\n  " : ",\n  ") + json::serialize(to_json(slice));
  }
  text += "\n ]}\n";
  const std::string fresh = path + ".new";
  std::ofstream(fresh) << text;
  std::error_code failed;
  std::filesystem::rename(fresh, path, failed);
  if (failed) return make_error(ErrorCode::unavailable, "cannot write " + path);
  return {};
}

}  // namespace chat::sim
