#include "server/admin/import_job.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/json.hpp>

#include "core/wire/chat.pb.h"
#include "server/admin/bridge.h"
#include "server/reactor/clock.h"

namespace chat::admin {
namespace {

namespace json = boost::json;

constexpr size_t kUsersPerBatch = 1'000;
constexpr size_t kUnderWayMax = 256;
constexpr size_t kMembersPerChange = 500;
constexpr size_t kErrorsMax = 100;

const json::value* member(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

Result<std::string> text_of(const json::object& object, std::string_view name) {
  const json::value* const value = member(object, name);
  if (value == nullptr) return std::string();
  if (value->is_string()) return std::string(value->get_string());
  return make_error(ErrorCode::invalid_argument, fmt::format("{}: expected a text", name));
}

Result<uint64_t> id_of(const json::value& value, std::string_view name) {
  json::error_code code;
  const auto id = value.to_number<uint64_t>(code);
  if (!code && id != 0 && id <= kUserIdMax) return id;
  return make_error(ErrorCode::invalid_argument, fmt::format("{}: expected user ids", name));
}

Result<std::vector<uint64_t>> ids_of(const json::object& object, std::string_view name) {
  std::vector<uint64_t> ids;
  const json::value* const list = member(object, name);
  if (list == nullptr) return ids;
  if (!list->is_array()) {
    return make_error(ErrorCode::invalid_argument, fmt::format("{}: expected a list", name));
  }
  for (const json::value& value : list->get_array()) {
    const auto id = id_of(value, name);
    if (!id) return id.error();
    ids.push_back(*id);
  }
  return ids;
}

/// The only key of a line's object, if it is one of ours and holds an object.
std::pair<std::string_view, const json::object*> content_of(const json::value& line) {
  if (!line.is_object() || line.get_object().size() != 1) return {};
  const auto& entry = *line.get_object().begin();
  return {entry.key(), entry.value().if_object()};
}

/// An imported chat is known by a name of the other system, or by its id in 32 hex digits.
ChatId chat_named(const std::string& name) {
  const auto id = name.size() == 2 * ChatId::kSize ? ChatId::from_hex(name) : std::nullopt;
  return id ? *id : ChatId::named(name);
}

Result<std::pair<ChatId, v1::CreateChat>> chat_of(const json::object& chat) {
  const auto name = text_of(chat, "name"), kind = text_of(chat, "kind"),
             title = text_of(chat, "title");
  for (const auto* text : {&name, &kind, &title}) {
    if (!*text) return text->error();
  }
  const auto members = ids_of(chat, "member_ids");
  if (!members) return members.error();
  v1::CreateChat create;
  v1::ChatKind parsed;
  if (!v1::ChatKind_Parse(*kind, &parsed) || parsed == v1::CHAT_KIND_UNSPECIFIED) {
    return make_error(ErrorCode::invalid_argument, "kind: expected DIRECT, GROUP or ROOM");
  }
  create.set_kind(parsed);
  create.set_title(*title);
  create.mutable_member_ids()->Add(members->begin(), members->end());
  if (parsed == v1::DIRECT) {
    if (members->size() != 2 || members->at(0) == members->at(1)) {
      return make_error(ErrorCode::invalid_argument, "member_ids: a direct chat has two users");
    }
    return std::pair(ChatId::direct(UserId{members->at(0)}, UserId{members->at(1)}), create);
  }
  if (name->empty()) return make_error(ErrorCode::invalid_argument, "name: is missing");
  const ChatId id = chat_named(*name);
  create.set_chat_id(id.str());
  return std::pair(id, create);
}

}  // namespace

ImportJob::ImportJob(const AdminServices& services, boost::asio::any_io_executor executor)
    : services_(services), executor_(executor), changed_(executor) {
  changed_.expires_at(std::chrono::steady_clock::time_point::max());
}

boost::asio::awaitable<void> ImportJob::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    if (partial_.size() + part.size() > kLineBytesMax) {
      line_too_long_ = true;
      partial_.clear();
    } else if (!line_too_long_) {
      partial_ += part;
    }
    if (end == std::string_view::npos) co_return;
    bytes.remove_prefix(end + 1);
    const std::string line = std::move(partial_);
    partial_.clear();
    co_await add_line(line);
  }
}

boost::asio::awaitable<void> ImportJob::finish() {
  if (!partial_.empty() || line_too_long_) {
    const std::string line = std::move(partial_);
    partial_.clear();
    co_await add_line(line);
  }
  co_await switch_to(Kind::none);
}

boost::asio::awaitable<void> ImportJob::add_line(std::string_view line) {
  ++line_;
  if (line_too_long_) {
    line_too_long_ = false;
    fail(line_, fmt::format("the line has more than {} bytes", kLineBytesMax));
    co_return;
  }
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) co_return;
  json::error_code code;
  const json::value value = json::parse(json::string_view(line.data(), line.size()), code);
  const auto [key, content] = content_of(value);
  if (code || content == nullptr) {
    fail(line_, code ? "no JSON: " + code.message()
                     : "expected one object {\"user\"|\"chat\"|\"members\": {…}}");
  } else if (key == "user") {
    co_await switch_to(Kind::user);
    co_await add_user(*content);
  } else if (key == "chat") {
    co_await switch_to(Kind::chat);
    co_await add_chat(*content);
  } else if (key == "members") {
    co_await switch_to(Kind::members);
    co_await add_members(*content);
  } else {
    fail(line_, fmt::format("\"{}\": expected \"user\", \"chat\" or \"members\"", key));
  }
}

boost::asio::awaitable<void> ImportJob::switch_to(Kind kind) {
  if (kind == kind_) co_return;
  co_await flush_users();
  co_await wait_until_below(1);
  kind_ = kind;
}

boost::asio::awaitable<void> ImportJob::wait_until_below(size_t under_way) {
  while (under_way_ >= under_way) {
    boost::system::error_code cancelled;
    co_await changed_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  }
}

// ---------------------------------------------------------------- users

boost::asio::awaitable<void> ImportJob::add_user(const json::object& user) {
  const auto name = text_of(user, "user_name"), email = text_of(user, "email"),
             password = text_of(user, "password");
  for (const auto* text : {&name, &email, &password}) {
    if (!*text) {
      fail(line_, text->error().text);
      co_return;
    }
  }
  NewAccount account{.user_name = *name, .email = *email, .password = *password};
  if (const json::value* const id = member(user, "user_id")) {
    const auto parsed = id_of(*id, "user_id");
    if (!parsed) {
      fail(line_, parsed.error().text);
      co_return;
    }
    account.user = UserId{*parsed};
  }
  users_.push_back(std::move(account));
  user_lines_.push_back(line_);
  if (users_.size() >= kUsersPerBatch) co_await flush_users();
}

boost::asio::awaitable<void> ImportJob::flush_users() {
  if (users_.empty()) co_return;
  using Imports = std::vector<Result<Imported>>;
  std::function<Result<Imports>()> job = [self = shared_from_this()]() -> Result<Imports> {
    return self->services_.accounts.import(self->users_, wall_now());
  };
  const auto imported = co_await run_job<Imports>(services_.pool, std::move(job));
  for (size_t i = 0; i < users_.size(); ++i) {
    if (!imported) {
      fail(user_lines_[i], imported.error().text);
    } else if (const Result<Imported>& one = imported->at(i); !one) {
      fail(user_lines_[i], one.error().text);
    } else {
      ++(one->created ? users_added_ : skipped_);
    }
  }
  users_.clear();
  user_lines_.clear();
}

// ---------------------------------------------------------------- chats and members

/// Whether the store has a first event of the chat.
Result<bool> ImportJob::chat_exists(const ChatId& chat) const {
  const StoreResult read =
      services_.store.read(ReadEvents{.chat = chat, .from_seq = 1, .to_seq = 1, .limit = 1});
  if (const auto* error = std::get_if<Error>(&read)) return *error;
  return !std::get<EventsRead>(read).rows.empty();
}

boost::asio::awaitable<void> ImportJob::add_chat(const json::object& chat) {
  auto parsed = chat_of(chat);
  if (!parsed) {
    fail(line_, parsed.error().text);
    co_return;
  }
  const ChatId id = parsed->first;
  const auto exists = chat_exists(id);
  if (!exists) {
    fail(line_, exists.error().text);
  } else if (*exists) {
    ++skipped_;
  } else {
    auto request = std::make_shared<v1::Request>();
    *request->mutable_create_chat() = std::move(parsed->second);
    submit(id, std::move(request), &chats_added_, 1);
    co_await wait_until_below(kUnderWayMax);
  }
}

boost::asio::awaitable<void> ImportJob::add_members(const json::object& members) {
  const auto chat = text_of(members, "chat");
  const auto add = ids_of(members, "add"), remove = ids_of(members, "remove");
  std::string problem;
  if (!chat) problem = chat.error().text;
  if (!add) problem = add.error().text;
  if (!remove) problem = remove.error().text;
  if (problem.empty() && chat->empty()) problem = "chat: is missing";
  if (!problem.empty()) {
    fail(line_, std::move(problem));
    co_return;
  }
  co_await change_members(chat_named(*chat), *add, true);
  co_await change_members(chat_named(*chat), *remove, false);
}

boost::asio::awaitable<void> ImportJob::change_members(const ChatId& chat,
                                                       std::vector<uint64_t> users, bool add) {
  for (size_t first = 0; first < users.size(); first += kMembersPerChange) {
    const size_t last = std::min(users.size(), first + kMembersPerChange);
    auto request = std::make_shared<v1::Request>();
    v1::ChangeMembers& change = *request->mutable_change_members();
    change.set_chat_id(chat.str());
    (add ? change.mutable_add() : change.mutable_remove())
        ->Add(users.begin() + static_cast<ptrdiff_t>(first),
              users.begin() + static_cast<ptrdiff_t>(last));
    submit(chat, std::move(request), &members_changed_, last - first);
    co_await wait_until_below(kUnderWayMax);
  }
}

/// Sends a request without waiting for its answer; when it succeeds, `counted` grows.
void ImportJob::submit(const ChatId& chat, std::shared_ptr<v1::Request> request, uint64_t* counted,
                       uint64_t count) {
  ++under_way_;
  // One engine per chat: its requests stay in order.
  Reactor& reactor = services_.reactors.at(chat.hash() % services_.reactors.size());
  reactor.submit_request(
      std::move(request), [self = shared_from_this(), counted, count,
                           line = line_](std::shared_ptr<const v1::Response> response) {
        asio::post(self->executor_, [self, counted, count, line, response = std::move(response)] {
          if (response->has_error()) {
            self->fail(line, response->error().message());
          } else {
            *counted += count;
          }
          --self->under_way_;
          self->changed_.cancel();
        });
      });
}

// ---------------------------------------------------------------- result

void ImportJob::fail(uint64_t line, std::string message) {
  ++failed_;
  if (errors_.size() < kErrorsMax) errors_.emplace_back(line, std::move(message));
}

HttpAnswer ImportJob::answer() const {
  json::array errors;
  for (const auto& [line, message] : errors_) {
    errors.push_back(json::object{{"line", line}, {"message", message}});
  }
  return {failed_ == 0 ? 200 : 422, "application/json",
          json::serialize(json::object{{"users", users_added_},
                                       {"chats", chats_added_},
                                       {"members", members_changed_},
                                       {"skipped", skipped_},
                                       {"failed", failed_},
                                       {"errors", std::move(errors)}})};
}

}  // namespace chat::admin
