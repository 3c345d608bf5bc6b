// Reads the JSON bodies of the operator's port. Internal to this folder. Thread rule: pure
// functions.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/error.h"

namespace chat::admin {

/// The body as a JSON object.
Result<boost::json::object> object_of(const std::string& body);
/// A text member; "" when it is absent.
Result<std::string> text_member(const boost::json::object& object, std::string_view name);
/// A whole number up to `max`; `otherwise` when it is absent.
Result<uint64_t> number_member(const boost::json::object& object, std::string_view name,
                               uint64_t otherwise, uint64_t max);

}  // namespace chat::admin
