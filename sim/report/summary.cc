#include "sim/report/summary.h"

#include <fmt/format.h>

#include <iterator>
#include <map>

namespace chat::sim {
namespace {

/// Of each kind of finding; JSON and HTML have more.
constexpr int kExamplesMax = 3;

class Page {
 public:
  explicit Page(bool colour) : colour_(colour) {}

  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }
  std::string good(std::string_view text) const { return paint("32", text); }
  std::string bad(std::string_view text) const { return paint("1;31", text); }
  std::string strong(std::string_view text) const { return paint("1", text); }
  /// A count that should be 0.
  std::string zero(uint64_t count) const {
    return count == 0 ? good("0") : bad(std::to_string(count));
  }
  std::string take() { return std::move(text_); }

 private:
  std::string paint(std::string_view code, std::string_view text) const {
    if (!colour_) return std::string(text);
    return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
  }

  bool colour_;
  std::string text_;
};

std::string ms(const std::optional<double>& value) {
  if (!value) return "-";
  if (*value >= 1'000) return fmt::format("{:.2f} s", *value / 1'000);
  return fmt::format("{:.{}f} ms", *value, *value < 10 ? 2 : 0);
}

std::string bytes(uint64_t value) {
  const auto count = static_cast<double>(value);
  if (count >= 1 << 30) return fmt::format("{:.2f} GiB", count / (1 << 30));
  if (count >= 1 << 20) return fmt::format("{:.1f} MiB", count / (1 << 20));
  if (count >= 1 << 10) return fmt::format("{:.1f} KiB", count / (1 << 10));
  return fmt::format("{} B", value);
}

std::string count(double value) {
  if (value >= 1e6) return fmt::format("{:.1f} M", value / 1e6);
  if (value >= 1e4) return fmt::format("{:.1f} k", value / 1e3);
  return fmt::format("{:.0f}", value);
}

void latency_line(Page& page, const char* name, const Histogram& histogram) {
  page.line("  {:<9}{:>10}{:>11}{:>11}{:>11}{:>11}", name, ms(percentile_ms(histogram, "p50")),
            ms(percentile_ms(histogram, "p90")), ms(percentile_ms(histogram, "p99")),
            ms(percentile_ms(histogram, "p999")), ms(percentile_ms(histogram, "max")));
}

/// A fleet sends nothing: it knows of no latency and no loss.
bool is_fleet(const RunResult& result) {
  return result.in_virtual_time && result.in_virtual_time->depth == "fleet";
}

void print_latencies(Page& page, const RunResult& result) {
  page.line("latency          p50        p90        p99       p999        max");
  latency_line(page, "service", result.totals.service);
  latency_line(page, "response", result.totals.response);
  latency_line(page, "catch-up", result.catch_up);
  if (result.storm) latency_line(page, "recovery", result.storm->recovery);
}

void print_messages(Page& page, const RunResult& result) {
  const OracleCounts& counts = result.oracle.counts;
  page.line("messages    sent {} ({:.1f}/s), stored {}, refused {}, not sent {}", counts.sent,
            result.metric("rate.sent").value_or(0), counts.acked, counts.refused,
            page.zero(counts.not_sent));
  page.line("deliveries  {} of {} expected ({:.0f}/s live), late {}, by history {}, skipped {}",
            counts.delivered, counts.expected_deliveries,
            result.metric("rate.delivered").value_or(0), counts.late, counts.by_history,
            counts.skipped);
  if (result.metric("changes.sent") > 0 || counts.leaves > 0) {
    page.line(
        "changes     stored {} of {} edits, {} of {} deletions, {} of {} reactions; "
        "{} refused, {} tombstones read; {} times somebody left a chat",
        counts.edits.acked, counts.edits.sent, counts.deletions.acked, counts.deletions.sent,
        counts.reactions.acked, counts.reactions.sent, result.metric("changes.refused").value_or(0),
        counts.tombstones, counts.leaves);
  }
  if (is_fleet(result)) return;
  page.line("verdict     lost {}, duplicate {}, reordered {}, phantom {}, stale {}",
            page.zero(counts.lost), page.zero(counts.duplicate), page.zero(counts.reordered),
            page.zero(counts.phantom), page.zero(counts.stale));
  std::map<Finding, int> shown;
  for (const OracleExample& example : result.oracle.examples) {
    if (example.finding == Finding::late || ++shown[example.finding] > kExamplesMax) continue;
    page.line("            {}: {}", name_of(example.finding), example.text);
  }
}

void print_sides(Page& page, const RunResult& result) {
  page.line("chatsim     CPU {:.1f} s, memory {}, {} B per user, send lag p99 {}",
            result.generator.cpu_s, bytes(result.generator.rss_bytes), result.generator.bytes_each,
            ms(percentile_ms(result.totals.lag, "p99")));
  if (result.in_virtual_time) return;
  if (!result.server) {
    page.line("chatd       could not be sampled");
    return;
  }
  page.line("chatd       CPU {:.1f} s, memory {}, {} B per connection{}", result.server->cpu_s,
            bytes(result.server->rss_bytes), result.server->bytes_each,
            result.server_restarts == 0
                ? ""
                : fmt::format(", restarted {} times", result.server_restarts));
}

void print_storm(Page& page, const RunResult& result) {
  if (!result.storm) return;
  const StormStats& storm = *result.storm;
  const auto full = storm.full_recovery();
  page.line(
      "storm       {} devices dropped at once, {} at head again; {:.0f} welcomed per second "
      "({} at most); all back after {}",
      storm.dropped, storm.recovered, storm.accepts_mean(), storm.accepts_peak(),
      full ? fmt::format("{:.2f} s", full->seconds()) : page.bad("never"));
}

void print_virtual(Page& page, const RunResult& result) {
  if (!result.in_virtual_time) return;
  const VirtualFacts& facts = *result.in_virtual_time;
  page.line(
      "virtual     depth {}: {} in {:.1f} s on {} threads; {} heartbeats, {}/s; {} occurrences; "
      "{} per user; digest {:016x}",
      facts.depth,
      facts.simulated_s < 7'200 ? fmt::format("{:.0f} s", facts.simulated_s)
                                : fmt::format("{:.1f} h", facts.simulated_s / 3'600),
      facts.wall_s, facts.threads, count(static_cast<double>(facts.heartbeats)),
      count(facts.heartbeats_per_s()), count(static_cast<double>(facts.occurrences)),
      bytes(static_cast<uint64_t>(facts.bytes_per_user)), facts.digest);
  for (const std::string& part : facts.ran) page.line("ran         {}", part);
  for (const std::string& part : facts.modelled) page.line("modelled    {}", part);
}

void print_ladder(Page& page, const RunResult& result) {
  if (result.ladder.empty()) return;
  page.line("ladder        asked      sent  deliveries         p50         p99  CPU here/there");
  for (const LadderStep& step : result.ladder) {
    const bool ok = step.valid && step.passed;
    const std::string verdict = !step.valid ? "generator too slow" : ok ? "ok" : "failed";
    page.line("          {:>7.0f}/s {:>7.1f}/s {:>9.0f}/s {:>11} {:>11}  {:.2f} / {:.2f}  {}",
              step.rate_per_s, step.stats.metric("rate.sent").value_or(0),
              step.stats.metric("rate.delivered").value_or(0),
              ms(percentile_ms(step.stats.response, "p50")),
              ms(percentile_ms(step.stats.response, "p99")), step.generator_cpu_share,
              step.server_cpu_share, ok ? page.good(verdict) : page.bad(verdict));
  }
}

void print_gates(Page& page, const RunResult& result) {
  for (const GateResult& gate : result.gates) {
    const std::string value = gate.value ? fmt::format("{:.6g}", *gate.value) : "no value";
    const std::string windows =
        gate.windows == 0 ? ""
                          : fmt::format(", {} of {} windows missed", gate.misses, gate.windows);
    page.line("gate        {}  {}  ({}{})", gate.passed ? page.good("pass") : page.bad("FAIL"),
              gate.expression, value, windows);
  }
}

}  // namespace

std::string summary(const RunResult& result, bool colour) {
  Page page(colour);
  page.line("{}  {} · seed {} · {} · run {}", page.strong(result.scenario), result.description,
            result.seed, result.mode, result.run_id);
  page.line("users       {} asked, {} at most connected, {} reconnects, {} refused as too fast",
            result.users_asked, result.users_peak, result.totals.reconnects,
            result.totals.rate_limited);
  if (!result.trusted_sources.empty()) {
    page.line("limits      no rate limits for {}", result.trusted_sources);
  }
  print_messages(page, result);
  if (!is_fleet(result)) print_latencies(page, result);
  print_storm(page, result);
  print_sides(page, result);
  print_virtual(page, result);
  print_ladder(page, result);
  print_gates(page, result);
  for (const std::string& note : result.notes) page.line("note        {}", note);
  for (const std::string& reason : result.invalid_reasons) {
    page.line("{}     {}", page.bad("INVALID"), reason);
  }
  const bool passed = result.valid() && result.gates_passed();
  const std::string verdict = !result.valid()         ? "INVALID: these figures mean nothing"
                              : result.gates_passed() ? "valid, all gates passed"
                                                      : "valid, but gates failed";
  page.line("result      {}", passed ? page.good(verdict) : page.bad(verdict));
  return page.take();
}

}  // namespace chat::sim
