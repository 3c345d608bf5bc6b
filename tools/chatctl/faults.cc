#include "tools/chatctl/admin_client.h"
#include "tools/chatctl/verbs.h"

namespace chat::ctl {
namespace {

constexpr const char* kPath = "/admin/v1/faults";

Answer answer_of(boost::json::value body) {
  return {std::move(body),
          {.columns = {{"store_slow_ms", "store_slow_ms", Format::count},
                       {"store_fail_one_in", "store_fail_one_in", Format::count_or_none},
                       {"store_unknown_one_in", "store_unknown_one_in", Format::count_or_none},
                       {"store_hang_reads", "store_hang_reads", Format::yes_no},
                       {"store_hang_writes", "store_hang_writes", Format::yes_no},
                       {"delay_log_slow_ms", "delay_log_slow_ms", Format::count},
                       {"delay_log_fail_one_in", "delay_log_fail_one_in", Format::count_or_none},
                       {"delay_log_hang", "delay_log_hang", Format::yes_no}}}};
}

}  // namespace

Result<Answer> show_faults(AdminClient& admin, const Invocation&) {
  auto body = admin.get(kPath);
  if (!body) return body.error();
  return answer_of(std::move(*body));
}

Result<Answer> set_faults(AdminClient& admin, const Invocation& invocation) {
  boost::json::object change;
  for (const std::string& argument : invocation.arguments) {
    const size_t equals = argument.find('=');
    if (equals == std::string::npos || equals == 0) {
      return make_error(ErrorCode::invalid_argument,
                        "\"" + argument + "\": a fault is set by NAME=VALUE");
    }
    change[argument.substr(0, equals)] = argument.substr(equals + 1);
  }
  auto body = admin.put(kPath, change);
  if (!body) return body.error();
  return answer_of(std::move(*body));
}

}  // namespace chat::ctl
