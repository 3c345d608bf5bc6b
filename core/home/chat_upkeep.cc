#include "core/home/chat_upkeep.h"

#include <algorithm>

#include "core/home/chat_lifetime.h"
#include "core/wire/peer.pb.h"

namespace chat {
namespace {

constexpr uint32_t kChatsPerPage = 100;
constexpr Duration kPagePause = milliseconds(20);

}  // namespace

ChatUpkeep::ChatUpkeep(EngineContext& context, ChatTable& chats, ChatWriter& writer)
    : context_(context), chats_(chats), writer_(writer) {
  writer_.set_stored([this](Chat& chat) { row_stored(chat); });
}

void ChatUpkeep::start() {
  if (context_.options.home_role) {
    context_.arm(context_.policy().upkeep_interval, TimerKind::chat_agenda);
  }
}

// ---------------------------------------------------------------- what is due

void ChatUpkeep::scan() {
  ++context_.counters.agenda_scans;
  context_.store(ScanAgenda{context_.wall.ms, scanned_through_, kChatsPerPage},
                 [this](StoreResult& result) { scanned(result); });
}

void ChatUpkeep::scanned(const StoreResult& result) {
  const auto* agenda = std::get_if<AgendaScanned>(&result);
  const bool more = agenda && !agenda->complete && !agenda->items.empty();
  scanned_through_.reset();
  if (more) scanned_through_ = agenda->items.back();
  context_.arm(more ? kPagePause : context_.policy().upkeep_interval, TimerKind::chat_agenda);
  if (!agenda) return;
  for (const auto& [due, id] : agenda->items) {
    if (context_.owns(id))
      chats_.when_loaded(id, {.then = [this](Chat& chat) { look(chat); }, .refuse = {}});
  }
}

void ChatUpkeep::look(Chat& chat) {
  const ChatRow& row = chat.row;
  if (!chat.exists || !chat.owned || chat.reclaiming || is_gravestone(row)) return;
  if (row.ended) {
    if (row.prune_ms != 0) {
      reclaim(chat);
    } else if (context_.wall.ms >= drop_ms(row, context_.policy())) {
      drop(chat);
    }
    return;
  }
  if (end_due(row, context_.wall, context_.policy()) != EndReason::none) {
    writer_.end_if_due(chat);
  } else if (row.prune_ms != 0 && context_.wall.ms >= row.prune_ms) {
    when_bounded(chat, [this](Chat& bounded) { prune(bounded); });
  }
}

// ---------------------------------------------------------------- from where on a chat is shown

bool ChatUpkeep::is_bounded(const Chat& chat) const {
  const ChatRow& row = chat.row;
  if (row.retention_ms == 0 || row.ended || row.oldest_seq > row.last_seq) return true;
  if (row.expires_ms != 0 && context_.wall.ms >= row.expires_ms) return true;
  return chat.shown_retention_ms == row.retention_ms && context_.wall.ms <= chat.shown_until_ms;
}

uint64_t ChatUpkeep::first_shown(const Chat& chat) const {
  const ChatRow& row = chat.row;
  if (row.ended) return row.oldest_seq;
  if (row.expires_ms != 0 && context_.wall.ms >= row.expires_ms) return row.last_seq + 1;
  const bool searched = row.retention_ms != 0 && chat.shown_retention_ms == row.retention_ms;
  return searched ? std::max(row.oldest_seq, chat.shown_from) : row.oldest_seq;
}

void ChatUpkeep::when_bounded(Chat& chat, std::function<void(Chat&)> then) {
  if (is_bounded(chat)) {
    then(chat);
    return;
  }
  chat.bounding.push_back(std::move(then));
  if (chat.bounding.size() > 1) return;
  search({.number = chat.number,
          .low = first_shown(chat),
          .high = chat.row.last_seq + 1,
          .until_ms = context_.wall.ms + chat.row.retention_ms});
}

/// Times rise with seqs: halves the range of events, the oldest one first.
void ChatUpkeep::search(Search search) {
  Chat* chat = chats_.find(search.number);
  if (!chat) return;
  if (search.low >= search.high) {
    bound_found(*chat, search);
    return;
  }
  const uint64_t seq = search.is_first ? search.low : search.low + (search.high - search.low) / 2;
  search.is_first = false;
  context_.store(ReadEvents{.chat = chat->id, .from_seq = seq, .to_seq = seq},
                 [this, search, seq](StoreResult& result) mutable {
                   const auto* read = std::get_if<EventsRead>(&result);
                   Chat* found = chats_.find(search.number);
                   if (!found) return;
                   if (!read) {
                     // What is asked for will be refused by the same store.
                     bound_found(*found, {.number = search.number, .low = first_shown(*found)});
                     return;
                   }
                   peer::StoredEvent stored;
                   v1::Event event;
                   const bool is_there = !read->rows.empty() &&
                                         stored.ParseFromString(read->rows.front().stored_event) &&
                                         event.ParseFromString(stored.event());
                   const ShowRule rule{.retention_ms = found->row.retention_ms};
                   if (is_there && may_show(rule, event, context_.wall)) {
                     search.high = seq;
                     search.until_ms = event.server_ts_ms() + rule.retention_ms;
                   } else {
                     search.low = seq + 1;
                   }
                   this->search(search);
                 });
}

void ChatUpkeep::bound_found(Chat& chat, const Search& search) {
  chat.shown_from = search.low;
  chat.shown_until_ms = search.until_ms;
  chat.shown_retention_ms = chat.row.retention_ms;
  const uint64_t number = chat.number;
  for (auto& then : std::exchange(chat.bounding, {})) {
    Chat* still = chats_.find(number);
    if (!still) return;
    if (still->state == Chat::State::ready) {
      then(*still);
    } else {
      still->waiting.push_back({.then = std::move(then), .refuse = {}});
    }
  }
}

// ---------------------------------------------------------------- reclaiming

/// First oldest_seq rises, so that nobody reads what is deleted next.
void ChatUpkeep::prune(Chat& chat) {
  if (chat.row.ended || chat.reclaiming || chat.row.prune_ms == 0) return;
  chat.prune_to = std::min(first_shown(chat), chat.row.fanned_seq + 1);
  if (chat.prune_to > chat.row.oldest_seq) {
    writer_.arm_flush(chat);
  } else {
    reclaim(chat);  // Perhaps the last home ended before it came to that.
  }
}

void ChatUpkeep::row_stored(Chat& chat) {
  if (chat.reclaiming || !chat.owned || chat.prune_next_ms) return;
  const bool raised = chat.prune_to != 0 && chat.row.oldest_seq >= chat.prune_to;
  if (raised || (chat.row.ended && chat.row.prune_ms != 0)) reclaim(chat);
}

void ChatUpkeep::reclaim(Chat& chat) {
  chat.reclaiming = true;
  chat.prune_to = 0;
  context_.store(PruneChat{.chat = chat.id}, [this, number = chat.number](StoreResult& result) {
    Chat* found = chats_.find(number);
    if (!found) return;
    found->reclaiming = false;
    const auto* done = std::get_if<Reclaimed>(&result);
    if (!done) return;  // It stays due.
    context_.counters.rows_reclaimed += done->rows;
    if (done->complete) {
      reclaimed(*found);
    } else {
      reclaim(*found);
    }
  });
}

void ChatUpkeep::reclaimed(Chat& chat) {
  ++context_.counters.chats_pruned;
  const EnginePolicy& policy = context_.policy();
  int64_t next = 0;
  if (!chat.row.ended && chat.row.retention_ms != 0 && chat.row.oldest_seq <= chat.row.last_seq) {
    const int64_t pause = std::max(chat.row.retention_ms / 10, policy.prune_interval_min.ms());
    next = context_.wall.ms + pause;
    // What waited for its fan-out is too old already; else nothing is, until this one.
    const bool done = chat.shown_retention_ms == chat.row.retention_ms &&
                      first_shown(chat) == chat.row.oldest_seq;
    if (done) next = std::max(next, chat.shown_until_ms);
  }
  chat.prune_next_ms = next;
  writer_.arm_flush(chat);
}

void ChatUpkeep::drop(Chat& chat) {
  const bool quiet = !chat.appending && chat.queue.empty() && chat.dirty_marks.empty() &&
                     chat.stored_fanned_seq == chat.row.last_seq && !chat.lifetime_dirty();
  if (!quiet) return;  // It stays due.
  chat.reclaiming = true;
  chat.appending = true;  // Nothing may be written after what the store is about to forget.
  context_.store(DropChat{.chat = chat.id}, [this, number = chat.number](StoreResult& result) {
    if (Chat* found = chats_.find(number)) dropped(*found, result);
  });
}

void ChatUpkeep::dropped(Chat& chat, const StoreResult& result) {
  chat.reclaiming = false;
  chat.appending = false;
  if (const auto* done = std::get_if<Reclaimed>(&result)) {
    context_.counters.rows_reclaimed += done->rows;
    if (!done->complete && chat.queue.empty()) {
      drop(chat);
      if (chat.reclaiming) return;
    }
    if (done->complete) ++context_.counters.chats_dropped;
  }
  chats_.reload(chat);
}

}  // namespace chat
