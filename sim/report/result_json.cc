#include "sim/report/result_json.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <ctime>

#include "sim/report/traces.h"

namespace chat::sim {
namespace {

namespace json = boost::json;

/// Three decimals are enough for ms and s, and keep a file small.
double rounded(double value) { return std::round(value * 1'000) / 1'000; }

json::value optional_number(const std::optional<double>& value) {
  if (!value) return nullptr;
  return rounded(*value);
}

json::object latency(const Histogram& histogram) {
  json::object out;
  for (const char* name : {"p50", "p90", "p95", "p99", "p999", "max"}) {
    out[name] = optional_number(percentile_ms(histogram, name));
  }
  out["count"] = histogram.count();
  return out;
}

json::array gates(const std::vector<GateResult>& results) {
  json::array out;
  for (const GateResult& gate : results) {
    json::object entry{
        {"expr", gate.expression}, {"value", optional_number(gate.value)}, {"passed", gate.passed}};
    if (gate.windows > 0) {
      entry["windows"] = gate.windows;
      entry["misses"] = gate.misses;
    }
    out.push_back(std::move(entry));
  }
  return out;
}

json::object messages(const OracleCounts& counts) {
  return {{"sent", counts.sent},
          {"acked", counts.acked},
          {"refused", counts.refused},
          {"sends_delayed", counts.delayed},
          {"expected_deliveries", counts.expected_deliveries},
          {"delivered", counts.delivered},
          {"lost", counts.lost},
          {"duplicate", counts.duplicate},
          {"reordered", counts.reordered},
          {"phantom", counts.phantom},
          {"stale", counts.stale},
          {"late", counts.late},
          {"not_sent", counts.not_sent},
          {"by_history", counts.by_history},
          {"pruned", counts.pruned},
          {"skipped", counts.skipped}};
}

json::object changes(const OracleCounts& counts) {
  const auto kind = [](const ChangeCounts& of) {
    return json::object{{"sent", of.sent}, {"acked", of.acked}, {"refused", of.refused}};
  };
  return {{"edits", kind(counts.edits)},
          {"deletions", kind(counts.deletions)},
          {"reactions", kind(counts.reactions)},
          {"tombstones", counts.tombstones},
          {"leaves", counts.leaves}};
}

json::array findings(const OracleReport& report) {
  json::array out;
  for (const OracleExample& example : report.examples) {
    out.push_back(json::object{{"kind", name_of(example.finding)}, {"text", example.text}});
  }
  return out;
}

json::array phases(const std::vector<RunPhase>& all) {
  json::array out;
  for (const RunPhase& phase : all) {
    out.push_back(json::object{{"name", phase.name},
                               {"begin_s", rounded(phase.begin.seconds())},
                               {"length_s", rounded(phase.length.seconds())}});
  }
  return out;
}

json::array ladder(const std::vector<LadderStep>& steps) {
  json::array out;
  for (const LadderStep& step : steps) {
    out.push_back(
        json::object{{"rate_per_s", rounded(step.rate_per_s)},
                     {"valid", step.valid},
                     {"passed", step.passed},
                     {"gates", gates(step.gates)},
                     {"sent_per_s", optional_number(step.stats.metric("rate.sent"))},
                     {"delivered_per_s", optional_number(step.stats.metric("rate.delivered"))},
                     {"latency_ms", json::object{{"service", latency(step.stats.service)},
                                                 {"response", latency(step.stats.response)}}},
                     {"generator_cpu_share", rounded(step.generator_cpu_share)},
                     {"server_cpu_share", rounded(step.server_cpu_share)}});
  }
  return out;
}

/// The bins in use as [first bin's lower end in ms, bins per octave, counts…].
json::object distribution(const Histogram& histogram) {
  LatencyBins bins;
  bins.add(histogram);
  const auto& counts = bins.counts();
  const auto used = [](uint32_t count) { return count > 0; };
  const auto first = std::find_if(counts.begin(), counts.end(), used);
  const auto last = std::find_if(counts.rbegin(), counts.rend(), used).base();
  json::object out{{"bins_per_octave", LatencyBins::kPerOctave}, {"first_ms", nullptr}};
  json::array values;
  if (first != counts.end()) {
    out["first_ms"] = LatencyBins::low_ms(static_cast<int>(first - counts.begin()));
    values.insert(values.begin(), first, last);
  }
  out["counts"] = std::move(values);
  return out;
}

/// Per point the used bins of the response latencies as [bin, count, bin, count, …]; two bins of
/// the series are one cell of the map.
json::array heat_rows(const std::vector<SeriesPoint>& points) {
  json::array rows;
  for (const SeriesPoint& point : points) {
    json::array row;
    const auto& counts = point.response.bins.counts();
    for (size_t bin = 0; bin < counts.size(); bin += 2) {
      const uint64_t count = uint64_t{counts[bin]} + counts[bin + 1];
      if (count == 0) continue;
      row.push_back(bin / 2);
      row.push_back(count);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

template <class Value>
json::array column(const std::vector<SeriesPoint>& points, Value value) {
  json::array out;
  for (const SeriesPoint& point : points) out.push_back(value(point));
  return out;
}

void add_rates(json::object& out, const std::vector<SeriesPoint>& points) {
  const std::pair<const char*, uint64_t SeriesPoint::*> counts[] = {
      {"sent_per_s", &SeriesPoint::sent},           {"acked_per_s", &SeriesPoint::acked},
      {"delivered_per_s", &SeriesPoint::delivered}, {"late_per_s", &SeriesPoint::late},
      {"not_sent_per_s", &SeriesPoint::not_sent},   {"reconnects_per_s", &SeriesPoint::reconnects},
      {"errors_per_s", &SeriesPoint::errors}};
  for (const auto& [name, member] : counts) {
    out[name] = column(points, [member = member](const SeriesPoint& point) -> json::value {
      if (point.length.ns <= 0) return nullptr;
      return rounded(static_cast<double>(point.*member) / point.length.seconds());
    });
  }
}

void add_latencies(json::object& out, const std::vector<SeriesPoint>& points) {
  const std::pair<const char*, LatencyPoint SeriesPoint::*> kinds[] = {
      {"service", &SeriesPoint::service}, {"response", &SeriesPoint::response}};
  const std::pair<const char*, double LatencyPoint::*> values[] = {
      {"p50_ms", &LatencyPoint::p50_ms},
      {"p90_ms", &LatencyPoint::p90_ms},
      {"p99_ms", &LatencyPoint::p99_ms},
      {"max_ms", &LatencyPoint::max_ms}};
  for (const auto& [kind, of] : kinds) {
    for (const auto& [name, value] : values) {
      out[std::string(kind) + "_" + name] =
          column(points, [of = of, value = value](const SeriesPoint& point) -> json::value {
            if ((point.*of).max_ms <= 0) return nullptr;
            return rounded((point.*of).*value);
          });
    }
  }
  out["lag_p99_ms"] = column(points, [](const SeriesPoint& p) { return rounded(p.lag_p99_ms); });
}

void add_processes(json::object& out, const std::vector<SeriesPoint>& points) {
  out["generator_cpu_share"] = column(points, [](const SeriesPoint& point) -> json::value {
    if (point.length.ns <= 0) return nullptr;
    return rounded(point.generator.cpu_s / point.length.seconds());
  });
  out["generator_rss_bytes"] =
      column(points, [](const SeriesPoint& point) { return point.generator.rss_bytes; });
  out["server_cpu_share"] = column(points, [](const SeriesPoint& point) -> json::value {
    if (point.server_seconds == 0) return nullptr;
    return rounded(point.server.cpu_s / point.server_seconds);
  });
  out["server_rss_bytes"] = column(points, [](const SeriesPoint& point) -> json::value {
    if (point.server_seconds == 0) return nullptr;
    return point.server.rss_bytes;
  });
}

json::object series(const TimeSeries& all) {
  const auto& points = all.points();
  json::object out{{"step_s", all.step_s()}};
  out["users"] = column(points, [](const SeriesPoint& point) { return point.users; });
  add_rates(out, points);
  add_latencies(out, points);
  add_processes(out, points);
  out["response_heat"] = json::object{{"first_ms", LatencyBins::low_ms(0)},
                                      {"bins_per_octave", LatencyBins::kPerOctave / 2},
                                      {"rows", heat_rows(points)}};
  return out;
}

json::object sides(const RunResult& result) {
  json::object generator{{"cpu_s", rounded(result.generator.cpu_s)},
                         {"rss_bytes", result.generator.rss_bytes},
                         {"bytes_per_user", result.generator.bytes_each},
                         {"lag_ms", latency(result.totals.lag)}};
  json::value server = nullptr;
  if (result.server) {
    server = json::object{{"cpu_s", rounded(result.server->cpu_s)},
                          {"rss_bytes", result.server->rss_bytes},
                          {"bytes_per_connection", result.server->bytes_each},
                          {"restarts", result.server_restarts}};
  }
  return {{"generator", std::move(generator)}, {"server", std::move(server)}};
}

json::value storm(const std::optional<StormStats>& storm) {
  if (!storm) return nullptr;
  const auto full = storm->full_recovery();
  return json::object{
      {"at_s", rounded(storm->at.seconds())},
      {"dropped", storm->dropped},
      {"recovered", storm->recovered},
      {"full_recovery_s", full ? json::value(rounded(full->seconds())) : json::value()},
      {"accepts_per_s", rounded(storm->accepts_mean())},
      {"accepts_per_s_max", storm->accepts_peak()},
      {"accepts", json::value_from(storm->accepts)},
      {"welcome_ms", latency(storm->welcome)},
      {"recovery_ms", latency(storm->recovery)}};
}

json::value actions(const RunResult& result) {
  if (result.traces.empty()) return nullptr;
  return json::object{{"executed", actions_of(result.traces)},
                      {"digest", fmt::format("{:016x}", digest_of(result.traces))}};
}

json::value in_virtual_time(const std::optional<VirtualFacts>& facts) {
  if (!facts) return nullptr;
  json::object counters;
  for (const auto& [name, count] : facts->counters) counters[name] = count;
  return json::object{{"depth", facts->depth},
                      {"threads", facts->threads},
                      {"wall_s", rounded(facts->wall_s)},
                      {"simulated_s", rounded(facts->simulated_s)},
                      {"users", facts->users},
                      {"peak_concurrent", facts->peak_concurrent},
                      {"heartbeats", facts->heartbeats},
                      {"heartbeats_per_s", rounded(facts->heartbeats_per_s())},
                      {"occurrences", facts->occurrences},
                      {"bytes_per_user", rounded(facts->bytes_per_user)},
                      {"digest", fmt::format("{:016x}", facts->digest)},
                      {"counters", std::move(counters)},
                      {"ran", json::value_from(facts->ran)},
                      {"modelled", json::value_from(facts->modelled)}};
}

bool is_plain(const json::value& value) {
  if (value.is_object()) return false;
  if (!value.is_array()) return true;
  const auto& items = value.get_array();
  return std::none_of(items.begin(), items.end(),
                      [](const json::value& item) { return item.is_object() || item.is_array(); });
}

void print(const json::value& value, const std::string& indent, std::string& out) {
  const std::string deeper = indent + "  ";
  bool first = true;
  const auto separate = [&] {
    out += first ? "\n" : ",\n";
    first = false;
    out += deeper;
  };
  if (value.is_object() && !value.get_object().empty()) {
    out += "{";
    for (const auto& member : value.get_object()) {
      separate();
      out += json::serialize(json::string(member.key())) + ": ";
      print(member.value(), deeper, out);
    }
    out += "\n" + indent + "}";
  } else if (value.is_array() && !is_plain(value)) {
    out += "[";
    for (const json::value& item : value.get_array()) {
      separate();
      print(item, deeper, out);
    }
    out += "\n" + indent + "]";
  } else {
    out += json::serialize(value);
  }
}

}  // namespace

std::string result_json(const RunResult& result) {
  const std::time_t started = result.started.ms / 1'000;
  json::object out{
      {"schema_version", RunResult::kSchemaVersion},
      {"scenario", result.scenario},
      {"description", result.description},
      {"seed", result.seed},
      {"mode", result.mode},
      {"run_id", result.run_id},
      {"target", result.target},
      {"server_version", result.server_version},
      {"trusted_sources", result.trusted_sources},
      {"started", fmt::format("{:%FT%TZ}", fmt::gmtime(started))},
      {"valid", result.valid()},
      {"invalid_reasons", json::value_from(result.invalid_reasons)},
      {"gates", gates(result.gates)},
      {"users", json::object{{"asked", result.users_asked}, {"peak", result.users_peak}}},
      {"messages", messages(result.oracle.counts)},
      {"changes", changes(result.oracle.counts)},
      {"connections", json::object{{"reconnects", result.totals.reconnects},
                                   {"errors", result.totals.errors},
                                   {"rate_limited", result.totals.rate_limited},
                                   {"go_aways", result.totals.go_aways}}},
      {"latency_ms", json::object{{"service", latency(result.totals.service)},
                                  {"response", latency(result.totals.response)}}},
      {"catch_up_ms", latency(result.catch_up)}};
  for (auto& side : sides(result)) out[side.key()] = std::move(side.value());
  out["storm"] = storm(result.storm);
  out["actions"] = actions(result);
  out["virtual"] = in_virtual_time(result.in_virtual_time);
  out["phases"] = phases(result.phases);
  out["ladder"] = ladder(result.ladder);
  out["findings"] = findings(result.oracle);
  out["notes"] = json::value_from(result.notes);
  out["distribution"] = json::object{{"service", distribution(result.totals.service)},
                                     {"response", distribution(result.totals.response)}};
  out["series"] = series(result.series);
  std::string text;
  print(out, "", text);
  text += "\n";
  return text;
}

}  // namespace chat::sim
