// ImportJob: one import, line by line: users, chats and members of another system, or of a
// scenario. Bounded memory: users go to the accounts in batches, chats and members to the engines
// with a bounded number under way. A change of kind waits for everything before it, so that members
// exist when their chat is made. Repeating an import is harmless. Internal to this folder. Thread
// rule: coroutines on the Asio thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.h"
#include "server/admin/admin_services.h"
#include "server/transport/transport.h"

namespace chat::admin {

class ImportJob : public std::enable_shared_from_this<ImportJob> {
 public:
  static constexpr size_t kLineBytesMax = 4 << 20;

  ImportJob(const AdminServices& services, boost::asio::any_io_executor executor);

  /// The next bytes of the body; lines may be split anywhere.
  boost::asio::awaitable<void> feed(std::string_view bytes);
  /// The end of the body; waits for everything under way.
  boost::asio::awaitable<void> finish();
  /// 200 when every line was applied, else 422 with the first errors.
  HttpAnswer answer() const;

 private:
  enum class Kind : uint8_t { none, user, chat, members };
  struct Operation;

  boost::asio::awaitable<void> add_line(std::string_view line);
  boost::asio::awaitable<void> switch_to(Kind kind);
  boost::asio::awaitable<void> flush_users();
  boost::asio::awaitable<void> wait_until_below(size_t under_way);
  boost::asio::awaitable<void> add_user(const boost::json::object& user);
  boost::asio::awaitable<void> add_chat(const boost::json::object& chat);
  boost::asio::awaitable<void> add_members(const boost::json::object& members);
  boost::asio::awaitable<void> change_members(const ChatId& chat, std::vector<uint64_t> users,
                                              bool add);
  Result<bool> chat_exists(const ChatId& chat) const;
  void submit(const ChatId& chat, std::shared_ptr<v1::Request> request, uint64_t* counted,
              uint64_t count);
  void fail(uint64_t line, std::string message);

  const AdminServices services_;
  boost::asio::any_io_executor executor_;
  boost::asio::steady_timer changed_;  ///< Cancelled when an operation ends.
  std::string partial_;                ///< A line that has not ended yet.
  uint64_t line_ = 0;
  Kind kind_ = Kind::none;
  bool line_too_long_ = false;
  size_t under_way_ = 0;
  std::vector<NewAccount> users_;
  std::vector<uint64_t> user_lines_;

  uint64_t users_added_ = 0;
  uint64_t chats_added_ = 0;
  uint64_t members_changed_ = 0;
  uint64_t skipped_ = 0;
  uint64_t failed_ = 0;
  std::vector<std::pair<uint64_t, std::string>> errors_;  ///< The first ones.
};

}  // namespace chat::admin
