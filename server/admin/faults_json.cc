#include "server/admin/faults_json.h"

#include <boost/json.hpp>
#include <string>

namespace chat::admin {

namespace json = boost::json;

json::object faults_json(const FaultPlan& plan) {
  json::object object;
  for (const FaultField& field : fault_fields()) {
    if (field.flag != nullptr) {
      object[field.name] = plan.*field.flag;
    } else {
      object[field.name] = plan.*field.number;
    }
  }
  return object;
}

Status update_faults(FaultPlan& plan, const json::object& change) {
  FaultPlan changed = plan;
  for (const auto& [name, value] : change) {
    const std::string text =
        value.is_string() ? std::string(value.get_string()) : json::serialize(value);
    if (Status set = set_fault(changed, name, text); !set) return set;
  }
  plan = changed;
  return {};
}

}  // namespace chat::admin
