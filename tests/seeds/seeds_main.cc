// sim-seeds: runs random worlds of the virtual driver, one per seed, one thread per seed. Prints
// the seeds that fail with their findings, and how often the rare paths were taken. Ends with 1
// when a seed failed, or when 1,000 seeds or more (with --require-paths: any number) took one of
// the paths less than once in ten seeds; with 2 when it was not called rightly.
// With --models the worlds have models of network, disk and processor in the place of uniform
// delays; such a run is not recorded.
//   sim-seeds [--first N] [--count M] [--threads T] [--keep-going] [--verbose] [--require-paths]
//             [--models | --record FILE]
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "sim/seeds/seed_run.h"
#include "sim/seeds/seed_slice.h"
#include "tests/seeds/core_digest.h"
#include "tests/seeds/seed_record.h"

namespace chat::sim {
namespace {

constexpr uint64_t kSeedsThatHaveToGoEverywhere = 1'000;

struct Options {
  uint64_t first = 1;
  uint64_t count = 100;
  uint64_t threads = 0;  // 0 = one per core
  bool keep_going = false;
  bool verbose = false;
  bool require_paths = false;
  bool models = false;
  std::string record;
};

std::optional<Options> parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    uint64_t* number = arg == "--first"     ? &options.first
                       : arg == "--count"   ? &options.count
                       : arg == "--threads" ? &options.threads
                                            : nullptr;
    if (arg == "--keep-going") {
      options.keep_going = true;
    } else if (arg == "--verbose") {
      options.verbose = true;
    } else if (arg == "--require-paths") {
      options.require_paths = true;
    } else if (arg == "--models") {
      options.models = true;
    } else if (arg == "--record" && i + 1 < argc) {
      options.record = argv[++i];
    } else if (number != nullptr && i + 1 < argc) {
      char* end = nullptr;
      *number = std::strtoull(argv[++i], &end, 10);
      if (*end != '\0') return std::nullopt;
    } else {
      return std::nullopt;
    }
  }
  if (options.count == 0 || (options.models && !options.record.empty())) return std::nullopt;
  if (options.threads == 0) options.threads = std::max(1u, std::thread::hardware_concurrency());
  return options;
}

SeedSlice run_slice(const Options& options) {
  SeedSlice slice;
  slice.first = options.first;
  slice.core_digest = CHAT_CORE_DIGEST;
  const std::clock_t began = std::clock();
  std::atomic<uint64_t> next{options.first};
  std::mutex mutex;
  const uint64_t end = options.first + options.count;
  const auto work = [&] {
    for (uint64_t seed = next++; seed < end; seed = next++) {
      const SeedResult result = run_seed({.seed = seed, .models = options.models});
      std::lock_guard lock(mutex);
      ++slice.count;
      slice.rare_paths.add(result.rare_paths);
      if (!result.passed()) ++slice.failed;
      if (!result.passed() || options.verbose) {
        std::printf("seed %llu %s, digest %016llx: %s", static_cast<unsigned long long>(seed),
                    result.passed() ? "passed" : "FAILED",
                    static_cast<unsigned long long>(result.digest), result.describe().c_str());
        std::fflush(stdout);
      }
      if (slice.failed > 0 && !options.keep_going) next = end;
    }
  };
  std::vector<std::thread> threads;
  for (uint64_t i = 0; i < options.threads; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  slice.cpu_s = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
  return slice;
}

bool took_every_path(const Options& options, const SeedSlice& slice) {
  for (size_t i = 0; i < kRarePaths; ++i) {
    const auto path = static_cast<RarePath>(i);
    std::printf("%-20s %10llu\n", name_of(path),
                static_cast<unsigned long long>(slice.rare_paths.of(path)));
  }
  const std::vector<RarePath> neglected = neglected_paths(slice.rare_paths, slice.count);
  const bool required = options.require_paths || slice.count >= kSeedsThatHaveToGoEverywhere;
  if (!required || neglected.empty()) return true;
  std::printf("taken less than once in ten seeds:");
  for (RarePath path : neglected) std::printf(" %s", name_of(path));
  std::printf("\n");
  return false;
}

std::string today() {
  char text[16] = {};
  const std::time_t now = std::time(nullptr);
  std::strftime(text, sizeof text, "%Y-%m-%d", std::gmtime(&now));
  return text;
}

Status record(const Options& options, SeedSlice slice) {
  slice.date = today();
  auto slices = read_record(options.record);
  if (!slices) return slices.error();
  if (Status added = add_slice(*slices, std::move(slice)); !added) return added;
  return write_record(options.record, *slices);
}

int run(const Options& options) {
  const SeedSlice slice = run_slice(options);
  const bool everywhere = took_every_path(options, slice);
  std::printf("%llu seeds from %llu on: %llu failed, %.3f s of CPU each\n",
              static_cast<unsigned long long>(slice.count),
              static_cast<unsigned long long>(slice.first),
              static_cast<unsigned long long>(slice.failed),
              slice.cpu_s / static_cast<double>(slice.count));
  // A run that stopped at a failure is no slice: which seeds it has run depends on its threads.
  if (!options.record.empty() && slice.count == options.count) {
    if (Status recorded = record(options, slice); !recorded) {
      std::fprintf(stderr, "sim-seeds: %s\n", recorded.error().text.c_str());
      return 2;
    }
  }
  return slice.failed == 0 && everywhere ? 0 : 1;
}

}  // namespace
}  // namespace chat::sim

int main(int argc, char** argv) {
  const auto options = chat::sim::parse(argc, argv);
  if (!options) {
    std::fprintf(stderr,
                 "usage: sim-seeds [--first N] [--count M] [--threads T] [--keep-going] "
                 "[--verbose] [--require-paths] [--models | --record FILE]\n");
    return 2;
  }
  return chat::sim::run(*options);
}
