/*
 * The smallest loops that speak DRBD 8.3's messages over the connector bus: what scripts/bench compares the library
 * with, and whom both of them speak to.
 *
 *   bus respond [FILE]           prints its port, and answers until it is killed: packet 1000 by as many state
 *                                broadcasts as the question's minor says, others by the datagram of the same packet in
 *                                FILE, and get_state, if there is none, by a state. In FILE, the length of each
 * datagram (32 bits) stands before it bus ask PORT COUNT WINDOW    asks COUNT times, WINDOW at a time; prints
 * microseconds by wall and of processor, each bus count PORT COUNT BATCH   has COUNT broadcasts sent, BATCH at a time,
 * and receives them without looking into them; prints microseconds by wall and of processor, each
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
  SLOT = 4096,
  SLOTS = 64,
  CANNED = 16,
  GROUP = 4,
  GET_STATE = 17,
  BROADCAST = 1000,
  IDX = CN_IDX_DRBD,
  VALUE = CN_VAL_DRBD,
  STATE = 0x0006000a
};

struct question {
  struct nlmsghdr header;
  struct cn_msg message;
  int32_t packet, minor, flags;
} __attribute__((packed));

struct answer {
  struct nlmsghdr header;
  struct cn_msg message;
  int32_t packet, minor, code;
  /* state_i (33), 4 bytes, a number that must be understood. */
  uint16_t tag, length;
  uint32_t state;
  /* Ends the list. */
  uint16_t end;
} __attribute__((packed));

static void die(const char* what) {
  perror(what);
  exit(1);
}

static int opened(uint32_t groups, uint32_t* port) {
  const int number = socket(AF_NETLINK, SOCK_RAW, NETLINK_CONNECTOR);
  if (number < 0) die("socket");
  const int room = 4 << 20;
  setsockopt(number, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
  if (bind(number, (struct sockaddr*)&address, sizeof address) != 0) die("bind");
  socklen_t length = sizeof address;
  if (getsockname(number, (struct sockaddr*)&address, &length) != 0) die("getsockname");
  *port = address.nl_pid;
  return number;
}

static void send_to(int number, uint32_t port, uint32_t groups, const void* bytes, size_t length) {
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_pid = port, .nl_groups = groups};
  while (sendto(number, bytes, length, 0, (struct sockaddr*)&address, sizeof address) < 0)
    if (errno == ESRCH && groups != 0)
      return;
    else if (errno != EINTR && errno != ENOBUFS && errno != EAGAIN)
      die("sendto");
}

static double seconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

/* The type is that of the question: npm netlink takes those of the connector (NLMSG_DONE) for the end of a dump. */
static void make_state(struct answer* answer, const struct question* asked, uint32_t sequence, uint32_t ack,
                       int32_t code, uint32_t state) {
  *answer = (struct answer){
      .header = {.nlmsg_len = sizeof *answer,
                 .nlmsg_type = asked->header.nlmsg_type,
                 .nlmsg_seq = ack == 0 ? sequence : asked->header.nlmsg_seq},
      .message = {.id = {IDX, VALUE},
                  .seq = sequence,
                  .ack = ack,
                  .len = sizeof *answer - sizeof(struct nlmsghdr) - sizeof(struct cn_msg)},
      .packet = GET_STATE,
      .code = code,
      .tag = 33,
      .length = 4,
      .state = state,
  };
}

/* Datagrams as a driver sent them. */
static char canned[CANNED][SLOT];
static int canned_count;

static void read_canned(const char* path) {
  FILE* file = fopen(path, "rb");
  if (file == NULL) die(path);
  uint32_t length;
  while (canned_count < CANNED && fread(&length, sizeof length, 1, file) == 1) {
    if (length > SLOT || length < sizeof(struct question) || fread(canned[canned_count], length, 1, file) != 1)
      die(path);
    canned_count++;
  }
  fclose(file);
}

/* The answer of the same packet, as one to this question; null if there is none. */
static struct question* find_canned(const struct question* asked) {
  for (int index = 0; index < canned_count; index++) {
    struct question* answer = (struct question*)canned[index];
    if (answer->packet != asked->packet) continue;
    answer->header.nlmsg_seq = answer->message.seq = asked->message.seq;
    answer->message.ack = asked->message.ack + 1;
    answer->minor = asked->minor;
    return answer;
  }
  return NULL;
}

static void respond(void) {
  uint32_t port;
  const int number = opened(0, &port);
  printf("%u\n", port);
  fflush(stdout);
  for (;;) {
    char bytes[SLOT];
    struct sockaddr_nl from;
    socklen_t length = sizeof from;
    const ssize_t count = recvfrom(number, bytes, sizeof bytes, 0, (struct sockaddr*)&from, &length);
    if (count < (ssize_t)sizeof(struct question) || from.nl_pid == port) continue;
    struct question asked;
    memcpy(&asked, bytes, sizeof asked);
    struct answer answer;
    const struct question* found = find_canned(&asked);
    if (found != NULL) {
      send_to(number, from.nl_pid, 0, found, found->header.nlmsg_len);
      continue;
    }
    if (asked.packet == GET_STATE) {
      make_state(&answer, &asked, asked.message.seq, asked.message.ack + 1, 101, STATE);
      send_to(number, from.nl_pid, 0, &answer, sizeof answer);
      continue;
    }
    if (asked.packet != BROADCAST) continue;
    static uint32_t told = 1;
    for (int32_t left = asked.minor; left > 0; left--, told++) {
      /* The role changes each time. The copy to this port keeps it from a driver that may be there. */
      make_state(&answer, &asked, told, 0, 0, STATE ^ (told % 2 * 3));
      send_to(number, port, 1 << (GROUP - 1), &answer, sizeof answer);
    }
  }
}

static void report(double wall, double processor, long count) {
  printf("%.3f %.3f\n", (seconds(CLOCK_MONOTONIC) - wall) / count * 1e6,
         (seconds(CLOCK_PROCESS_CPUTIME_ID) - processor) / count * 1e6);
}

static void begin(struct question* question, uint32_t port, int32_t packet, int32_t minor) {
  *question = (struct question){
      .header = {.nlmsg_len = sizeof *question, .nlmsg_type = NLMSG_DONE, .nlmsg_pid = port},
      .message = {.id = {IDX, VALUE}, .len = 12},
      .packet = packet,
      .minor = minor,
  };
}

static void ask(uint32_t responder, long count, long window) {
  uint32_t port;
  const int number = opened(0, &port);
  struct question question;
  begin(&question, port, GET_STATE, 0);
  const double wall = seconds(CLOCK_MONOTONIC), processor = seconds(CLOCK_PROCESS_CPUTIME_ID);
  long sent = 0, received = 0;
  while (received < count) {
    while (sent < count && sent - received < window) {
      question.message.seq = question.header.nlmsg_seq = ++sent;
      send_to(number, responder, 0, &question, sizeof question);
    }
    char bytes[SLOT];
    if (recv(number, bytes, sizeof bytes, 0) >= (ssize_t)sizeof(struct answer)) received++;
  }
  report(wall, processor, count);
}

static void receive(uint32_t responder, long count, long batch) {
  uint32_t port;
  const int number = opened(1 << (GROUP - 1), &port);
  struct question question;
  begin(&question, port, BROADCAST, batch);
  static char bytes[SLOTS][SLOT];
  struct iovec parts[SLOTS];
  struct mmsghdr messages[SLOTS];
  memset(messages, 0, sizeof messages);
  for (int slot = 0; slot < SLOTS; slot++) {
    parts[slot] = (struct iovec){bytes[slot], SLOT};
    messages[slot].msg_hdr.msg_iov = &parts[slot];
    messages[slot].msg_hdr.msg_iovlen = 1;
  }
  const double wall = seconds(CLOCK_MONOTONIC), processor = seconds(CLOCK_PROCESS_CPUTIME_ID);
  for (long received = 0; received < count;) {
    send_to(number, responder, 0, &question, sizeof question);
    for (long left = batch; left > 0;) {
      const int got = recvmmsg(number, messages, SLOTS, MSG_WAITFORONE, NULL);
      if (got < 0 && errno != EINTR) die("recvmmsg");
      if (got > 0) left -= got, received += got;
    }
  }
  report(wall, processor, count);
}

int main(int argc, char** argv) {
  const char* mode = argc > 1 ? argv[1] : "";
  const long numbers[] = {argc > 2 ? atol(argv[2]) : 0, argc > 3 ? atol(argv[3]) : 1, argc > 4 ? atol(argv[4]) : 1};
  if (strcmp(mode, "respond") == 0) {
    if (argc > 2) read_canned(argv[2]);
    respond();
  }
  if (strcmp(mode, "ask") == 0) ask(numbers[0], numbers[1], numbers[2]);
  if (strcmp(mode, "count") == 0) receive(numbers[0], numbers[1], numbers[2]);
  return 0;
}
