#include "tools/chatd/option_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <limits>

#include "server/accounts/token_service.h"
#include "tools/common/quantity.h"

namespace chat {
namespace {

Error expected(std::string_view what, std::string_view text) {
  return make_error(ErrorCode::invalid_argument,
                    fmt::format("expected {}, got \"{}\"", what, text));
}

Option text(std::string name, std::string value, std::string& target, std::string help) {
  return {std::move(name), std::move(value), std::move(help),
          [&target](const std::string& given) -> Status {
            target = given;
            return {};
          },
          [&target] { return target; }};
}

Option choice(std::string name, std::string& target, std::vector<std::string> allowed,
              std::string help) {
  const std::string value = fmt::format("{}", fmt::join(allowed, "|"));
  return {std::move(name), value, std::move(help),
          [&target, allowed](const std::string& given) -> Status {
            if (std::find(allowed.begin(), allowed.end(), given) == allowed.end()) {
              return expected(fmt::format("one of {}", fmt::join(allowed, ", ")), given);
            }
            target = given;
            return {};
          },
          [&target] { return target; }};
}

Option flag(std::string name, bool& target, std::string help) {
  return {std::move(name), "true|false", std::move(help),
          [&target](const std::string& given) -> Status {
            if (given != "true" && given != "false") return expected("true or false", given);
            target = given == "true";
            return {};
          },
          [&target] { return target ? "true" : "false"; }};
}

template <class Int>
Option integer(std::string name, Int& target, Int min, Int max, std::string help) {
  return {std::move(name), "N", std::move(help),
          [&target, min, max](const std::string& given) -> Status {
            const auto parsed = parse_integer(given);
            const bool fits = parsed && *parsed >= static_cast<int64_t>(min) &&
                              (*parsed < 0 || static_cast<uint64_t>(*parsed) <= uint64_t{max});
            if (!fits)
              return expected(fmt::format("a whole number from {} to {}", min, max), given);
            target = static_cast<Int>(*parsed);
            return {};
          },
          [&target] { return std::to_string(target); }};
}

template <class Int>
Option bytes(std::string name, Int& target, uint64_t min, uint64_t max, std::string help) {
  return {std::move(name), "BYTES", std::move(help),
          [&target, min, max](const std::string& given) -> Status {
            const auto parsed = parse_bytes(given);
            if (!parsed || *parsed < min || *parsed > max) {
              return expected(
                  fmt::format("a size from {} to {}", format_bytes(min), format_bytes(max)), given);
            }
            target = static_cast<Int>(*parsed);
            return {};
          },
          [&target] { return format_bytes(target); }};
}

constexpr Duration kNoMax{std::numeric_limits<int64_t>::max()};

Option duration(std::string name, Duration& target, Duration min, Duration max, std::string help) {
  return {std::move(name), "TIME", std::move(help),
          [&target, min, max](const std::string& given) -> Status {
            const auto parsed = parse_duration(given);
            if (!parsed || *parsed < min || *parsed > max) {
              const std::string at_most =
                  max == kNoMax ? "" : fmt::format(" and at most {}", format_duration(max));
              return expected(fmt::format("a duration of at least {}{}, such as 250ms, 30s or 5m",
                                          format_duration(min), at_most),
                              given);
            }
            target = *parsed;
            return {};
          },
          [&target] { return format_duration(target); }};
}

Option duration(std::string name, Duration& target, Duration min, std::string help) {
  return duration(std::move(name), target, min, kNoMax, std::move(help));
}

template <class Target>
Option address(std::string name, Target& target, std::string help) {
  return {std::move(name), "HOST:PORT", std::move(help),
          [&target](const std::string& given) -> Status {
            const auto parsed = parse_host_port(given);
            if (!parsed) return parsed.error();
            target = *parsed;
            return {};
          },
          [&target] {
            if constexpr (std::is_same_v<Target, HostPort>) {
              return format_host_port(target);
            } else {
              return target ? format_host_port(*target) : std::string();
            }
          }};
}

Option addresses(std::string name, AddressSet& target, std::string help) {
  return {std::move(name), "LIST", std::move(help),
          [&target](const std::string& given) -> Status {
            auto parsed = AddressSet::parse(given);
            if (!parsed) return parsed.error();
            target = std::move(*parsed);
            return {};
          },
          [&target] { return target.text(); }};
}

/// What concerns connections, sessions and users.
void add_session_policy(std::vector<Option>& table, EnginePolicy& p) {
  constexpr Duration tick = milliseconds(10);
  constexpr uint64_t frame_max = 1 << 20;
  const auto name = [](const char* key) { return fmt::format("policy.{}", key); };
  table.insert(
      table.end(),
      {duration(name("hello_timeout"), p.hello_timeout, tick, "a connection says Hello within"),
       duration(name("heartbeat_interval"), p.heartbeat_interval, tick,
                "silent clients send a heartbeat this often"),
       duration(name("presence_grace"), p.presence_grace, tick,
                "a lost session counts as online this long"),
       duration(name("last_seen_interval"), p.last_seen_interval, tick,
                "how often last_seen is stored while somebody is online"),
       bytes(name("message_bytes_max"), p.message_bytes_max, 1, 16 << 10, "text of one message"),
       bytes(name("event_bytes_max"), p.event_bytes_max, 1 << 10, 32 << 10, "one encoded event"),
       bytes(name("frame_bytes_max"), p.frame_bytes_max, 1 << 10, frame_max,
             "one WebSocket message of a client"),
       integer<uint32_t>(name("sends_unanswered_max"), p.sends_unanswered_max, 1, 4096,
                         "sends of a connection without SendAck"),
       integer<uint32_t>(name("sync_events_max"), p.sync_events_max, 1, 500,
                         "events of one sync page"),
       integer<uint32_t>(name("history_events_max"), p.history_events_max, 1, 200,
                         "events of one history answer"),
       bytes(name("page_bytes_max"), p.page_bytes_max, 1 << 10, 48 << 10,
             "encoded bytes of a page"),
       integer<uint32_t>(name("reset_gap"), p.reset_gap, 100, 10'000'000,
                         "a device further behind starts at head"),
       integer<uint32_t>(name("inbox_keep"), p.inbox_keep, 100, 100'000'000,
                         "inboxes are trimmed to this many entries"),
       integer<uint32_t>(name("inbox_trim_step"), p.inbox_trim_step, 1, 100'000'000,
                         "when they have as many more"),
       integer<uint32_t>(name("devices_per_user_max"), p.devices_per_user_max, 1, 10'000,
                         "of more devices the longest unseen is forgotten"),
       integer<uint32_t>(name("unread_max"), p.unread_max, 0, 1'000,
                         "unread messages of a chat are counted up to this"),
       integer<uint32_t>(name("receipt_push_members_max"), p.receipt_push_members_max, 0, 256,
                         "receipts are pushed in chats up to this size"),
       duration(name("presence_coalesce"), p.presence_coalesce, tick,
                "a watcher is told of changes of presence at most this often"),
       integer<uint32_t>(name("presence_events_per_second"), p.presence_events_per_second, 1,
                         10'000'000, "changes of presence an engine tells per second; more wait"),
       integer<uint32_t>(name("typing_members_max"), p.typing_members_max, 0, 10'000,
                         "typing is told in rooms up to this size"),
       duration(name("token_warning"), p.token_warning, tick,
                "clients are told so long before their token ends, or a tenth of its life"),
       duration(name("go_away_patience"), p.go_away_patience, tick,
                "who has not left so long after GoAway is closed")});
}

/// What concerns chats and their homes.
void add_chat_policy(std::vector<Option>& table, EnginePolicy& p) {
  constexpr Duration tick = milliseconds(10);
  const auto name = [](const char* key) { return fmt::format("policy.{}", key); };
  table.insert(
      table.end(),
      {duration(name("receipt_join"), p.receipt_join, tick, "receipts of a chat are joined for"),
       duration(name("receipt_slack"), p.receipt_slack, tick,
                "clocks of engines and ways of receipts differ by less than"),
       duration(name("mark_flush"), p.mark_flush, tick, "idle marks are stored after"),
       duration(name("request_timeout"), p.request_timeout, tick, "a REST request is answered in"),
       integer<uint32_t>(name("chat_queue_max"), p.chat_queue_max, 1, 1'000'000,
                         "sends waiting in one chat"),
       integer<uint32_t>(name("append_events_max"), p.append_events_max, 1, 4096,
                         "events of one append"),
       duration(name("delay_after"), p.delay_after, tick,
                "a chat is in delay when the store has not answered for"),
       integer<uint32_t>(name("delayed_sends_max"), p.delayed_sends_max, 1, 10'000'000,
                         "sends of an engine that wait for the store, answered DELAYED"),
       bytes(name("delayed_bytes_max"), p.delayed_bytes_max, 64 << 10, 1 << 30,
             "the same in bytes"),
       duration(name("idempotency_ttl"), p.idempotency_ttl, seconds(1),
                "a repeated send is recognised for"),
       duration(name("upkeep_interval"), p.upkeep_interval, tick,
                "what is due in chats is looked for this often"),
       duration(name("prune_interval_min"), p.prune_interval_min, tick,
                "old events of a chat are reclaimed at most this often"),
       duration(name("empty_chat_grace"), p.empty_chat_grace, tick,
                "a chat without members ends after"),
       duration(name("ended_chat_grace"), p.ended_chat_grace, tick,
                "the last event of a chat that is over goes after"),
       duration(name("idle_eviction"), p.idle_eviction, tick,
                "idle chats and users leave memory after")});
}

void add_limits(std::vector<Option>& table, RuntimeLimits& limits) {
  for (const LimitField& field : limit_fields()) {
    table.push_back(
        {fmt::format("limits.{}", field.name), std::string(field.value), std::string(field.help),
         [&limits, &field](const std::string& given) { return field.set(limits, given); },
         [&limits, &field] { return field.get(limits); }});
  }
}

}  // namespace

std::string Option::flag() const {
  std::string out = name;
  for (char& c : out) {
    if (c == '_' || c == '.') c = '-';
  }
  return out;
}

std::string Option::environment() const {
  std::string out = "CHATD_" + name;
  for (char& c : out) c = c == '.' ? '_' : static_cast<char>(std::toupper(c));
  return out;
}

std::vector<Option> option_table(ChatdOptions& o) {
  constexpr uint64_t tera = uint64_t{1} << 40;
  std::vector<Option> table{
      text("data_dir", "DIR", o.data_dir, "where everything durable is kept; needed"),
      text("delay_dir", "DIR", o.delay_dir,
           "the queue of delayed sends, best on another disk (default: `delay` in data_dir)"),
      address("listen", o.listen, "the public port: WebSocket and REST; port 0 = any"),
      address("admin_listen", o.admin_listen,
              "the admin port, never public (default: the port after `listen`)"),
      integer<uint32_t>("reactors", o.reactors, 0, 256, "network threads; 0 = one per core"),
      text("ready_file", "FILE", o.ready_file, "written with the addresses once chatd serves"),
      choice("log_level", o.log_level, {"trace", "debug", "info", "warn", "error", "off"},
             "also re-read on SIGHUP"),
      choice("log_format", o.log_format, {"text", "json"}, "lines on standard error"),
      duration("access_token_ttl", o.access_token_ttl, seconds(1), TokenService::kLoginTtlMax,
               "life of an access token"),
      duration("refresh_token_ttl", o.refresh_token_ttl, seconds(1), "life of a refresh token"),
      integer<uint64_t>("connections_max", o.connections_max, 0, 10'000'000,
                        "open sockets; 0 = what the limit of open files allows"),
      bytes("block_cache", o.block_cache_bytes, 1 << 20, tera, "cache of the message store"),
      bytes("write_buffers", o.write_buffers_bytes, 1 << 20, tera,
            "unwritten tables of the message store"),
      integer<uint32_t>("store_threads", o.store_threads, 1, 256, "readers of the message store"),
      integer<uint32_t>("account_threads", o.account_threads, 1, 256, "passwords and SQL"),
      text("journal", "FILE", o.journal, "life-cycle journal, JSON lines; opened again on SIGHUP"),
      duration("drain_window", o.drain_window, Duration{},
               "an ordered end tells clients to go (GoAway), spread over this"),
      flag("fault_injection", o.fault_injection,
           "true lets the admin port make faults: never in production"),
      duration("drain_timeout", o.drain_timeout, milliseconds(1),
               "and then waits this long for connections to close"),
  };
  table.push_back(
      addresses("trusted_proxies", o.trusted_proxies, "proxies whose X-Forwarded-For is believed"));
  add_session_policy(table, o.policy);
  add_chat_policy(table, o.policy);
  add_limits(table, o.policy.limits);
  return table;
}

}  // namespace chat
