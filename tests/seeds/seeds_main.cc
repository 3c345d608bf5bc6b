// sim-seeds: runs random worlds of the virtual driver, one per seed, one thread per seed. Prints
// the first seed that fails with its findings and ends with 1.
//   sim-seeds [--first N] [--count M] [--threads T] [--keep-going] [--verbose]
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "sim/seeds/seed_run.h"

namespace {

struct Options {
  uint64_t first = 1;
  uint64_t count = 100;
  unsigned threads = 0;  // 0 = one per core
  bool keep_going = false;
  bool verbose = false;
};

std::optional<Options> parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    if (arg == "--keep-going") {
      options.keep_going = true;
    } else if (arg == "--verbose") {
      options.verbose = true;
    } else if (i + 1 < argc && (arg == "--first" || arg == "--count" || arg == "--threads")) {
      char* end = nullptr;
      const uint64_t value = std::strtoull(argv[++i], &end, 10);
      if (*end != '\0') return std::nullopt;
      if (arg == "--first") options.first = value;
      if (arg == "--count") options.count = value;
      if (arg == "--threads") options.threads = static_cast<unsigned>(value);
    } else {
      return std::nullopt;
    }
  }
  if (options.threads == 0) options.threads = std::max(1u, std::thread::hardware_concurrency());
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = parse(argc, argv);
  if (!options) {
    std::fprintf(
        stderr,
        "usage: sim-seeds [--first N] [--count M] [--threads T] [--keep-going] [--verbose]\n");
    return 2;
  }
  std::atomic<uint64_t> next{options->first};
  std::atomic<uint64_t> failed{0};
  std::mutex print;
  const uint64_t end = options->first + options->count;
  const auto work = [&] {
    for (uint64_t seed = next++; seed < end; seed = next++) {
      if (failed > 0 && !options->keep_going) return;
      chat::sim::SeedOptions run;
      run.seed = seed;
      const chat::sim::SeedResult result = chat::sim::run_seed(run);
      if (!result.passed()) ++failed;
      std::lock_guard lock(print);
      if (!result.passed() || options->verbose) {
        std::printf("seed %llu %s: %s", static_cast<unsigned long long>(seed),
                    result.passed() ? "passed" : "FAILED", result.describe().c_str());
        std::fflush(stdout);
      }
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < options->threads; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  std::printf("seeds %llu to %llu: %llu failed\n", static_cast<unsigned long long>(options->first),
              static_cast<unsigned long long>(end - 1),
              static_cast<unsigned long long>(failed.load()));
  return failed > 0 ? 1 : 0;
}
