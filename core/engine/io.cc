#include "core/engine/io.h"

#include <algorithm>

namespace chat {

bool AccountChanged::ends(LoginId login, WallTime issued) const {
  if (ended_until.ms > 0 && issued <= ended_until) return true;
  return login && std::find(ended.begin(), ended.end(), login) != ended.end();
}

}  // namespace chat
