#include "sim/seeds/seed_slice.h"

#include <algorithm>

namespace chat::sim {

std::vector<RarePath> neglected_paths(const RarePathCounts& counts, uint64_t seeds) {
  std::vector<RarePath> neglected;
  for (size_t i = 0; i < kRarePaths; ++i) {
    const auto path = static_cast<RarePath>(i);
    if (counts.of(path) < seeds / 10) neglected.push_back(path);
  }
  return neglected;
}

Status add_slice(std::vector<SeedSlice>& slices, SeedSlice added) {
  for (const SeedSlice& slice : slices) {
    if (slice.core_digest != added.core_digest) continue;
    if (added.first < slice.end() && slice.first < added.end()) {
      return make_error(ErrorCode::already_exists, "seeds " + std::to_string(slice.first) + " to " +
                                                       std::to_string(slice.end() - 1) +
                                                       " are recorded for this core already");
    }
  }
  std::vector<SeedSlice> kept;
  for (SeedSlice& slice : slices) {
    if (slice.core_digest == added.core_digest) kept.push_back(std::move(slice));
  }
  kept.push_back(std::move(added));
  std::sort(kept.begin(), kept.end(),
            [](const SeedSlice& a, const SeedSlice& b) { return a.first < b.first; });
  slices.clear();
  for (SeedSlice& slice : kept) {
    if (slices.empty() || slices.back().end() != slice.first) {
      slices.push_back(std::move(slice));
      continue;
    }
    SeedSlice& joined = slices.back();
    joined.count += slice.count;
    joined.failed += slice.failed;
    joined.cpu_s += slice.cpu_s;
    joined.date = std::max(joined.date, slice.date);
    joined.rare_paths.add(slice.rare_paths);
  }
  return {};
}

}  // namespace chat::sim
