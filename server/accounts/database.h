// AccountDatabase: one SOCI session on a SQLite file, its schema, and the one place that maps
// SOCI's exceptions to Errors. Internal to this folder. Thread rule: use it through run(), which
// admits one thread at a time.
#pragma once

#include <soci/soci.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>

#include "core/base/error.h"

namespace chat {

class AccountDatabase {
 public:
  /// Opens or makes the file and brings its schema to this version.
  static Result<std::unique_ptr<AccountDatabase>> open(const std::string& path);

  /// Runs `work(soci::session&)`, which answers a Result, in a transaction of its own: committed
  /// when it answers a value, rolled back when it answers an Error or throws.
  template <class Work>
  auto run(const Work& work) -> std::invoke_result_t<Work, soci::session&> {
    std::lock_guard lock(mutex_);
    try {
      soci::transaction transaction(session_);
      auto result = work(session_);
      if (result) transaction.commit();
      return result;
    } catch (const soci::soci_error& error) {
      return to_error(error);
    }
  }

 private:
  explicit AccountDatabase(std::string path) : path_(std::move(path)) {}
  void connect();
  Status migrate();
  Error to_error(const soci::soci_error& error) const;

  const std::string path_;
  std::mutex mutex_;
  soci::session session_;
};

}  // namespace chat
