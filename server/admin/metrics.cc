#include "server/admin/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <sstream>
#include <vector>

#include "server/admin/counter_fields.h"
#include "server/admin/process_figures.h"
#include "server/reactor/clock.h"

namespace chat {
namespace {

class Families {
 public:
  void add(const std::string& name, const std::string& help, bool is_gauge, double value) {
    family(name, help, is_gauge).metric.push_back(metric(is_gauge, value));
  }

  /// A family that gets one value per engine.
  prometheus::MetricFamily& family(const std::string& name, const std::string& help,
                                   bool is_gauge) {
    prometheus::MetricFamily& family = families_.emplace_back();
    family.name = name;
    family.help = help;
    family.type = is_gauge ? prometheus::MetricType::Gauge : prometheus::MetricType::Counter;
    return family;
  }

  static prometheus::ClientMetric metric(bool is_gauge, double value) {
    prometheus::ClientMetric metric;
    (is_gauge ? metric.gauge.value : metric.counter.value) = value;
    return metric;
  }

  std::string text() const {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, families_);
    return out.str();
  }

 private:
  std::vector<prometheus::MetricFamily> families_;
};

void add_engines(Families& families, const ReactorGroup& reactors) {
  std::vector<ReactorStats> stats;
  for (size_t i = 0; i < reactors.size(); ++i) stats.push_back(reactors.at(i).stats());
  const auto add = [&](const std::string& name, const std::string& help, bool is_gauge,
                       auto value) {
    prometheus::MetricFamily& family = families.family(name, help, is_gauge);
    for (size_t i = 0; i < stats.size(); ++i) {
      prometheus::ClientMetric metric =
          Families::metric(is_gauge, static_cast<double>(value(stats[i])));
      metric.label.push_back({"engine", std::to_string(reactors.at(i).self().id.value)});
      family.metric.push_back(std::move(metric));
    }
  };
  for (const CounterField& field : counter_fields()) {
    const std::string name(field.name);
    add("chatd_engine_" + name + (field.is_gauge ? "" : "_total"), "EngineCounters." + name,
        field.is_gauge, [&field](const ReactorStats& part) { return part.engine.*field.field; });
  }
  add("chatd_sockets", "Open sockets of the public port.", true,
      [](const ReactorStats& part) { return part.sockets; });
  add("chatd_turn_seconds_total", "Time in turns, with their outputs.", false,
      [](const ReactorStats& part) { return part.turn_time_s; });
  add("chatd_turn_seconds_squared_total", "The squares of these times: for their spread.", false,
      [](const ReactorStats& part) { return part.turn_time_squared_s2; });
  add("chatd_store_commands_outstanding", "Store commands of an engine without an answer.", true,
      [](const ReactorStats& part) { return part.store_outstanding; });
  add("chatd_requests_outstanding", "REST and admin requests without an answer.", true,
      [](const ReactorStats& part) { return part.requests_outstanding; });
}

void add_store(Families& families, const StoreCounters& store) {
  const auto counter = [&](const char* name, const char* help, uint64_t value) {
    families.add(name, help, false, static_cast<double>(value));
  };
  counter("chatd_store_batches_total", "Synced write batches.", store.batches);
  counter("chatd_store_commands_total", "Writes executed.", store.commands);
  counter("chatd_store_rows_total", "Rows written.", store.rows);
  counter("chatd_store_bytes_total", "Bytes written.", store.bytes);
  counter("chatd_store_reads_total", "Reads executed.", store.reads);
  counter("chatd_store_refused_total", "Commands refused because a queue was full.", store.refused);
  families.add("chatd_store_writes_waiting", "Writes in the queue.", true,
               static_cast<double>(store.writes_waiting));
  families.add("chatd_store_reads_waiting", "Reads in the queue.", true,
               static_cast<double>(store.reads_waiting));
}

void add_process(Families& families, const AdminServices& services) {
  const ProcessFigures process = process_figures();
  const auto gauge = [&](const char* name, const char* help, double value) {
    families.add(name, help, true, value);
  };
  gauge("chatd_ready", "1 while the server serves.", services.ready ? 1 : 0);
  gauge("chatd_uptime_seconds", "Since the start.", (monotonic_now() - services.started).seconds());
  gauge("chatd_accounts", "User accounts.", static_cast<double>(services.accounts.user_count()));
  gauge("chatd_account_jobs_waiting", "Account jobs in the queue.",
        static_cast<double>(services.pool.waiting()));
  families.add("process_cpu_seconds_total", "User and system time.", false, process.cpu_s);
  gauge("process_resident_memory_bytes", "Resident memory.",
        static_cast<double>(process.rss_bytes));
  gauge("process_open_fds", "Open descriptors.", static_cast<double>(process.fds));
  gauge("process_max_fds", "Limit of open descriptors.", static_cast<double>(process.fds_max));
}

}  // namespace

std::string metrics_text(const AdminServices& services) {
  Families families;
  add_engines(families, services.reactors);
  add_store(families, services.store_service.counters());
  add_process(families, services);
  return families.text();
}

}  // namespace chat
