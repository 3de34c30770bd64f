#ifndef NODE_DRBD_NATIVE_SENDER_H_
#define NODE_DRBD_NATIVE_SENDER_H_

#include <uv.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "descriptor.h"
#include "helper.h"

/// Sends the datagrams of one socket, one at a time and in order, on a thread of its own.
///
/// A netlink handler of the kernel runs inside sendmsg(), so a send can take seconds, or never return. Hence:
/// - the thread is detached, nobody joins it, and it owns this object together with the socket (shared_ptr): after
///   Close() it finds nothing to do and ends, whenever the kernel lets it go;
/// - it never touches Node-API. It wakes the loop with uv_async_send() under the mutex, and Close() takes the handle
///   away under the same mutex before the handle is closed, so a thread that comes back late finds none;
/// - it takes part in the descriptor's ownership while it is inside sendmsg(), and only then.
class Sender {
 public:
  enum class Progress : uint8_t { kQueued = 0, kStarted = 1, kReturned = 2 };

  struct Completion {
    uint64_t id;
    SendOutcome outcome;
    /// It was one of EnqueueQuestions().
    bool is_question = false;
  };

  /// Where everything stood at the moment of closing.
  struct Closing {
    /// Datagrams with higher ids were never handed to the kernel.
    uint64_t last_started = 0;
    /// The one inside sendmsg(); 0 if none.
    uint64_t in_flight = 0;
    std::vector<Completion> completions;
  };

  /// `wake` must stay valid until Close() has returned.
  Sender(std::shared_ptr<Descriptor> socket, uv_async_t* wake);
  ~Sender() = default;
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  /// From now on datagrams go out from a helper process, so that this one can end whatever the kernel does with them.
  void UseHelper() { from_helper_.store(true, std::memory_order_relaxed); }

  /// Queues a copy of the datagram, and starts the thread if this is the first one.
  /// Returns 0, or ENOBUFS if the queue is full, EMSGSIZE if it could never hold this, EBADF after Close(); or what
  /// pthread_create() said, and `failed` is its name then.
  static int Enqueue(const std::shared_ptr<Sender>& self, const uint8_t* bytes, size_t length, uint32_t port,
                     uint32_t groups, uint64_t* id, const char** failed);

  /// Queues questions (questions.h), which the helper asks and receives the answers of: it must be in use, and nobody
  /// else may receive from the socket before all of them have completed. Their ids ascend from `first` on.
  static int EnqueueQuestions(const std::shared_ptr<Sender>& self, std::vector<uint8_t> questions, uint32_t count,
                              uint32_t port, uint64_t* first, const char** failed);

  /// Takes a datagram out of the queue; false if it had started, and for a question.
  bool Cancel(uint64_t id);
  /// False for an id that was never given.
  bool ProgressOf(uint64_t id, Progress* progress);
  /// Moves what questions have brought since the last call to `out`: frames (questions.h) of datagrams and overruns, in
  /// order.
  void TakeFrames(std::vector<uint8_t>* out);
  /// Moves what has completed since the last call to `out`.
  void TakeCompletions(std::vector<Completion>* out);

  /// Whether a completion that was not taken yet has lost its helper.
  bool HasLost();

  /// Forgets what is queued, lets go of the socket and of the loop. Never waits for the thread.
  Closing Close();

  /// Of a datagram, whoever sent it.
  void Count(const SendOutcome& outcome, size_t bytes);

  uint64_t SentDatagrams() const { return sent_datagrams_.load(std::memory_order_relaxed); }
  bool UsesHelper() const { return from_helper_.load(std::memory_order_relaxed); }
  uint64_t SentBytes() const { return sent_bytes_.load(std::memory_order_relaxed); }
  uint64_t SendErrors() const { return send_errors_.load(std::memory_order_relaxed); }

  /// Sender threads of this process that have not ended.
  static uint64_t RunningThreads();

 private:
  struct Item {
    uint64_t id;
    uint32_t port;
    uint32_t groups;
    std::vector<uint8_t> bytes;
    /// 0: a datagram. Their ids follow that of the item.
    uint32_t questions = 0;
  };
  /// Where the questions are that a helper asks.
  struct Asking {
    uint64_t first = 0;
    uint32_t count = 0;
    /// Null while there are none.
    AskProgress* progress = nullptr;
    int channel = -1;
  };
  class Questions;

  static int Enqueue(const std::shared_ptr<Sender>& self, Item item, uint64_t* id, const char** failed);
  static int StartThread(const std::shared_ptr<Sender>& self);
  static void* ThreadMain(void* argument);
  void Run();
  /// The last one that was begun, and the one inside sendmsg(), 0 if none. With the mutex held.
  void Position(uint64_t* last_started, uint64_t* in_flight) const;

  std::mutex mutex_;
  std::condition_variable changed_;
  /// Frames were taken.
  std::condition_variable taken_;
  // All below is guarded by mutex_, up to the counters.
  std::shared_ptr<Descriptor> socket_;
  uv_async_t* wake_;
  std::deque<Item> queue_;
  size_t queued_bytes_ = 0;
  std::vector<uint8_t> frames_;
  std::vector<Completion> completions_;
  Asking asking_;
  uint64_t last_id_ = 0;
  uint64_t last_started_ = 0;
  uint64_t in_flight_ = 0;
  bool thread_started_ = false;
  bool closed_ = false;

  std::atomic<bool> from_helper_{false};
  std::atomic<uint64_t> sent_datagrams_{0};
  std::atomic<uint64_t> sent_bytes_{0};
  std::atomic<uint64_t> send_errors_{0};
};

#endif  // NODE_DRBD_NATIVE_SENDER_H_
