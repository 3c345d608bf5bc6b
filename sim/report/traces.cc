#include "sim/report/traces.h"

#include <fmt/format.h>

#include <iterator>

namespace chat::sim {

uint64_t digest_of(const std::vector<ActionTrace>& traces) {
  Digest digest;
  for (const ActionTrace& trace : traces) {
    digest.add(trace.actions());
    digest.add(trace.hash());
  }
  return digest.value();
}

uint64_t actions_of(const std::vector<ActionTrace>& traces) {
  uint64_t actions = 0;
  for (const ActionTrace& trace : traces) actions += trace.actions();
  return actions;
}

std::string traces_text(const std::vector<ActionTrace>& traces, uint64_t users) {
  std::string text;
  for (size_t i = 0; i < traces.size(); ++i) {
    fmt::format_to(std::back_inserter(text), "{} {} {} {:016x}\n", i % users, i / users,
                   traces[i].actions(), traces[i].hash());
  }
  return text;
}

}  // namespace chat::sim
