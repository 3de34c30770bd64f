#ifndef NODE_DRBD_NATIVE_DESCRIPTOR_H_
#define NODE_DRBD_NATIVE_DESCRIPTOR_H_

#include <unistd.h>

/// A file descriptor that closes with its last owner. Shared between the JavaScript thread and a sender thread: whoever
/// lets go last closes it, so its number cannot be given to another file while a thread is about to use it.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    // Not retried on EINTR: on Linux the number is free by then, and may already be somebody else's.
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int Number() const { return number_; }

 private:
  const int number_;
};

#endif  // NODE_DRBD_NATIVE_DESCRIPTOR_H_
