#ifndef NODE_DRBD_NATIVE_FILE_LOCK_H_
#define NODE_DRBD_NATIVE_FILE_LOCK_H_

#include <sys/types.h>

#include <cstdint>
#include <string>

/// POSIX record locks on whole files, as drbdsetup and drbdmeta take them: other programs see our pid as the holder.
///
/// Such a lock belongs to the process, so two of its threads would both get it, and it vanishes as soon as any
/// descriptor of the file is closed. Hence one registry for the process, workers included: each file is opened once,
/// and who comes second is told our own pid.
class FileLocks {
 public:
  using Id = uint64_t;

  struct Result {
    /// Not 0: locked.
    Id id = 0;
    /// Not 0: the process that holds it; our own pid if another part of this process does.
    pid_t holder = 0;
    /// Not 0: what failed. Nothing is locked.
    int error = 0;
    const char* syscall = "";
    /// What the path names, where that is not a regular file and therefore not opened; else empty.
    const char* kind = "";
  };

  /// Tries once, without waiting. The file is made if it is not there (mode 0600). Nothing but a regular file is
  /// opened: a FIFO would wait for its other end, and a device may do something.
  static Result Try(const std::string& path);
  /// Releases a lock of this process; an id that is not held is ignored.
  static void Release(Id id);
};

#endif  // NODE_DRBD_NATIVE_FILE_LOCK_H_
