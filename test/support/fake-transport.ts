import type { Send, SocketHandlers, Transport, TransportSocket } from '../../lib/transport/transport';

/** A transport without a kernel: a test says what becomes of a send, and calls the sockets' handlers itself. */
export abstract class FakeTransport implements Transport {
  /** Of each socket, in the order in which they were opened. */
  readonly handlers: SocketHandlers[] = [];
  /** How many sockets were closed. */
  closed = 0;

  protected abstract send(bytes: Uint8Array): Send;

  /** @throws where a test has a group refused */
  protected join(_group: number): void {
    // Every group may be joined.
  }

  open(_options: object, handlers: SocketHandlers): TransportSocket {
    this.handlers.push(handlers);
    const onClose = (): void => {
      this.closed++;
    };
    let closed = false;
    return {
      portId: this.handlers.length,
      get closed() {
        return closed;
      },
      send: (bytes) => this.send(bytes),
      join: (group) => {
        this.join(group);
      },
      leave: () => undefined,
      ref: () => undefined,
      unref: () => undefined,
      close: () => {
        if (!closed) onClose();
        closed = true;
      },
      counters: () => ({
        receivedDatagrams: 0,
        receivedBytes: 0,
        sentDatagrams: 0,
        sentBytes: 0,
        sendErrors: 0,
        overruns: 0,
        truncated: 0,
      }),
    };
  }
}
