#include "server/admin/limits_json.h"

#include <fmt/format.h>

#include <boost/json.hpp>

namespace chat::admin {
namespace {

namespace json = boost::json;

json::value value_of(const LimitField& field, const RuntimeLimits& limits) {
  const std::string text = field.get(limits);
  switch (field.kind) {
    case LimitField::Kind::number:
    case LimitField::Kind::boolean:
      return json::parse(text);
    case LimitField::Kind::text:
      return json::string(text);
    case LimitField::Kind::list:
      break;
  }
  json::array list;
  for (size_t begin = 0; begin < text.size();) {
    const size_t comma = std::min(text.find(',', begin), text.size());
    list.push_back(json::string(text.substr(begin, comma - begin)));
    begin = comma + 1;
  }
  return list;
}

/// A value as the text of the field; a list becomes its items with commas.
std::string text_of(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (!value.is_array()) return json::serialize(value);
  std::string text;
  for (const json::value& item : value.get_array()) {
    if (!text.empty()) text += ',';
    text += text_of(item);
  }
  return text;
}

}  // namespace

json::object limits_json(const RuntimeLimits& limits) {
  json::object object;
  for (const LimitField& field : limit_fields()) object[field.name] = value_of(field, limits);
  return object;
}

Status update_limits(RuntimeLimits& limits, const json::object& change) {
  RuntimeLimits changed = limits;
  for (const auto& [name, value] : change) {
    if (Status set = set_limit(changed, name, text_of(value)); !set) return set;
  }
  limits = changed;
  return {};
}

}  // namespace chat::admin
