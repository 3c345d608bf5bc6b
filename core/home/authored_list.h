// AuthoredList: answers "what did I write" from the author index: the user's own messages, by chat
// and seq, without what was deleted or is too old to be shown.
// Keeps nothing between two pages. Thread rule: belongs to its engine.
#pragma once

#include <memory>

#include "core/engine/context.h"

namespace chat {

namespace peer {
class HomeRequest;
}

class AuthoredList {
 public:
  explicit AuthoredList(EngineContext& context) : context_(context) {}

  void on_request(EngineId from, const peer::HomeRequest& frame);

 private:
  struct Page;

  void read_events(const std::shared_ptr<Page>& page);
  void answer(const Page& page);
  void refuse(const Page& page);

  EngineContext& context_;
};

}  // namespace chat
