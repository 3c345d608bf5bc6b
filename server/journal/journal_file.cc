#include "server/journal/journal_file.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace chat {
namespace {

const char* name_of(JournalKind kind) {
  switch (kind) {
    case JournalKind::created:
      return "created";
    case JournalKind::enter:
      return "enter";
    case JournalKind::exit:
      return "exit";
    case JournalKind::banned:
      return "banned";
    case JournalKind::unbanned:
      return "unbanned";
    case JournalKind::ended_ttl:
      return "ended_ttl";
    case JournalKind::ended_deleted:
      return "ended_deleted";
    case JournalKind::ended_empty:
      return "ended_empty";
  }
  return "unknown";
}

int open_file(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

std::string reason() { return std::generic_category().message(errno); }

}  // namespace

std::string journal_line(const Journal& entry) {
  std::string line = "{\"at_ms\":" + std::to_string(entry.at.ms) + ",\"chat\":\"" +
                     entry.chat.hex() + "\",\"seq\":" + std::to_string(entry.seq) + ",\"what\":\"" +
                     name_of(entry.kind) + "\"";
  if (entry.user) line += ",\"user\":" + std::to_string(entry.user.value);
  if (entry.actor) line += ",\"by\":" + std::to_string(entry.actor.value);
  return line + "}\n";
}

Result<std::unique_ptr<JournalFile>> JournalFile::open(const JournalFileOptions& options) {
  const int file = open_file(options.path);
  if (file < 0) {
    return make_error(ErrorCode::unavailable, "journal " + options.path +
                                                  ": it cannot be opened (" + reason() +
                                                  "); choose a writable file");
  }
  return std::unique_ptr<JournalFile>(new JournalFile(options, file));
}

JournalFile::JournalFile(JournalFileOptions options, int file)
    : options_(std::move(options)), file_(file) {
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "journal");
}

JournalFile::~JournalFile() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_one();
  thread_.join();
  if (file_ >= 0) ::close(file_);
}

void JournalFile::add(const Journal& entry) {
  std::string line = journal_line(entry);
  const std::lock_guard lock(mutex_);
  if (queued_.size() + line.size() > options_.queue_bytes_max) {
    ++counters_.dropped;
    return;
  }
  queued_ += line;
  ++queued_count_;
  ready_.notify_one();
}

void JournalFile::reopen() {
  const std::lock_guard lock(mutex_);
  reopen_ = true;
  ready_.notify_one();
}

JournalCounters JournalFile::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

void JournalFile::run() {
  for (bool stopping = false; !stopping;) {
    std::string lines;
    uint64_t count = 0, dropped = 0;
    bool again = false;
    {
      std::unique_lock lock(mutex_);
      ready_.wait(lock, [this] { return stopping_ || reopen_ || !queued_.empty(); });
      lines = std::exchange(queued_, {});
      count = std::exchange(queued_count_, 0);
      again = std::exchange(reopen_, false);
      stopping = stopping_;
      dropped = counters_.dropped;
    }
    if (!lines.empty()) write(lines, count);
    if (again) open_again();
    if (dropped > told_dropped_ && options_.log) {
      options_.log("journal: " + std::to_string(dropped - told_dropped_) +
                   " entries were dropped, the file does not keep up");
    }
    told_dropped_ = dropped;
  }
}

void JournalFile::write(const std::string& lines, uint64_t count) {
  size_t done = 0;
  while (done < lines.size()) {
    const ssize_t taken = ::write(file_, lines.data() + done, lines.size() - done);
    if (taken < 0 && errno == EINTR) continue;
    if (taken < 0) break;
    done += static_cast<size_t>(taken);
  }
  const bool complete = done == lines.size();
  if (!complete && options_.log) {
    options_.log("journal " + options_.path + ": " + std::to_string(count) +
                 " entries could not be written (" + reason() + ")");
  }
  const std::lock_guard lock(mutex_);
  (complete ? counters_.written : counters_.dropped) += count;
  if (!complete) told_dropped_ = counters_.dropped;
}

void JournalFile::open_again() {
  const int file = open_file(options_.path);
  if (file < 0) {
    if (options_.log) {
      options_.log("journal " + options_.path + ": it cannot be opened again (" + reason() +
                   "); the old file stays in use");
    }
    return;
  }
  ::close(file_);
  file_ = file;
}

}  // namespace chat
