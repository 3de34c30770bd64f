import type { ByteOrder } from '../netlink';
import type { SocketSetup } from '../session';
import { NETLINK_GENERIC } from '../transport/transport';

const RECEIVE_BUFFER_BYTES = 1 << 20;

/**
 * How requests and answers of generic netlink travel. Questions may stick as well as changes: a handler that never
 * returns holds the lock that all of generic netlink shares.
 */
export function genericSetup(peerPort: number, order: ByteOrder): SocketSetup {
  return {
    protocol: NETLINK_GENERIC,
    order,
    peerPort,
    groups: [],
    receiveBufferBytes: RECEIVE_BUFFER_BYTES,
    mayStick: true,
    sequenceOf: (message) => message.sequence,
  };
}
