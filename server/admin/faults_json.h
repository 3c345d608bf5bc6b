// The faults of a chatd as JSON, and changes of them. Internal to this folder. Thread rule: pure
// functions.
#pragma once

#include <boost/json/object.hpp>

#include "core/base/error.h"
#include "server/faults/faults.h"

namespace chat::admin {

boost::json::object faults_json(const FaultPlan& plan);

/// Makes all of the changes or none. Values are numbers, booleans, or texts of them.
Status update_faults(FaultPlan& plan, const boost::json::object& change);

}  // namespace chat::admin
