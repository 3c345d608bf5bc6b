#include "sim/seeds/rare_paths.h"

namespace chat::sim {
namespace {

struct EngineCounted {
  RarePath path;
  uint64_t EngineCounters::*counter;
};

constexpr EngineCounted kEngineCounted[] = {
    {RarePath::append_conflict, &EngineCounters::append_conflicts},
    {RarePath::append_unknown, &EngineCounters::append_unknown},
    {RarePath::inbox_conflict, &EngineCounters::inbox_conflicts},
    {RarePath::inbox_unknown, &EngineCounters::inbox_unknown},
    {RarePath::redrive, &EngineCounters::redrives},
    {RarePath::home_move, &EngineCounters::home_moves},
    {RarePath::key_after_restart, &EngineCounters::keys_found_in_store},
    {RarePath::device_replaced, &EngineCounters::devices_replaced},
    {RarePath::reset, &EngineCounters::resets},
    {RarePath::lagged, &EngineCounters::slow_readers_lagged},
    {RarePath::slow_reader_close, &EngineCounters::slow_reader_overflows},
    {RarePath::slow_reader_close, &EngineCounters::slow_reader_stalls},
    {RarePath::heartbeat_timeout, &EngineCounters::heartbeat_timeouts},
    {RarePath::token_refreshed, &EngineCounters::tokens_refreshed},
    {RarePath::token_expired_sending, &EngineCounters::tokens_expired_sending},
    {RarePath::revoked, &EngineCounters::sessions_revoked},
    {RarePath::go_away, &EngineCounters::go_aways},
    {RarePath::room_resync, &EngineCounters::room_resyncs},
    {RarePath::send_delayed, &EngineCounters::sends_delayed},
    {RarePath::delay_forwarded, &EngineCounters::delayed_forwarded},
    {RarePath::delay_refused, &EngineCounters::delay_log_failures},
    {RarePath::rate_limited, &EngineCounters::rate_limited_user},
    {RarePath::presence_mode, &EngineCounters::presence_mode_changes},
    {RarePath::chat_ended, &EngineCounters::chats_ended},
};

}  // namespace

const char* name_of(RarePath path) {
  switch (path) {
    case RarePath::append_conflict:
      return "append_conflict";
    case RarePath::append_unknown:
      return "append_unknown";
    case RarePath::inbox_conflict:
      return "inbox_conflict";
    case RarePath::inbox_unknown:
      return "inbox_unknown";
    case RarePath::redrive:
      return "redrive";
    case RarePath::home_move:
      return "home_move";
    case RarePath::key_after_restart:
      return "key_after_restart";
    case RarePath::device_replaced:
      return "device_replaced";
    case RarePath::reset:
      return "reset";
    case RarePath::lagged:
      return "lagged";
    case RarePath::slow_reader_close:
      return "slow_reader_close";
    case RarePath::heartbeat_timeout:
      return "heartbeat_timeout";
    case RarePath::room_resync:
      return "room_resync";
    case RarePath::send_delayed:
      return "send_delayed";
    case RarePath::delay_forwarded:
      return "delay_forwarded";
    case RarePath::delay_refused:
      return "delay_refused";
    case RarePath::mismatched_key:
      return "mismatched_key";
    case RarePath::token_refreshed:
      return "token_refreshed";
    case RarePath::token_expired_sending:
      return "token_expired_sending";
    case RarePath::revoked:
      return "revoked";
    case RarePath::go_away:
      return "go_away";
    case RarePath::tombstone:
      return "tombstone";
    case RarePath::rate_limited:
      return "rate_limited";
    case RarePath::presence_mode:
      return "presence_mode";
    case RarePath::chat_ended:
      return "chat_ended";
    case RarePath::told_pruned:
      return "told_pruned";
    case RarePath::range_pruned:
      return "range_pruned";
  }
  return "?";
}

void RarePathCounts::add(const RarePathCounts& other) {
  for (size_t i = 0; i < kRarePaths; ++i) counts_[i] += other.counts_[i];
}

RarePathCounts counted_by(std::span<const EngineCounters> engines) {
  RarePathCounts counts;
  for (const EngineCounters& engine : engines) {
    for (const EngineCounted& counted : kEngineCounted) {
      counts.add(counted.path, engine.*counted.counter);
    }
  }
  return counts;
}

}  // namespace chat::sim
