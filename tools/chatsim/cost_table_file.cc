#include "tools/chatsim/cost_table_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <regex>
#include <utility>
#include <vector>

#include "tools/common/quantity.h"
#include "tools/common/yaml_reader.h"

namespace chat::sim {
namespace {

constexpr NumberRange kNotNegative{.min = 0};

/// One number per term, by the terms' names; a missing one is an error.
std::vector<double> read_terms(YamlMap& parent, std::string_view key, Resource resource) {
  parent.require(key);
  YamlMap map = parent.map(key);
  std::vector<double> values;
  for (const Quantity term : cost_terms(resource)) {
    if (parent.has(key)) map.require(name_of(term));
    double value = 0;
    map.number(name_of(term), value, kNotNegative);
    values.push_back(value);
  }
  return values;
}

void read_not_measured(YamlMap& map, Resource resource, CostFit& fit) {
  std::vector<std::string> names, known;
  for (const Quantity term : cost_terms(resource)) known.emplace_back(name_of(term));
  fit.measured.assign(known.size(), true);
  map.texts("not_measured", names);
  for (const std::string& name : names) {
    const auto found = std::ranges::find(known, name);
    if (found == known.end()) {
      map.fail("not_measured", fmt::format("\"{}\" is no cost of {}{}", name, name_of(resource),
                                           suggestion(name, known)));
    } else {
      fit.measured[static_cast<size_t>(found - known.begin())] = false;
    }
  }
}

/// A row per term; left out altogether when all costs are known by definition.
void read_covariance(YamlMap& map, Resource resource, CostFit& fit) {
  const auto terms = cost_terms(resource);
  fit.covariance.assign(terms.size() * terms.size(), 0);
  if (fit.degrees_of_freedom == 0) return;
  map.require("covariance");
  YamlMap rows = map.map("covariance");
  for (size_t i = 0; i < terms.size(); ++i) {
    if (!fit.measured[i] || !map.has("covariance")) continue;
    const std::string_view name = name_of(terms[i]);
    rows.require(name);
    std::vector<double> row;
    rows.numbers(name, row);
    if (row.size() == terms.size()) {
      std::ranges::copy(row, fit.covariance.begin() + static_cast<ptrdiff_t>(i * terms.size()));
    } else if (rows.has(name)) {
      rows.fail(name, fmt::format("{} numbers: expected {}, one per cost and in their order",
                                  row.size(), terms.size()));
    }
  }
}

void read_residuals(YamlMap& map, CostFit& fit) {
  for (YamlMap& entry : map.maps("residuals")) {
    Residual residual;
    entry.require("point");
    entry.text("point", residual.point);
    entry.require("measured");
    entry.number("measured", residual.measured);
    entry.require("fitted");
    entry.number("fitted", residual.fitted);
    fit.residuals.push_back(std::move(residual));
  }
}

void read_fit(YamlMap& top, Resource resource, CostFit& fit) {
  top.require(name_of(resource));
  if (!top.has(name_of(resource))) return;
  YamlMap map = top.map(name_of(resource));
  std::string unit(unit_of(resource));
  map.require("unit");
  map.choice("unit", unit, {unit});
  map.text("source", fit.source);
  map.integer("degrees_of_freedom", fit.degrees_of_freedom, {.min = 0, .max = 1'000'000});
  fit.costs = read_terms(map, "costs", resource);
  fit.highest = read_terms(map, "measured_to", resource);
  read_not_measured(map, resource, fit);
  read_covariance(map, resource, fit);
  read_residuals(map, fit);
}

void read_head(YamlMap& top, CostTable& table) {
  int version = 0;
  top.require("cost_table");
  top.integer("cost_table", version);
  if (top.has("cost_table") && version != CostTable::kVersion) {
    top.fail("cost_table", fmt::format("version {} is not known, this chatsim reads {}: calibrate "
                                       "again",
                                       version, CostTable::kVersion));
  }
  top.require("machine");
  YamlMap machine = top.map("machine");
  machine.text("description", table.machine);
  if (top.has("machine")) machine.require("cores");
  machine.integer("cores", table.cores, {.min = 1, .max = 4'096});
  machine.bytes("memory", table.memory_bytes);
  machine.boolean("busy", table.busy_machine);
  top.require("build");
  top.text("build", table.build);
  top.require("date");
  top.text("date", table.date);
  static const std::regex kDate("[0-9]{4}-[0-9]{2}-[0-9]{2}");
  if (top.has("date") && !std::regex_match(table.date, kDate)) {
    top.fail("date", "\"" + table.date + "\" is no date: expected for example 2026-11-20");
  }
  if (top.has("turn_spread")) top.number("turn_spread", table.turn_spread.emplace(), kNotNegative);
}

Result<CostTable> read_table(YamlMap top) {
  CostTable table;
  read_head(top, table);
  for (const Resource resource : kResources) read_fit(top, resource, table.of(resource));
  if (Status status = top.finish(); !status) return status.error();
  for (const Resource resource : kResources) {
    if (Status checked = check_fit(resource, table.of(resource)); !checked) {
      return make_error(checked.error().code,
                        fmt::format("{}:{}: {}", top.file(), top.line_of(name_of(resource)),
                                    checked.error().text));
    }
  }
  return table;
}

// ---------------------------------------------------------------- writing

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out + '"';
}

template <class... Args>
void line(std::string& text, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(text), format, std::forward<Args>(args)...);
  text += '\n';
}

void write_fit(std::string& text, Resource resource, const CostFit& fit) {
  const auto terms = cost_terms(resource);
  line(text, "{}:", name_of(resource));
  line(text, "  unit: {}", unit_of(resource));
  line(text, "  source: {}", quoted(fit.source));
  line(text, "  degrees_of_freedom: {}", fit.degrees_of_freedom);
  line(text, "  costs:");
  for (size_t i = 0; i < terms.size(); ++i) {
    const std::string value = fmt::format("{:.6g}", fit.costs[i]);
    line(text, "    {}: {:<{}}  # ± {:.3g}, {}", name_of(terms[i]), value,
         24 - name_of(terms[i]).size(), fit.error(i), info_of(terms[i]).meaning);
  }
  line(text, "  measured_to:");
  for (size_t i = 0; i < terms.size(); ++i) {
    line(text, "    {}: {:.6g}", name_of(terms[i]), fit.highest[i]);
  }
  std::string missing;
  for (size_t i = 0; i < terms.size(); ++i) {
    if (fit.measured[i]) continue;
    missing += (missing.empty() ? "" : ", ") + std::string(name_of(terms[i]));
  }
  line(text, "  not_measured: [{}]", missing);
  if (fit.degrees_of_freedom == 0) return;
  line(text, "  covariance:");
  for (size_t i = 0; i < terms.size(); ++i) {
    if (!fit.measured[i]) continue;
    std::string row;
    for (size_t j = 0; j < terms.size(); ++j) {
      row += (j == 0 ? "" : ", ") + fmt::format("{:.6g}", fit.covariance[i * terms.size() + j]);
    }
    line(text, "    {}: [{}]", name_of(terms[i]), row);
  }
  line(text, "  residuals:{}", fit.residuals.empty() ? " []" : "");
  for (const Residual& residual : fit.residuals) {
    line(text, "    - {{point: {}, measured: {:.6g}, fitted: {:.6g}}}", quoted(residual.point),
         residual.measured, residual.fitted);
  }
}

}  // namespace

Result<CostTable> parse_cost_table(std::string_view text, const std::string& file) {
  auto top = YamlMap::parse(text, file);
  if (!top) return top.error();
  return read_table(*top);
}

Result<CostTable> load_cost_table(const std::string& path) {
  auto top = YamlMap::load(path);
  if (!top) return top.error();
  return read_table(*top);
}

std::string cost_table_text(const CostTable& table) {
  std::string text;
  line(text, "# What chatd costs, as `chatsim calibrate` measured it.");
  line(text, "cost_table: {}", CostTable::kVersion);
  line(text, "machine:");
  line(text, "  description: {}", quoted(table.machine));
  line(text, "  cores: {}", table.cores);
  line(text, "  memory: {}", format_bytes(table.memory_bytes));
  line(text, "  busy: {}", table.busy_machine);
  line(text, "build: {}", quoted(table.build));
  line(text, "date: {}", quoted(table.date));
  if (table.turn_spread) line(text, "turn_spread: {:.6g}", *table.turn_spread);
  for (const Resource resource : kResources) write_fit(text, resource, table.of(resource));
  return text;
}

}  // namespace chat::sim
