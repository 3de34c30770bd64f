/** What a session has seen. Nothing is dropped that is not counted here. */
export interface SessionCounters {
  requests: number;
  replies: number;
  /** Broadcasts that reached a subscription. */
  events: number;
  /** Messages that another sender than the kernel sent. */
  foreignSender: number;
  /** Messages that answer no request of ours: other clients' answers, other users of the bus. */
  unmatched: number;
  /** Answers to requests that were given up. */
  late: number;
  /** Datagrams that did not fit the receive buffer. */
  truncated: number;
  /** Datagrams or messages that do not decode. */
  malformed: number;
  /** Times that the kernel dropped messages because a buffer was full. */
  overruns: number;
  /** Events that were dropped because the consumer was too slow; each time a resync was told. */
  droppedEvents: number;
}

export function newCounters(): SessionCounters {
  return {
    requests: 0,
    replies: 0,
    events: 0,
    foreignSender: 0,
    unmatched: 0,
    late: 0,
    truncated: 0,
    malformed: 0,
    overruns: 0,
    droppedEvents: 0,
  };
}
