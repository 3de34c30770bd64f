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
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) return Failed("open", errno);
  if (fstat(descriptor, &status) != 0) {
    const int error = errno;
    close(descriptor);
    return Failed("fstat", error);
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
