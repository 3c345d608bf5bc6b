#include "server/accounts/secrets.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "core/base/ids.h"

namespace chat {
namespace {

constexpr size_t kTokenBytes = 32;
constexpr size_t kKeyBytes = 32;

/// A file descriptor that is closed at the end.
struct File {
  int fd;
  ~File() {
    if (fd >= 0) close(fd);
  }
};

Error key_error(ErrorCode code, const std::string& path, const std::string& what) {
  return make_error(code, "key file " + path + ": " + what);
}

Error key_io_error(const std::string& path, const char* doing) {
  const int number = errno;
  return key_error(ErrorCode::unavailable, path,
                   std::string(doing) + " failed (" + std::strerror(number) +
                       "); check the data directory and its permissions");
}

Result<std::string> read_key(const File& file, const std::string& path) {
  struct stat info {};
  if (fstat(file.fd, &info) != 0) return key_io_error(path, "reading");
  if (info.st_mode & (S_IRWXG | S_IRWXO)) {
    return key_error(ErrorCode::permission_denied, path,
                     "others may use it; run chmod 600 on it, or remove it to end all sessions");
  }
  std::array<char, kKeyBytes + 1> bytes;
  const ssize_t size = read(file.fd, bytes.data(), bytes.size());
  if (size < 0) return key_io_error(path, "reading");
  if (size != static_cast<ssize_t>(kKeyBytes)) {
    return key_error(ErrorCode::corrupt, path,
                     "it is not 32 bytes long; restore it, or remove it to end all sessions");
  }
  return std::string(bytes.data(), kKeyBytes);
}

/// Writes the key to a file of another name and gives it its name when it is whole and synced, so
/// that a crash leaves no half key.
Status write_key(const std::string& key, const std::string& path) {
  const std::string unfinished = path + ".new";
  const File file{open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  if (file.fd < 0) return key_io_error(path, "making it");
  const bool written = write(file.fd, key.data(), key.size()) == static_cast<ssize_t>(key.size()) &&
                       fsync(file.fd) == 0 && rename(unfinished.c_str(), path.c_str()) == 0;
  if (!written) return key_io_error(path, "writing it");
  return {};
}

}  // namespace

Status init_secrets() {
  if (sodium_init() >= 0) return {};
  return make_error(ErrorCode::internal, "libsodium cannot be initialised");
}

Result<std::string> hash_password(std::string_view password) {
  std::array<char, crypto_pwhash_STRBYTES> hash;
  if (crypto_pwhash_str(hash.data(), password.data(), password.size(),
                        crypto_pwhash_OPSLIMIT_INTERACTIVE,
                        crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0) {
    return make_error(ErrorCode::unavailable, "not enough memory to hash a password");
  }
  return std::string(hash.data());
}

bool verify_password(const std::string& hash, std::string_view password) {
  return crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size()) == 0;
}

void verify_nothing(std::string_view password) {
  static const Result<std::string> hash = hash_password(random_token());
  if (hash) static_cast<void>(verify_password(*hash, password));
}

std::string random_token() {
  std::array<unsigned char, kTokenBytes> bytes;
  randombytes_buf(bytes.data(), bytes.size());
  std::array<char, sodium_base64_ENCODED_LEN(kTokenBytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING)>
      text;
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(),
                    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  return text.data();
}

std::string hash_token(std::string_view token) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash;
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(token.data()),
                     token.size());
  return to_hex({reinterpret_cast<const char*>(hash.data()), hash.size()});
}

Result<std::string> load_or_make_key(const std::string& path) {
  if (Status ready = init_secrets(); !ready) return ready.error();
  const File file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.fd >= 0) return read_key(file, path);
  if (errno != ENOENT) return key_io_error(path, "opening");
  std::string key(kKeyBytes, '\0');
  randombytes_buf(key.data(), key.size());
  if (Status written = write_key(key, path); !written) return written.error();
  return key;
}

}  // namespace chat
