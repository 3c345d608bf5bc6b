#include "core/home/authored_list.h"

#include <algorithm>

#include "core/home/chat_lifetime.h"
#include "core/home/replies.h"
#include "core/store/store_rules.h"
#include "core/wire/peer.pb.h"

namespace chat {
namespace {

constexpr uint32_t kDefaultLimit = 50;
constexpr uint32_t kLimitMax = 200;

}  // namespace

/// One page while its events are being read.
struct AuthoredList::Page {
  EngineId asker;
  uint64_t request_id = 0;
  AuthoredListed index;
  struct Found {
    std::string stored_event;  ///< Empty = pruned.
    ShowRule rule;
  };
  std::vector<Found> events;  ///< As in index.items.
  size_t unread = 0;
  bool failed = false;
};

void AuthoredList::on_request(EngineId from, const peer::HomeRequest& frame) {
  const v1::ListAuthored& asked = frame.list_authored();
  ListAuthored command{.user = UserId{frame.user()},
                       .after_chat = ChatId::from_bytes(asked.after_chat_id()),
                       .after_seq = asked.after_seq()};
  command.limit = asked.limit() == 0 ? kDefaultLimit : std::min(asked.limit(), kLimitMax);
  auto page = std::make_shared<Page>();
  page->asker = from;
  page->request_id = frame.request_id();
  context_.store(command, [this, page](StoreResult& result) {
    auto* listed = std::get_if<AuthoredListed>(&result);
    if (!listed) {
      refuse(*page);
      return;
    }
    page->index = std::move(*listed);
    read_events(page);
  });
}

void AuthoredList::read_events(const std::shared_ptr<Page>& page) {
  const auto& items = page->index.items;
  page->events.resize(items.size());
  page->unread = items.size();
  if (items.empty()) answer(*page);
  for (size_t i = 0; i < items.size(); ++i) {
    const auto& [chat, seq] = items[i];
    context_.store(ReadEvents{.chat = chat, .from_seq = seq, .to_seq = seq},
                   [this, page, i](StoreResult& result) {
                     auto* read = std::get_if<EventsRead>(&result);
                     page->failed = page->failed || !read;
                     if (read && !read->rows.empty()) {
                       page->events[i] = {std::move(read->rows.front().stored_event),
                                          {read->retention_ms, read->expires_ms}};
                     }
                     if (--page->unread > 0) return;
                     page->failed ? refuse(*page) : answer(*page);
                   });
  }
}

void AuthoredList::answer(const Page& page) {
  peer::Frame frame;
  frame.mutable_reply()->set_request_id(page.request_id);
  v1::AuthoredList& list = *frame.mutable_reply()->mutable_response()->mutable_authored();
  PageBudget budget(kLimitMax, context_.policy().page_bytes_max);
  const auto& items = page.index.items;
  size_t taken = 0;
  for (; taken < items.size() && budget.admit(page.events[taken].stored_event.size()); ++taken) {
    peer::StoredEvent stored;
    v1::Event event;
    const Page::Found& found = page.events[taken];
    if (!stored.ParseFromString(found.stored_event) || !event.ParseFromString(stored.event()) ||
        !event.has_message()) {
      continue;
    }
    if (may_show(found.rule, event, context_.wall)) {
      *list.add_events() = std::move(event);
    } else {
      ++context_.counters.events_withheld;
    }
  }
  if (taken > 0 && (taken < items.size() || !page.index.complete)) {
    list.set_next_after_chat_id(items[taken - 1].first.str());
    list.set_next_after_seq(items[taken - 1].second);
  }
  context_.post(page.asker, std::move(frame));
}

void AuthoredList::refuse(const Page& page) {
  peer::Frame frame;
  frame.mutable_reply()->set_request_id(page.request_id);
  *frame.mutable_reply()->mutable_response() =
      error_response(v1::UNAVAILABLE, "the chat store does not answer");
  context_.post(page.asker, std::move(frame));
}

}  // namespace chat
