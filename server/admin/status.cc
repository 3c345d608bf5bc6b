#include "server/admin/status.h"

#include <boost/json.hpp>
#include <vector>

#include "server/admin/counter_fields.h"
#include "server/admin/process_figures.h"
#include "server/reactor/clock.h"

namespace chat {
namespace {

namespace json = boost::json;

json::object process_json() {
  const ProcessFigures process = process_figures();
  return {{"pid", process.pid},
          {"cpu_s", process.cpu_s},
          {"rss_bytes", process.rss_bytes},
          {"fds", process.fds},
          {"fds_max", process.fds_max}};
}

json::object store_json(const AdminServices& services) {
  const StoreCounters store = services.store_service.counters();
  // The epoch as a text: it has 64 bits, and not every reader of JSON has them.
  return {{"kind", services.store_kind},
          {"epoch", std::to_string(services.store.epoch())},
          {"batches", store.batches},
          {"commands", store.commands},
          {"rows", store.rows},
          {"bytes", store.bytes},
          {"reads", store.reads},
          {"refused", store.refused},
          {"writes_waiting", store.writes_waiting},
          {"reads_waiting", store.reads_waiting}};
}

json::value journal_json(const AdminServices& services) {
  if (!services.journal) return nullptr;
  const JournalCounters journal = services.journal->counters();
  return json::object{{"written", journal.written}, {"dropped", journal.dropped}};
}

}  // namespace

std::string status_json(const AdminServices& services) {
  std::vector<EngineCounters> parts;
  uint64_t sockets = 0;
  double turn_time_s = 0, turn_time_squared_s2 = 0;
  for (size_t i = 0; i < services.reactors.size(); ++i) {
    const ReactorStats stats = services.reactors.at(i).stats();
    parts.push_back(stats.engine);
    sockets += stats.sockets;
    turn_time_s += stats.turn_time_s;
    turn_time_squared_s2 += stats.turn_time_squared_s2;
  }
  const EngineCounters sum = sum_of(parts);
  json::object counters;
  for (const CounterField& field : counter_fields()) counters[field.name] = sum.*field.field;
  return json::serialize(json::object{{"version", services.version},
                                      {"uptime_s", (monotonic_now() - services.started).seconds()},
                                      {"ready", services.ready.load()},
                                      {"engines", services.reactors.size()},
                                      {"sockets", sockets},
                                      {"turn_time_s", turn_time_s},
                                      {"turn_time_squared_s2", turn_time_squared_s2},
                                      {"connections", sum.connections},
                                      {"sessions", sum.sessions},
                                      {"chats_loaded", sum.chats_loaded},
                                      {"users_loaded", sum.users_loaded},
                                      {"accounts", services.accounts.user_count()},
                                      {"store", store_json(services)},
                                      {"journal", journal_json(services)},
                                      {"process", process_json()},
                                      {"counters", std::move(counters)}});
}

}  // namespace chat
