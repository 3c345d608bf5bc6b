// RuntimeLimits as a JSON object: numbers, booleans, texts and lists by the names of their fields.
// Internal to this folder. Thread rule: pure functions.
#pragma once

#include <boost/json/object.hpp>

#include "core/policy/runtime_limits.h"

namespace chat::admin {

boost::json::object limits_json(const RuntimeLimits& limits);

/// Changes the fields that `change` names; a value may also be the text that an option of chatd
/// takes. Error invalid_argument, and no change, when one is unknown or has a wrong value.
Status update_limits(RuntimeLimits& limits, const boost::json::object& change);

}  // namespace chat::admin
