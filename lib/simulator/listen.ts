import { readFileSync } from 'node:fs';
import { answerMachineQuestion } from '../dialects/simulated-machine';
import { UnsupportedError } from '../errors';
import { nativeTransport } from '../transport/native';
import { NETLINK_CONNECTOR, type TransportSocket } from '../transport/transport';
import type { Simulator } from './simulator';

/** Room for the requests of many clients at once. */
const RECEIVE_BUFFER_BYTES = 8 << 20;
/** Interfaces of drivers that listen on the connector: DRBD 8.0 to 8.3. */
const CONNECTOR_DRIVER = /\(api:8[678]\//u;

/** A simulator on this machine's connector bus. */
export interface Listening {
  /** Its netlink port: what `openDrbd({ simulator })` and `--simulator` take. */
  readonly port: number;
  counters(): ListeningCounters;
  /** Leaves the bus; the simulator itself goes on. Idempotent. */
  close(): void;
}

export interface ListenOptions {
  /** Where a genuine driver would be seen; /proc/drbd if absent. */
  readonly procDrbd?: string;
  /**
   * Whether the sender at a port has CAP_SYS_ADMIN; a request of one that has not is refused with 152. The bus does not
   * tell, so everybody has if absent.
   */
  readonly privileged?: (port: number) => boolean;
}

export interface ListeningCounters {
  readonly requests: number;
  readonly messages: number;
  /** Copies of its own messages that came back. */
  readonly echoes: number;
  readonly overruns: number;
}

/**
 * Puts a simulator on this machine's connector bus, at a port of its own.
 * Its messages go to the multicast group and to its own port, never to the kernel's: a genuine driver would carry them
 * out.
 * @throws UnsupportedError if this machine has a DRBD driver that listens on the connector; TransportError if there is
 *   no connector here
 */
export function listenSimulator(simulator: Simulator, options: ListenOptions = {}): Listening {
  const { procDrbd = '/proc/drbd', privileged = () => true } = options;
  let proc = '';
  try {
    proc = readFileSync(procDrbd, 'utf8');
  } catch {
    // No driver at all.
  }
  if (CONNECTOR_DRIVER.test(proc)) {
    throw new UnsupportedError(
      `the simulator does not start beside a genuine driver: ${procDrbd} says ${JSON.stringify(proc.split('\n')[0])}, which listens on the same bus; unload it, or use another machine or namespace`,
      { feature: 'a simulator on the bus', dialect: 'connector', requires: 'a machine without a DRBD 8.3 driver' },
    );
  }
  const counters = { requests: 0, messages: 0, echoes: 0, overruns: 0 };
  const transport = nativeTransport();
  let forger: TransportSocket | undefined;
  const handlers = { datagrams: () => undefined, overrun: () => undefined, closed: () => undefined };
  const socket = transport.open(
    { protocol: NETLINK_CONNECTOR, receiveBufferBytes: RECEIVE_BUFFER_BYTES },
    {
      datagrams: (batch) => {
        for (const { bytes, port, truncated } of batch) {
          if (port === socket.portId) {
            counters.echoes++;
            continue;
          }
          const answers = answerMachineQuestion(bytes, simulator.byteOrder, () => simulator.machine());
          if (answers !== undefined) {
            for (const answer of answers) socket.send(answer, { port }).done.catch(() => undefined);
            continue;
          }
          counters.requests++;
          if (!truncated) simulator.receive(bytes, { privileged: privileged(port) });
        }
      },
      overrun: () => {
        counters.overruns++;
      },
      closed: () => undefined,
    },
  );
  const end = simulator.onDatagram(({ bytes, foreign }) => {
    counters.messages++;
    if (foreign) forger ??= transport.open({ protocol: NETLINK_CONNECTOR }, handlers);
    const from = foreign && forger !== undefined ? forger : socket;
    from.send(bytes, { port: from.portId, groups: simulator.groups }).done.catch(() => undefined);
  });
  return {
    port: socket.portId,
    counters: () => ({ ...counters }),
    close: () => {
      end();
      forger?.close();
      socket.close();
    },
  };
}
