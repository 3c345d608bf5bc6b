#include "server/admin/counter_fields.h"

namespace chat {
namespace {

constexpr CounterField kFields[] = {
    {"turns", &EngineCounters::turns},
    {"inputs", &EngineCounters::inputs},
    {"connections_opened", &EngineCounters::connections_opened},
    {"connections_closed", &EngineCounters::connections_closed},
    {"connections_refused", &EngineCounters::connections_refused},
    {"connections", &EngineCounters::connections, true},
    {"sessions", &EngineCounters::sessions, true},
    {"frames_in", &EngineCounters::frames_in},
    {"bytes_in", &EngineCounters::bytes_in},
    {"writes_out", &EngineCounters::writes_out},
    {"bytes_out", &EngineCounters::bytes_out},
    {"frames_out", &EngineCounters::frames_out},
    {"heartbeats", &EngineCounters::heartbeats},
    {"sends", &EngineCounters::sends},
    {"sends_stored", &EngineCounters::sends_stored},
    {"sends_duplicate", &EngineCounters::sends_duplicate},
    {"sends_refused", &EngineCounters::sends_refused},
    {"edits", &EngineCounters::edits},
    {"deletions", &EngineCounters::deletions},
    {"reactions", &EngineCounters::reactions},
    {"events_pushed", &EngineCounters::events_pushed},
    {"sync_pages", &EngineCounters::sync_pages},
    {"history_pages", &EngineCounters::history_pages},
    {"appends", &EngineCounters::appends},
    {"append_events", &EngineCounters::append_events},
    {"append_conflicts", &EngineCounters::append_conflicts},
    {"append_unknown", &EngineCounters::append_unknown},
    {"inbox_batches", &EngineCounters::inbox_batches},
    {"inbox_writes", &EngineCounters::inbox_writes},
    {"inbox_rows", &EngineCounters::inbox_rows},
    {"inbox_conflicts", &EngineCounters::inbox_conflicts},
    {"inbox_unknown", &EngineCounters::inbox_unknown},
    {"redrives", &EngineCounters::redrives},
    {"home_moves", &EngineCounters::home_moves},
    {"lagged", &EngineCounters::lagged},
    {"ephemeral_dropped", &EngineCounters::ephemeral_dropped},
    {"durable_dropped", &EngineCounters::durable_dropped},
    {"slow_readers_lagged", &EngineCounters::slow_readers_lagged},
    {"slow_reader_overflows", &EngineCounters::slow_reader_overflows},
    {"slow_reader_stalls", &EngineCounters::slow_reader_stalls},
    {"heartbeat_timeouts", &EngineCounters::heartbeat_timeouts},
    {"hello_timeouts", &EngineCounters::hello_timeouts},
    {"protocol_errors", &EngineCounters::protocol_errors},
    {"auth_failures", &EngineCounters::auth_failures},
    {"resets", &EngineCounters::resets},
    {"presence_watches", &EngineCounters::presence_watches},
    {"presence_subscriptions", &EngineCounters::presence_subscriptions},
    {"presence_changes", &EngineCounters::presence_changes},
    {"presence_pushed", &EngineCounters::presence_pushed},
    {"presence_coalesced", &EngineCounters::presence_coalesced},
    {"presence_over_budget", &EngineCounters::presence_over_budget},
    {"presence_mode_changes", &EngineCounters::presence_mode_changes},
    {"typing_starts", &EngineCounters::typing_starts},
    {"typing_ignored", &EngineCounters::typing_ignored},
    {"typing_pushed", &EngineCounters::typing_pushed},
    {"keys_found_in_store", &EngineCounters::keys_found_in_store},
    {"devices_replaced", &EngineCounters::devices_replaced},
    {"room_resyncs", &EngineCounters::room_resyncs},
    {"tokens_refreshed", &EngineCounters::tokens_refreshed},
    {"tokens_warned", &EngineCounters::tokens_warned},
    {"tokens_expired", &EngineCounters::tokens_expired},
    {"tokens_expired_sending", &EngineCounters::tokens_expired_sending},
    {"sessions_revoked", &EngineCounters::sessions_revoked},
    {"go_aways", &EngineCounters::go_aways},
    {"drain_closes", &EngineCounters::drain_closes},
    {"drain_refusals", &EngineCounters::drain_refusals},
    {"rate_limited_unanswered", &EngineCounters::rate_limited_unanswered},
    {"rate_limited_user", &EngineCounters::rate_limited_user},
    {"rate_limited_address", &EngineCounters::rate_limited_address},
    {"rate_limited_chat", &EngineCounters::rate_limited_chat},
    {"rate_limited_frames", &EngineCounters::rate_limited_frames},
    {"peer_frames_out", &EngineCounters::peer_frames_out},
    {"peer_frames_in", &EngineCounters::peer_frames_in},
    {"peer_bytes_out", &EngineCounters::peer_bytes_out},
    {"peer_links_ended", &EngineCounters::peer_links_ended},
    {"chats_delayed", &EngineCounters::chats_delayed},
    {"sends_delayed", &EngineCounters::sends_delayed},
    {"delayed_stored", &EngineCounters::delayed_stored},
    {"delayed_unstorable", &EngineCounters::delayed_unstorable},
    {"delayed_forwarded", &EngineCounters::delayed_forwarded},
    {"delays_refused", &EngineCounters::delays_refused},
    {"delay_log_failures", &EngineCounters::delay_log_failures},
    {"delayed_now", &EngineCounters::delayed_now, true},
    {"receipts_pushed", &EngineCounters::receipts_pushed},
    {"receipts_missed", &EngineCounters::receipts_missed},
    {"receipt_catch_ups", &EngineCounters::receipt_catch_ups},
    {"devices_forgotten", &EngineCounters::devices_forgotten},
    {"inbox_trims", &EngineCounters::inbox_trims},
    {"chats_loaded", &EngineCounters::chats_loaded, true},
    {"users_loaded", &EngineCounters::users_loaded, true},
};
static_assert(sizeof(EngineCounters) == std::size(kFields) * sizeof(uint64_t),
              "every counter has a name");

}  // namespace

std::span<const CounterField> counter_fields() { return kFields; }

EngineCounters sum_of(std::span<const EngineCounters> counters) {
  EngineCounters sum;
  for (const EngineCounters& part : counters) {
    for (const CounterField& field : kFields) sum.*field.field += part.*field.field;
  }
  return sum;
}

}  // namespace chat
