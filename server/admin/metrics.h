// The figures of a chatd as Prometheus text.
// Owns nothing. Thread rule: any thread.
#pragma once

#include <string>

#include "server/admin/admin_services.h"

namespace chat {

std::string metrics_text(const AdminServices& services);

}  // namespace chat
