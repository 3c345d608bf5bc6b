// Log-ins as the answer v1.LoginList, for users and for operators.
// Thread rule: pure functions.
#pragma once

#include <string_view>
#include <vector>

#include "server/accounts/account_store.h"
#include "server/transport/transport.h"

namespace chat {

/// `current`: the one that asks; none for an operator.
HttpAnswer logins_answer(const Result<std::vector<Login>>& logins, LoginId current = {});

/// A log-in's id as it stands in paths and bodies. Error not_found when it is none.
Result<LoginId> login_id_of(std::string_view text);

}  // namespace chat
