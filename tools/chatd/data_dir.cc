#include "tools/chatd/data_dir.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace chat {

Result<DataDir> DataDir::open(const std::string& path) {
  const auto unusable = [&path](std::string_view why) {
    return make_error(ErrorCode::unavailable,
                      fmt::format("the data directory {} cannot be used: {}", path, why));
  };
  std::error_code made;
  std::filesystem::create_directories(path, made);
  if (made) return unusable(made.message());
  const std::string lock_path = path + "/lock";
  const int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return unusable(std::strerror(errno));
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    char owner[32] = "";
    const ssize_t size = pread(lock, owner, sizeof owner - 1, 0);
    ::close(lock);
    return unusable(fmt::format("another chatd (process {}) uses it",
                                std::string(owner, size > 0 ? static_cast<size_t>(size) : 0)));
  }
  const std::string pid = std::to_string(getpid());
  if (ftruncate(lock, 0) != 0 ||
      pwrite(lock, pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    const int code = errno;
    ::close(lock);
    return unusable(std::strerror(code));
  }
  return DataDir(path, lock);
}

DataDir::DataDir(DataDir&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

DataDir& DataDir::operator=(DataDir&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_, other.lock_);
  return *this;
}

DataDir::~DataDir() {
  if (lock_ >= 0) ::close(lock_);
}

}  // namespace chat
