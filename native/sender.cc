#include "sender.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

namespace {

// Far beyond what a client has under way; a caller that produces faster than the kernel takes must learn of it, not
// fill the memory.
constexpr size_t kMaximumQueuedDatagrams = 65'536;
constexpr size_t kMaximumQueuedBytes = 64u << 20;

// What a helper receives faster than JavaScript takes it waits in the helper.
constexpr size_t kMaximumFrameBytes = 4u << 20;

// The thread calls little more than sendmsg(), but glibc takes thread-local storage of every loaded library from the
// stack, and the sanitizers need some too.
constexpr size_t kThreadStackBytes = 512u << 10;

// Trivially destructible: a thread that outlives exit() may still count.
std::atomic<uint64_t> running_threads{0};

}  // namespace

Sender::Sender(std::shared_ptr<Descriptor> socket, uv_async_t* wake) : socket_(std::move(socket)), wake_(wake) {}

uint64_t Sender::RunningThreads() {
  return running_threads.load(std::memory_order_relaxed);
}

/// Tells a sender of its questions.
class Sender::Questions : public Asker {
 public:
  Questions(Sender* sender, const Item& item)
      : sender_(sender), first_(item.id), count_(item.questions), next_(item.bytes.data()) {}

  void Begun(AskProgress* progress, int channel) override {
    std::lock_guard<std::mutex> guard(sender_->mutex_);
    sender_->asking_ = {first_, count_, progress, channel};
    if (sender_->closed_) progress->stop.store(true, std::memory_order_relaxed);
  }

  void Told(const uint8_t* frames, size_t length) override {
    std::unique_lock<std::mutex> lock(sender_->mutex_);
    std::vector<uint8_t>& told = sender_->frames_;
    sender_->taken_.wait(lock, [&] { return sender_->closed_ || told.size() < kMaximumFrameBytes; });
    if (sender_->closed_) return;
    Frame frame{};
    for (size_t at = 0; at < length; at += sizeof frame + Aligned(frame.length)) {
      memcpy(&frame, frames + at, sizeof frame);
      if (frame.kind == Frame::Kind::kDatagram || frame.kind == Frame::Kind::kOverrun)
        told.insert(told.end(), frames + at, frames + at + sizeof frame + Aligned(frame.length));
      else
        Complete(frame.kind == Frame::Kind::kSkipped ? SendOutcome{SendOutcome::Step::kSkipped, ECANCELED}
                                                     : SendOutcome{SendOutcome::Step::kSend, frame.error});
    }
    uv_async_send(sender_->wake_);
  }

  void Ended() override {
    std::lock_guard<std::mutex> guard(sender_->mutex_);
    started_ = sender_->asking_.progress->started.load(std::memory_order_acquire);
    sender_->asking_ = {};
    sender_->last_started_ = first_ + started_ - 1;
  }

  /// What became of those that nothing was told of.
  void CompleteRest(const SendOutcome& outcome) {
    std::lock_guard<std::mutex> guard(sender_->mutex_);
    if (sender_->closed_) return;
    while (told_ < count_) {
      const bool is_told = outcome.step == SendOutcome::Step::kSend;
      const bool was_reached = outcome.step != SendOutcome::Step::kLost || told_ < started_;
      Complete(is_told || !was_reached ? SendOutcome{SendOutcome::Step::kNotAsked, ECANCELED} : outcome);
    }
    uv_async_send(sender_->wake_);
  }

 private:
  void Complete(const SendOutcome& outcome) {
    QuestionHeader header;
    memcpy(&header, next_, sizeof header);
    next_ += sizeof header + Aligned(header.length);
    if (outcome.step == SendOutcome::Step::kSend) sender_->Count(outcome, header.length);
    sender_->completions_.push_back(Completion{first_ + told_++, outcome, true});
  }

  Sender* const sender_;
  const uint64_t first_;
  const uint32_t count_;
  /// Of those that nothing was told of.
  const uint8_t* next_;
  uint32_t told_ = 0;
  uint32_t started_ = 0;
};

int Sender::Enqueue(const std::shared_ptr<Sender>& self, const uint8_t* bytes, size_t length, uint32_t port,
                    uint32_t groups, uint64_t* id, const char** failed) {
  // Before the copy, which might take memory that is not there.
  if (length > kMaximumQueuedBytes) return EMSGSIZE;
  return Enqueue(self, Item{0, port, groups, std::vector<uint8_t>(bytes, bytes + length), 0}, id, failed);
}

int Sender::EnqueueQuestions(const std::shared_ptr<Sender>& self, std::vector<uint8_t> questions, uint32_t count,
                             uint32_t port, uint64_t* first, const char** failed) {
  if (questions.size() > kMaximumQueuedBytes) return EMSGSIZE;
  return Enqueue(self, Item{0, port, 0, std::move(questions), count}, first, failed);
}

int Sender::Enqueue(const std::shared_ptr<Sender>& self, Item item, uint64_t* id, const char** failed) {
  std::lock_guard<std::mutex> guard(self->mutex_);
  if (self->closed_) return EBADF;
  if (self->queue_.size() >= kMaximumQueuedDatagrams || item.bytes.size() > kMaximumQueuedBytes - self->queued_bytes_)
    return ENOBUFS;
  if (!self->thread_started_) {
    const int error = StartThread(self);
    if (error != 0) {
      *failed = "pthread_create";
      return error;
    }
    self->thread_started_ = true;
  }
  item.id = self->last_id_ + 1;
  self->last_id_ += std::max(item.questions, 1u);
  *id = item.id;
  self->queued_bytes_ += item.bytes.size();
  self->queue_.push_back(std::move(item));
  self->changed_.notify_one();
  return 0;
}

int Sender::StartThread(const std::shared_ptr<Sender>& self) {
  pthread_attr_t attributes;
  int error = pthread_attr_init(&attributes);
  if (error != 0) return error;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, kThreadStackBytes);

  auto* argument = new std::shared_ptr<Sender>(self);
  // The thread inherits the mask. Signals of the process belong to Node's threads; one taken here would only cut a send
  // short.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  running_threads.fetch_add(1, std::memory_order_relaxed);
  error = pthread_create(&thread, &attributes, ThreadMain, argument);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  if (error != 0) {
    running_threads.fetch_sub(1, std::memory_order_relaxed);
    delete argument;
    return error;
  }
  return 0;
}

void* Sender::ThreadMain(void* argument) {
  // Shows which thread a stuck request holds, in ps -L and in the kernel's hung-task reports.
  pthread_setname_np(pthread_self(), "netlink-sender");
  {
    auto* owned = static_cast<std::shared_ptr<Sender>*>(argument);
    const std::shared_ptr<Sender> self = std::move(*owned);
    delete owned;
    self->Run();
  }
  running_threads.fetch_sub(1, std::memory_order_relaxed);
  return nullptr;
}

void Sender::Run() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return closed_ || !queue_.empty(); });
    if (closed_) return;
    const Item item = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= item.bytes.size();
    std::shared_ptr<Descriptor> socket = socket_;
    if (item.questions > 0) {
      lock.unlock();
      Questions questions(this, item);
      const SendOutcome outcome =
          AskFromHelper(socket->Number(), item.bytes.data(), item.bytes.size(), item.questions, item.port, &questions);
      socket.reset();
      questions.CompleteRest(outcome);
      lock.lock();
      continue;
    }
    last_started_ = item.id;
    in_flight_ = item.id;
    lock.unlock();

    SendOutcome outcome;
    if (from_helper_.load(std::memory_order_relaxed))
      outcome = SendDatagramFromHelper(socket->Number(), item.bytes.data(), item.bytes.size(), item.port, item.groups);
    else
      outcome.error = SendDatagram(socket->Number(), item.bytes.data(), item.bytes.size(), item.port, item.groups);
    // Before the lock: if the socket was closed meanwhile, this closes the descriptor, and that can take time too.
    socket.reset();
    Count(outcome, item.bytes.size());

    lock.lock();
    in_flight_ = 0;
    if (closed_) return;
    completions_.push_back(Completion{item.id, outcome});
    uv_async_send(wake_);
  }
}

void Sender::Count(const SendOutcome& outcome, size_t bytes) {
  if (outcome.error == 0) {
    sent_datagrams_.fetch_add(1, std::memory_order_relaxed);
    sent_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  } else {
    send_errors_.fetch_add(1, std::memory_order_relaxed);
  }
}

void Sender::Position(uint64_t* last_started, uint64_t* in_flight) const {
  *last_started = last_started_;
  *in_flight = in_flight_;
  if (asking_.progress == nullptr) return;
  // In this order: what is seen to have returned has started.
  const uint32_t returned = asking_.progress->returned.load(std::memory_order_acquire);
  const uint32_t started = asking_.progress->started.load(std::memory_order_acquire);
  *last_started = asking_.first + started - 1;
  *in_flight = started > returned ? *last_started : 0;
}

bool Sender::Cancel(uint64_t id) {
  std::lock_guard<std::mutex> guard(mutex_);
  // Ids ascend along the queue.
  const auto found = std::lower_bound(queue_.begin(), queue_.end(), id,
                                      [](const Item& item, uint64_t wanted) { return item.id < wanted; });
  if (found == queue_.end() || found->id != id || found->questions > 0) return false;
  queued_bytes_ -= found->bytes.size();
  queue_.erase(found);
  return true;
}

bool Sender::ProgressOf(uint64_t id, Progress* progress) {
  std::lock_guard<std::mutex> guard(mutex_);
  if (id == 0 || id > last_id_) return false;
  uint64_t last_started;
  uint64_t in_flight;
  Position(&last_started, &in_flight);
  if (id > last_started)
    *progress = Progress::kQueued;
  else
    *progress = id == in_flight ? Progress::kStarted : Progress::kReturned;
  return true;
}

void Sender::TakeFrames(std::vector<uint8_t>* out) {
  out->clear();
  std::lock_guard<std::mutex> guard(mutex_);
  out->swap(frames_);
  taken_.notify_one();
}

void Sender::TakeCompletions(std::vector<Completion>* out) {
  out->clear();
  std::lock_guard<std::mutex> guard(mutex_);
  out->swap(completions_);
}

bool Sender::HasLost() {
  std::lock_guard<std::mutex> guard(mutex_);
  return std::any_of(completions_.begin(), completions_.end(),
                     [](const Completion& completion) { return completion.outcome.step == SendOutcome::Step::kLost; });
}

Sender::Closing Sender::Close() {
  Closing closing;
  std::shared_ptr<Descriptor> socket;
  std::deque<Item> dropped;
  {
    std::lock_guard<std::mutex> guard(mutex_);
    closed_ = true;
    Position(&closing.last_started, &closing.in_flight);
    closing.completions.swap(completions_);
    frames_.clear();
    if (asking_.progress != nullptr) {
      // The helper ends: it is asked nothing more, and what it would tell concerns nobody.
      asking_.progress->stop.store(true, std::memory_order_relaxed);
      shutdown(asking_.channel, SHUT_RDWR);
    }
    taken_.notify_one();
    dropped.swap(queue_);
    queued_bytes_ = 0;
    wake_ = nullptr;
    socket.swap(socket_);
    changed_.notify_one();
  }
  return closing;
}
