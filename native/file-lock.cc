#include "file-lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <mutex>
#include <utility>

namespace {

using FileKey = std::pair<dev_t, ino_t>;

struct HeldLock {
  FileLocks::Id id;
  int descriptor;
};

struct Registry {
  std::mutex mutex;
  std::map<FileKey, HeldLock> held;
  FileLocks::Id last_id = 0;
};

// Never destroyed: a worker may release its locks while the process is on its way out.
Registry& TheRegistry() {
  static Registry* registry = new Registry;
  return *registry;
}

FileKey KeyOf(const struct stat& status) {
  return {status.st_dev, status.st_ino};
}

FileLocks::Result Failed(const char* syscall, int error) {
  FileLocks::Result result;
  result.error = error;
  result.syscall = syscall;
  return result;
}

/// Words for what is not a regular file.
const char* KindOf(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return "a directory";
    case S_IFIFO:
      return "a FIFO";
    case S_IFSOCK:
      return "a socket";
    case S_IFBLK:
      return "a block device";
    case S_IFCHR:
      return "a character device";
    case S_IFLNK:
      return "a symbolic link";
    default:
      return "of an unknown kind";
  }
}

FileLocks::Result NotRegular(mode_t mode) {
  FileLocks::Result result = Failed("open", S_ISDIR(mode) ? EISDIR : S_ISLNK(mode) ? ELOOP : EINVAL);
  result.kind = KindOf(mode);
  return result;
}

FileLocks::Result HeldBy(pid_t holder) {
  FileLocks::Result result;
  result.holder = holder;
  return result;
}

}  // namespace

FileLocks::Result FileLocks::Try(const std::string& path) {
  Registry& registry = TheRegistry();
  std::lock_guard<std::mutex> guard(registry.mutex);
  struct stat status{};
  // By its name first: opening and closing a file that this process has locked would take the lock away.
  if (stat(path.c_str(), &status) == 0 && registry.held.count(KeyOf(status)) != 0) return HeldBy(getpid());
  if (lstat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) return NotRegular(status.st_mode);
  // O_NONBLOCK and O_NOCTTY for what has taken the place of a regular file a moment ago.
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
  if (descriptor < 0) return Failed("open", errno);
  if (fstat(descriptor, &status) != 0) {
    const int error = errno;
    close(descriptor);
    return Failed("fstat", error);
  }
  if (!S_ISREG(status.st_mode)) {
    close(descriptor);
    return NotRegular(status.st_mode);
  }
  if (registry.held.count(KeyOf(status)) != 0) {
    // The name led elsewhere a moment ago. The descriptor must stay open as long as that lock is held, so it is kept
    // for good.
    return HeldBy(getpid());
  }
  struct flock wanted{};
  wanted.l_type = F_WRLCK;
  wanted.l_whence = SEEK_SET;
  // The holder may let go between the two calls: then it is free, and tried again.
  for (int attempt = 0; attempt < 16; attempt++) {
    if (fcntl(descriptor, F_SETLK, &wanted) == 0) {
      Result result;
      result.id = ++registry.last_id;
      registry.held[KeyOf(status)] = HeldLock{result.id, descriptor};
      return result;
    }
    if (errno != EACCES && errno != EAGAIN) {
      const int error = errno;
      close(descriptor);
      return Failed("fcntl", error);
    }
    struct flock found = wanted;
    if (fcntl(descriptor, F_GETLK, &found) != 0) {
      const int error = errno;
      close(descriptor);
      return Failed("fcntl", error);
    }
    if (found.l_type != F_UNLCK) {
      close(descriptor);
      return HeldBy(found.l_pid);
    }
  }
  close(descriptor);
  return Failed("fcntl", EAGAIN);
}

void FileLocks::Release(Id id) {
  Registry& registry = TheRegistry();
  std::lock_guard<std::mutex> guard(registry.mutex);
  for (auto entry = registry.held.begin(); entry != registry.held.end(); ++entry) {
    if (entry->second.id != id) continue;
    close(entry->second.descriptor);
    registry.held.erase(entry);
    return;
  }
}
