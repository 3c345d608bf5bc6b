// Engine: one deterministic state machine that serves connections (session home) and owns users and
// chats (home). It opens nothing, waits for nothing and knows no time but what a turn brings. A
// driver calls
//   begin_turn(now, wall) · handle(input)… (≤1,024) · end_turn() · poll(output) until it is false
// and nothing else in between. Same inputs with the same turn boundaries ⇒ byte-identical outputs.
// Thread rule: one engine belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/base/time.h"
#include "core/engine/io.h"
#include "core/policy/runtime_limits.h"

namespace chat {

/// Limits and intervals that can change a capacity number or a delivery result. Defaults are
/// protocol.md's.
struct EnginePolicy {
  Duration hello_timeout = seconds(10);
  Duration heartbeat_interval = seconds(30);
  Duration presence_grace = seconds(20);
  Duration last_seen_interval = minutes(5);
  uint32_t message_bytes_max = 16 * 1024;
  uint32_t event_bytes_max = 32 * 1024;
  uint32_t frame_bytes_max = 64 * 1024;  ///< One WebSocket message of a client.
  uint32_t sends_unanswered_max = 64;
  uint32_t sync_events_max = 500;
  uint32_t history_events_max = 200;
  uint32_t page_bytes_max = 48 * 1024;
  uint32_t reset_gap = 10'000;         ///< A device further behind gets a reset.
  uint32_t inbox_keep = 20'000;        ///< Inboxes are trimmed to this many entries,
  uint32_t inbox_trim_step = 10'000;   ///< when they have as many more.
  uint32_t devices_per_user_max = 64;  ///< Of more, the longest unseen is forgotten.
  uint32_t unread_max = 100;           ///< Unread messages of a chat are counted up to this.
  uint32_t receipt_push_members_max = 32;
  Duration presence_coalesce = seconds(1);       ///< Between two batches to one watcher.
  uint32_t presence_events_per_second = 20'000;  ///< Of an engine; more wait.
  uint32_t typing_members_max = 100;             ///< Typing is told in rooms up to this size.
  Duration receipt_join = milliseconds(250);
  Duration receipt_slack = minutes(1);  ///< Clocks of engines and ways of receipts differ by less.
  Duration mark_flush = seconds(1);
  Duration request_timeout = seconds(10);
  uint32_t chat_queue_max = 1'024;      ///< Sends waiting in one chat.
  uint32_t append_events_max = 256;     ///< Events of one append.
  Duration delay_after = seconds(2);    ///< Without an answer of the store a chat is in delay.
  uint32_t delayed_sends_max = 65'536;  ///< Of an engine, answered DELAYED and not stored yet.
  uint32_t delayed_bytes_max = 64 * 1024 * 1024;
  Duration idempotency_ttl = seconds(7 * 24 * 3600);
  Duration idle_eviction = minutes(5);  ///< Chats and users without work leave memory after this.
  uint32_t ephemeral_bytes_max = 64 * 1024;  ///< Unsent bytes of a connection; see SendBudget.
  uint32_t durable_bytes_max = 256 * 1024;
  uint32_t queue_bytes_max = 1024 * 1024;
  Duration token_warning = seconds(60);    ///< Before its end; a tenth of its life if that is less.
  Duration go_away_patience = seconds(2);  ///< Who has not left by then after GoAway is closed.
  RuntimeLimits limits;                    ///< At first; LimitsChanged replaces them.
  Duration upkeep_interval = seconds(30);  ///< How often what is due in chats is looked for.
  Duration prune_interval_min = minutes(1);  ///< Or a tenth of the chat's retention, if longer.
  Duration empty_chat_grace = seconds(24 * 3600);       ///< A chat without members ends after this.
  Duration ended_chat_grace = seconds(30 * 24 * 3600);  ///< Then a chat that is over is dropped.
};

struct EngineOptions {
  EngineRef self;
  uint64_t seed = 1;         ///< For chat ids and jitter.
  uint64_t store_epoch = 0;  ///< ChatStore::epoch().
  bool session_role = true;
  bool home_role = true;
  EnginePolicy policy;
};

/// What an engine has done since it began; all only grow unless said otherwise.
struct EngineCounters {
  uint64_t turns = 0, inputs = 0, connections_opened = 0, connections_closed = 0;
  uint64_t connections_refused = 0;
  uint64_t connections = 0, sessions = 0;  ///< Now.
  uint64_t frames_in = 0, bytes_in = 0, writes_out = 0, bytes_out = 0, frames_out = 0;
  uint64_t heartbeats = 0, sends = 0, sends_stored = 0, sends_duplicate = 0, sends_refused = 0;
  uint64_t edits = 0, deletions = 0, reactions = 0;  ///< Stored.
  uint64_t events_pushed = 0, sync_pages = 0, history_pages = 0;
  uint64_t appends = 0, append_events = 0, append_conflicts = 0, append_unknown = 0;
  uint64_t inbox_batches = 0, inbox_writes = 0, inbox_rows = 0;
  uint64_t inbox_conflicts = 0, inbox_unknown = 0;
  uint64_t redrives = 0, home_moves = 0, lagged = 0, ephemeral_dropped = 0;
  uint64_t durable_dropped = 0;      ///< Frames that a slow reader has to sync instead.
  uint64_t slow_readers_lagged = 0;  ///< How often that began.
  uint64_t slow_reader_overflows = 0, slow_reader_stalls = 0;  ///< Connections closed for it.
  uint64_t heartbeat_timeouts = 0, hello_timeouts = 0, protocol_errors = 0;
  uint64_t auth_failures = 0, resets = 0;
  uint64_t presence_watches = 0, presence_subscriptions = 0, presence_changes = 0;
  uint64_t presence_pushed = 0, presence_coalesced = 0, presence_over_budget = 0;
  uint64_t presence_mode_changes = 0;
  uint64_t typing_starts = 0, typing_ignored = 0, typing_pushed = 0;
  uint64_t keys_found_in_store = 0;  ///< Repeated operations that only the store remembered.
  uint64_t devices_replaced = 0;     ///< Sessions closed because their device attached again.
  uint64_t room_resyncs = 0;         ///< Rooms whose stream ended here: their listeners sync.
  uint64_t tokens_refreshed = 0, tokens_warned = 0, tokens_expired = 0;
  uint64_t tokens_expired_sending = 0;  ///< Of them: with sends under way.
  uint64_t sessions_revoked = 0, go_aways = 0, drain_closes = 0, drain_refusals = 0;
  /// Refusals by the limit that was exhausted.
  uint64_t rate_limited_unanswered = 0, rate_limited_user = 0, rate_limited_address = 0;
  uint64_t rate_limited_chat = 0, rate_limited_frames = 0;
  uint64_t peer_frames_out = 0, peer_frames_in = 0, peer_bytes_out = 0, peer_links_ended = 0;
  uint64_t chats_delayed = 0;   ///< How often a chat entered delay.
  uint64_t sends_delayed = 0;   ///< Answered DELAYED, each counted once.
  uint64_t delayed_stored = 0;  ///< Of the sends delayed here, or loaded: now in the chat log.
  uint64_t delayed_unstorable =
      0;  ///< Never to be: their key was used otherwise, their chat is gone.
  uint64_t delayed_forwarded = 0;  ///< Handed to another home of their chat.
  uint64_t delays_refused = 0;     ///< Sends that could not be delayed: the queue was full.
  uint64_t delay_log_failures = 0;
  uint64_t delayed_now = 0;  ///< Entered and not stored yet.
  uint64_t receipts_pushed = 0, receipts_missed = 0, receipt_catch_ups = 0;
  uint64_t devices_forgotten = 0, inbox_trims = 0;
  uint64_t chats_loaded = 0, users_loaded = 0;  ///< Now in memory.
  uint64_t agenda_scans = 0;  ///< How often chats with something due were looked for.
  uint64_t chats_pruned = 0;  ///< Times that old events of a chat were reclaimed.
  uint64_t chats_ended = 0, chats_dropped = 0;
  uint64_t rows_reclaimed = 0;   ///< Of the store, by pruning and dropping.
  uint64_t events_withheld = 0;  ///< Too old to be shown, yet still in the store.
  uint64_t journal_entries = 0;
};

class Engine {
 public:
  static constexpr int kTurnInputsMax = 1'024;

  explicit Engine(EngineOptions options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Starts a turn and fires the timers that are due. `now` never decreases.
  void begin_turn(Instant now, WallTime wall);
  void handle(Input input);
  /// Joins what became due into Sends and arms the next WakeAt.
  void end_turn();
  /// The next output of the turn, in order; false when there is none left.
  bool poll(Output& output);

  const EngineCounters& counters() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace chat
