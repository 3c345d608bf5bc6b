#include "sim/cost/plan_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cmath>
#include <iterator>

namespace chat::sim {
namespace {

namespace json = boost::json;

/// The figures of the what-if table: those that differ.
constexpr std::array kRowFigures = {"cores.peak_hour", "network.peak_hour", "storage.day",
                                    "cost.per_1000_users"};

/// Three digits are as many as an interval deserves; whole numbers keep theirs up to a million.
std::string short_number(double value) {
  if (value == 0) return "0";
  constexpr std::pair<double, const char*> kUnits[] = {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}};
  for (const auto& [size, letter] : kUnits) {
    if (std::abs(value) >= size) return fmt::format("{:.3g}{}", value / size, letter);
  }
  if (std::abs(value) >= 100) return fmt::format("{:.0f}", value);
  return fmt::format("{:.3g}", value);
}

void line(std::string& text, const std::string& more) { text += more + "\n"; }

std::string figure_line(const Figure& figure) {
  const auto amount = [&](double value) { return amount_text(value, figure.unit); };
  const auto half = [&](const Interval& part) {
    if (figure.value <= 0) return std::string("-");
    return fmt::format("±{:.1f}%", 50 * (part.high - part.low) / figure.value);
  };
  return fmt::format("{:<28}{:>13}   {:>13} … {:<13}{:>9}{:>9}{}", figure.name,
                     amount(figure.value), amount(figure.both.low), amount(figure.both.high),
                     half(figure.behaviour), half(figure.cost), figure.beyond ? "  beyond" : "");
}

std::string region_line(const RegionPlan& region) {
  std::string text = fmt::format("  {:<12} peak hour from {:02d}:{:02d} UTC, limit {}", region.name,
                                 static_cast<int>(region.peak_hour_h),
                                 static_cast<int>(region.peak_hour_h * 60) % 60, region.limit);
  for (const Figure& figure : region.figures) {
    if (!figure.name.starts_with("servers.") && !figure.name.starts_with("users.")) continue;
    text += fmt::format(" · {} {}", figure.name, amount_text(figure.value, ""));
  }
  return text;
}

std::string row_line(const PlanRow& row) {
  std::string text = fmt::format("  {:<22}", row.label);
  double servers = 0;
  for (const Figure& figure : row.figures) {
    if (figure.name.starts_with("servers.") && figure.name.ends_with(".zone_lost")) {
      servers += figure.value;
    }
  }
  text += fmt::format("{:>10}", amount_text(servers, ""));
  for (const char* name : kRowFigures) {
    const auto found = std::ranges::find(row.figures, name, &Figure::name);
    if (found != row.figures.end()) {
      text += fmt::format("{:>22}", amount_text(found->value, found->unit));
    }
  }
  return text + "  " + row.machine;
}

json::value interval(const Interval& part) { return json::array{part.low, part.high}; }

json::array figures_json(const std::vector<Figure>& figures) {
  json::array out;
  for (const Figure& figure : figures) {
    out.push_back(json::object{{"name", figure.name},
                               {"unit", figure.unit},
                               {"value", figure.value},
                               {"low", figure.both.low},
                               {"high", figure.both.high},
                               {"behaviour", interval(figure.behaviour)},
                               {"cost", interval(figure.cost)},
                               {"beyond", figure.beyond}});
  }
  return out;
}

json::object day_json(const Plan& plan) {
  const auto column = [&](auto value_of) {
    json::array values;
    for (const DayPoint& point : plan.day) values.emplace_back(value_of(point));
    return values;
  };
  json::object out{
      {"hour", column([](const DayPoint& p) { return p.hour; })},
      {"users", column([](const DayPoint& p) { return p.users; })},
      {"cores", column([](const DayPoint& p) { return p.cores; })},
      {"memory_bytes", column([](const DayPoint& p) { return p.memory_bytes; })},
      {"network_bits_per_s", column([](const DayPoint& p) { return p.network_bits_per_s; })},
      {"pushes_per_s", column([](const DayPoint& p) { return p.pushes_per_s; })}};
  json::object regions;
  for (size_t i = 0; i < plan.regions.size(); ++i) {
    regions[plan.regions[i].name] = column([i](const DayPoint& p) { return p.users_by_region[i]; });
  }
  out["users_by_region"] = std::move(regions);
  return out;
}

json::object options_json(const Plan& plan) {
  const PlanOptions& options = plan.options;
  return {{"zones", options.zones},
          {"gateways", options.gateways},
          {"cpu_target", options.cpu_target},
          {"memory_target", options.memory_target},
          {"network_target", options.network_target},
          {"storage_copies", options.storage_copies},
          {"accepts_per_second", options.admission.accepts_per_second},
          {"connections_max", options.admission.connections_max},
          {"draws", options.draws},
          {"seed", options.seed},
          {"sample_share", options.sample_share}};
}

}  // namespace

std::string amount_text(double value, std::string_view unit) {
  if (unit == "bytes") {
    constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    size_t i = 0;
    while (value >= 1024 && i + 1 < kUnits.size()) {
      value /= 1024;
      ++i;
    }
    return fmt::format("{:.{}f} {}", value,
                       value < 10 && i > 0    ? 2
                       : value < 100 && i > 0 ? 1
                                              : 0,
                       kUnits[i]);
  }
  const std::string number = short_number(value);
  if (unit.empty() || unit == "users") return number;
  // A prefix joins its unit: "45.6 Gbit/s".
  if (unit == "bit/s" && std::isalpha(static_cast<unsigned char>(number.back())) != 0) {
    return fmt::format("{} {}{}", number.substr(0, number.size() - 1), number.back(), unit);
  }
  return fmt::format("{} {}", number, unit);
}

std::string plan_summary(const Plan& plan, bool colour) {
  const auto strong = [colour](const std::string& text) {
    return colour ? "\x1b[1m" + text + "\x1b[0m" : text;
  };
  std::string text;
  line(text, fmt::format("{} · seed {} · machine \"{}\", {} cores, {}", strong(plan.name),
                         plan.seed, plan.machine.name, plan.machine.cores,
                         amount_text(static_cast<double>(plan.machine.memory_bytes), "bytes")));
  line(text, "costs: " + plan.costs);
  line(text, strong(fmt::format("{:<28}{:>13}   {:>31}{:>9}{:>9}", "figure", "value",
                                "95 % interval          ", "days", "costs")));
  for (const Figure& figure : plan.figures) line(text, figure_line(figure));
  line(text, strong("regions"));
  for (const RegionPlan& region : plan.regions) line(text, region_line(region));
  if (!plan.what_ifs.empty()) {
    line(text, strong(fmt::format("{:<24}{:>10}{:>22}{:>22}{:>22}{:>22}", "what if", "servers",
                                  "cores at the peak", "network at the peak", "storage per day",
                                  "per 1,000 users")));
    for (const PlanRow& row : plan.what_ifs) line(text, row_line(row));
  }
  for (const std::string& note : plan.notes) line(text, "note: " + note);
  return text;
}

std::string plan_json(const Plan& plan) {
  json::array regions, rows;
  for (const RegionPlan& region : plan.regions) {
    regions.push_back(json::object{{"name", region.name},
                                   {"peak_hour_h", region.peak_hour_h},
                                   {"limit", region.limit},
                                   {"figures", figures_json(region.figures)}});
  }
  for (const PlanRow& row : plan.what_ifs) {
    rows.push_back(json::object{
        {"label", row.label}, {"machine", row.machine}, {"figures", figures_json(row.figures)}});
  }
  const json::object out{{"plan", plan.name},
                         {"seed", plan.seed},
                         {"machine", plan.machine.name},
                         {"currency", plan.currency},
                         {"costs", plan.costs},
                         {"options", options_json(plan)},
                         {"figures", figures_json(plan.figures)},
                         {"regions", std::move(regions)},
                         {"what_ifs", std::move(rows)},
                         {"day", day_json(plan)},
                         {"notes", json::value_from(plan.notes)}};
  return json::serialize(out) + "\n";
}

}  // namespace chat::sim
