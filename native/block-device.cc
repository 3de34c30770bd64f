#include "block-device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

BlockDeviceFacts ReadBlockDevice(const std::string& path) {
  BlockDeviceFacts facts;
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) {
    facts.error = errno;
    facts.syscall = "stat";
    return facts;
  }
  if (!S_ISBLK(status.st_mode)) return facts;
  facts.is_block_device = true;
  facts.major = major(status.st_rdev);
  facts.minor = minor(status.st_rdev);
  const int descriptor = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (descriptor < 0) {
    facts.error = errno;
    facts.syscall = "open";
    return facts;
  }
  struct stat opened{};
  if (fstat(descriptor, &opened) != 0) {
    facts.error = errno;
    facts.syscall = "fstat";
  } else if (!S_ISBLK(opened.st_mode) || opened.st_rdev != status.st_rdev) {
    // The path leads elsewhere than a moment ago: facts of two things are facts of none.
    facts.error = ESTALE;
    facts.syscall = "open";
  } else if (ioctl(descriptor, BLKGETSIZE64, &facts.size_bytes) != 0) {
    facts.error = errno;
    facts.syscall = "ioctl";
  }
  close(descriptor);
  return facts;
}
