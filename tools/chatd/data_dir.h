// DataDir: the directory of everything durable, made when needed and held by one chatd at a time.
// The lock ends with the process, however it ends. Thread rule: plain value, moved not copied.
#pragma once

#include <string>

#include "core/base/error.h"

namespace chat {

class DataDir {
 public:
  /// Error unavailable names the directory and the remedy: not writable, no directory, in use.
  static Result<DataDir> open(const std::string& path);
  DataDir(DataDir&& other) noexcept;
  DataDir& operator=(DataDir&& other) noexcept;
  ~DataDir();

  /// The path of `name` in it.
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  DataDir(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::string path_;
  int lock_ = -1;
};

}  // namespace chat
