#ifndef NODE_DRBD_NATIVE_HELPER_H_
#define NODE_DRBD_NATIVE_HELPER_H_

#include <cstddef>
#include <cstdint>

#include "questions.h"

/// How a datagram ended. The numbers are known to lib/transport/native.ts.
struct SendOutcome {
  enum class Step : uint8_t {
    /// sendmsg() on the netlink socket has returned `error`, or 0.
    kSend = 0,
    /// The channel to a helper could not be made: nothing was sent.
    kSocketpair = 1,
    /// A helper could not be started: nothing was sent.
    kClone = 2,
    /// The datagram did not reach a helper: nothing was sent.
    kHandOver = 3,
    /// The helper ended without a word: it may have been sent.
    kLost = 4,
    /// A question that was left out, as those before it brought nothing.
    kSkipped = 5,
    /// A question that was not asked, as those before it came to no end.
    kNotAsked = 6,
  };
  Step step = Step::kSend;
  int error = 0;
};

/// One datagram to the kernel or a peer. Waits for room at a peer, unless `flags` has MSG_DONTWAIT (EAGAIN then); the
/// kernel's own handlers run inside it whatever the flags. Returns 0 or an errno.
int SendDatagram(int socket, const uint8_t* bytes, size_t length, uint32_t port, uint32_t groups, int flags = 0);

/// As SendDatagram(), in a helper process: if the kernel never returns, it is the helper that stays, and this process
/// can end. Blocks the calling thread, which must take no signals, until the helper has answered.
///
/// One helper serves the whole process for as long as it answers. It is started by the first datagram; a datagram that
/// comes while every helper is inside the kernel starts another. A helper ends when this process does, however it ends,
/// unless the kernel holds it.
SendOutcome SendDatagramFromHelper(int socket, const uint8_t* bytes, size_t length, uint32_t port, uint32_t groups);

/// Who asks questions, and is told of them on the thread that called.
class Asker {
 public:
  virtual ~Asker() = default;
  /// They are on their way to a helper. What is given is there until Ended().
  virtual void Begun(AskProgress* progress, int channel) = 0;
  /// Whole frames, in order, without the last one.
  virtual void Told(const uint8_t* frames, size_t length) = 0;
  virtual void Ended() = 0;
};

/// Asks questions (questions.h) from a helper process. Blocks the calling thread until all are answered, or
/// AskProgress::stop is set and the channel shut down. Step::kSend says that the helper has told of the end, whatever
/// became of the questions; with any other step that is what became of those it has not told of.
SendOutcome AskFromHelper(int socket, const uint8_t* questions, size_t length, uint32_t count, uint32_t port,
                          Asker* asker);

#endif  // NODE_DRBD_NATIVE_HELPER_H_
