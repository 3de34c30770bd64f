#ifndef NODE_DRBD_NATIVE_CLOCK_H_
#define NODE_DRBD_NATIVE_CLOCK_H_

#include <time.h>

#include <cstdint>

/// CLOCK_MONOTONIC in nanoseconds: a deadline measured with it does not move when somebody sets the time of day.
inline int64_t MonotonicNanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

#endif  // NODE_DRBD_NATIVE_CLOCK_H_
