// The state of a chatd as JSON: what `chatctl status` shows.
// Owns nothing. Thread rule: any thread.
#pragma once

#include <string>

#include "server/admin/admin_services.h"

namespace chat {

std::string status_json(const AdminServices& services);

}  // namespace chat
