#include "tools/chatctl/admin_client.h"
#include "tools/chatctl/verbs.h"

namespace chat::ctl {

Result<Answer> show_status(AdminClient& admin, const Invocation&) {
  auto body = admin.get("/admin/v1/status");
  if (!body) return body.error();
  return Answer{std::move(*body),
                {.columns = {{"version", "version"},
                             {"ready", "ready", Format::yes_no},
                             {"up for", "uptime_s", Format::seconds},
                             {"engines", "engines", Format::count},
                             {"connections", "connections", Format::count},
                             {"sessions", "sessions", Format::count},
                             {"chats in memory", "chats_loaded", Format::count},
                             {"users in memory", "users_loaded", Format::count},
                             {"store", "store.kind"},
                             {"store epoch", "store.epoch", Format::identifier},
                             {"process id", "process.pid", Format::identifier},
                             {"CPU time", "process.cpu_s", Format::seconds},
                             {"memory", "process.rss_bytes", Format::bytes},
                             {"open files", "process.fds", Format::count},
                             {"open files at most", "process.fds_max", Format::count},
                             {"", "counters", Format::members}}}};
}

}  // namespace chat::ctl
