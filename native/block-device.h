#ifndef NODE_DRBD_NATIVE_BLOCK_DEVICE_H_
#define NODE_DRBD_NATIVE_BLOCK_DEVICE_H_

#include <cstdint>
#include <string>

/// What there is to know of a path that should be a block device.
struct BlockDeviceFacts {
  bool is_block_device = false;
  /// Only for a block device.
  uint32_t major = 0;
  uint32_t minor = 0;
  uint64_t size_bytes = 0;
  /// Not 0: what failed.
  int error = 0;
  const char* syscall = "";
};

/// Opens nothing but block devices, read-only and without waiting.
BlockDeviceFacts ReadBlockDevice(const std::string& path);

#endif  // NODE_DRBD_NATIVE_BLOCK_DEVICE_H_
