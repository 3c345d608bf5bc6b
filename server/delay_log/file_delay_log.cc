#include "server/delay_log/file_delay_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "server/delay_log/delay_log_format.h"

namespace chat {
namespace {

constexpr size_t kRewrittenFrameBytes = 1 << 20;

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

bool read_all(int file, std::string& out) {
  char buffer[1 << 16];
  for (;;) {
    const ssize_t size = ::read(file, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return size == 0;
    out.append(buffer, static_cast<size_t>(size));
  }
}

bool sync_directory(const std::string& dir) {
  const int handle = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0) return false;
  const bool synced = fsync(handle) == 0;
  close(handle);
  return synced;
}

Error unusable(const std::string& path) {
  return make_error(ErrorCode::unavailable,
                    fmt::format("the delay log {} cannot be used: {}", path, std::strerror(errno)));
}

uint64_t random_salt() {
  uint64_t salt = 0;
  // Up to 256 bytes never come short.
  (void)getrandom(&salt, sizeof salt, 0);
  return salt;
}

}  // namespace

Result<std::unique_ptr<FileDelayLog>> FileDelayLog::open(FileDelayLogOptions options) {
  auto log = std::unique_ptr<FileDelayLog>(new FileDelayLog(std::move(options)));
  if (const Status opened = log->open_file(); !opened) return opened.error();
  return log;
}

FileDelayLog::~FileDelayLog() {
  if (file_ >= 0) close(file_);
}

Status FileDelayLog::open_file() {
  unlink((path() + ".new").c_str());
  file_ = ::open(path().c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  std::string bytes;
  if (file_ < 0 || !read_all(file_, bytes)) return unusable(path());
  const auto decoded = decode_delay_log(bytes);
  if (!decoded) {
    return make_error(
        ErrorCode::corrupt,
        fmt::format("the delay log {} holds sends that were answered DELAYED, and {}; restore the "
                    "file, or move it away to start without those sends",
                    path(), decoded.error().text));
  }
  for (const DelayCommand& command : decoded->commands) apply(command);
  if (decoded->good_bytes == 0) return rewrite();
  salt_ = decoded->salt;
  file_bytes_ = decoded->good_bytes;
  if (decoded->good_bytes == bytes.size()) return {};
  options_.log(fmt::format("{}: dropped {} bytes of a write that was cut off", path(),
                           bytes.size() - decoded->good_bytes));
  if (ftruncate(file_, static_cast<off_t>(file_bytes_)) != 0 || fdatasync(file_) != 0) {
    return unusable(path());
  }
  return {};
}

std::vector<Status> FileDelayLog::write(std::span<const DelayCommand> commands) {
  const bool synced = std::any_of(commands.begin(), commands.end(), [](const auto& command) {
    return std::holds_alternative<DelayAppend>(command);
  });
  Status written;
  if (broken_) written = rewrite();
  if (written) written = append(encode_delay_frame(salt_, commands), synced);
  if (!written) {
    options_.log(written.error().text);
    return std::vector<Status>(commands.size(), written);
  }
  for (const DelayCommand& command : commands) apply(command);
  const uint64_t dead = file_bytes_ - std::min(file_bytes_, live_bytes_);
  if (dead > std::max(options_.dead_bytes_max, live_bytes_)) {
    if (const Status rewritten = rewrite(); !rewritten) options_.log(rewritten.error().text);
  }
  return std::vector<Status>(commands.size());
}

/// Removals need no sync: what comes back after a crash is known by its key.
Status FileDelayLog::append(const std::string& frame, bool synced) {
  if (write_all(file_, frame) && (!synced || fdatasync(file_) == 0)) {
    file_bytes_ += frame.size();
    return {};
  }
  const Error error = unusable(path());
  broken_ = true;
  return error;
}

void FileDelayLog::apply(const DelayCommand& command) {
  if (const auto* append = std::get_if<DelayAppend>(&command)) {
    for (const DelayEntry& entry : append->entries) {
      if (!positions_.emplace(entry.key, next_position_).second) continue;
      live_bytes_ += delay_entry_bytes(entry);
      entries_.emplace(next_position_++, entry);
    }
    return;
  }
  for (const DelayKey& key : std::get<DelayRemove>(command).keys) {
    const auto found = positions_.find(key);
    if (found == positions_.end()) continue;
    const auto entry = entries_.find(found->second);
    live_bytes_ -= delay_entry_bytes(entry->second);
    entries_.erase(entry);
    positions_.erase(found);
  }
}

Result<std::vector<DelayEntry>> FileDelayLog::load() {
  std::vector<DelayEntry> entries;
  entries.reserve(entries_.size());
  for (const auto& [position, entry] : entries_) entries.push_back(entry);
  return entries;
}

Status FileDelayLog::rewrite() {
  const std::string fresh = path() + ".new";
  const int file = ::open(fresh.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
  if (file < 0) return unusable(fresh);
  const uint64_t salt = random_salt();
  std::string bytes = encode_delay_header(salt);
  DelayAppend frame;
  uint64_t written = 0, frame_bytes = 0;
  bool good = true;
  const auto flush = [&] {
    const DelayCommand command = std::move(frame);
    frame = {};
    if (frame_bytes > 0) bytes += encode_delay_frame(salt, std::span(&command, 1));
    good = good && write_all(file, bytes);
    written += bytes.size();
    bytes.clear();
    frame_bytes = 0;
  };
  for (const auto& [position, entry] : entries_) {
    frame.entries.push_back(entry);
    frame_bytes += delay_entry_bytes(entry);
    if (frame_bytes > kRewrittenFrameBytes) flush();
  }
  flush();
  good = good && fdatasync(file) == 0 && rename(fresh.c_str(), path().c_str()) == 0;
  if (!good) {
    const Error error = unusable(fresh);
    close(file);
    unlink(fresh.c_str());
    return error;
  }
  // From here on the new file is the log; a crash before the directory is synced brings back the
  // old one, which has all that this one has.
  close(file_);
  file_ = file;
  salt_ = salt;
  file_bytes_ = written;
  broken_ = !sync_directory(options_.dir);
  if (broken_) return unusable(options_.dir);
  return {};
}

}  // namespace chat
