#include "server/admin/json_members.h"

#include <fmt/format.h>

#include <boost/json.hpp>

namespace chat::admin {
namespace json = boost::json;

Result<json::object> object_of(const std::string& body) {
  json::error_code code;
  json::value value = json::parse(body, code);
  if (!code && value.is_object()) return std::move(value.get_object());
  return make_error(ErrorCode::invalid_argument,
                    "the body is no JSON object" + (code ? ": " + code.message() : std::string()));
}

Result<std::string> text_member(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return std::string();
  if (value->is_string()) return std::string(value->get_string());
  return make_error(ErrorCode::invalid_argument, fmt::format("{}: expected a text", name));
}

Result<uint64_t> number_member(const json::object& object, std::string_view name,
                               uint64_t otherwise, uint64_t max) {
  const json::value* const value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return otherwise;
  json::error_code code;
  const auto number = value->to_number<uint64_t>(code);
  if (!code && number <= max) return number;
  return make_error(ErrorCode::invalid_argument,
                    fmt::format("{}: expected a whole number up to {}", name, max));
}

}  // namespace chat::admin
