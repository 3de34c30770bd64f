import type { Emission, KernelFaults } from './kernel';

/** What can go wrong with one datagram of the kernel's on its way to the listeners. */
export type MessageFault =
  /** Nobody gets it. */
  | { readonly kind: 'drop' }
  /** It comes later, in milliseconds of the simulator's clock. */
  | { readonly kind: 'delay'; readonly milliseconds: number }
  /** It comes twice. */
  | { readonly kind: 'duplicate' }
  /** It comes behind the next one of its kind, reply or broadcast. */
  | { readonly kind: 'reorder' }
  /** Only so many bytes of it arrive, though its header says otherwise. */
  | { readonly kind: 'truncate'; readonly bytes: number }
  /** Before it comes one that looks the same but says success, or what `change` makes of it, from another process. */
  | { readonly kind: 'forge'; readonly change?: (bytes: Uint8Array) => Uint8Array };

/** What can go wrong with a request inside the kernel. */
export type RequestFault = 'hang' | 'no-memory';

/** Which datagrams or requests a fault is for; all if absent. */
export interface FaultTarget {
  readonly kind?: Emission['kind'];
  /** Packet name: of the message for messages, of the request for requests. */
  readonly name?: string;
  readonly minor?: number;
}

/** How a datagram leaves the simulator. */
export interface Departure {
  readonly bytes: Uint8Array;
  /** It claims to be the kernel's but comes from another port. */
  readonly foreign: boolean;
}

interface Planned<F> {
  readonly fault: F;
  readonly target: FaultTarget;
  left: number;
}

/** Return code's place in a datagram: behind the headers, type and minor. */
const RETURN_CODE_AT = 44;
const NO_ERROR = 101;

/** Faults that a test asks for, each used up by the datagrams or requests that it is for. */
export class Faults {
  readonly #messages: Planned<MessageFault>[] = [];
  readonly #requests: Planned<RequestFault>[] = [];
  readonly #little: boolean;
  #held: { readonly departure: Departure; readonly emission: Emission }[] = [];
  #memory = 0;
  /** What was done so far, by kind. */
  readonly counters: Record<MessageFault['kind'] | RequestFault | 'refused-memory', number> = {
    drop: 0,
    delay: 0,
    duplicate: 0,
    reorder: 0,
    truncate: 0,
    forge: 0,
    hang: 0,
    'no-memory': 0,
    'refused-memory': 0,
  };

  constructor(little: boolean) {
    this.#little = little;
  }

  /** The next `count` datagrams of a kind go wrong like this. */
  message(fault: MessageFault, target: FaultTarget = {}, count = 1): void {
    this.#messages.push({ fault, target, left: count });
  }

  /** The next `count` requests hang in the kernel for ever, or are refused for lack of memory (122). */
  request(fault: RequestFault, target: FaultTarget = {}, count = 1): void {
    this.#requests.push({ fault, target, left: count });
  }

  /** The next `count` allocations inside a handler fail: 122, or 140 for a bitmap. */
  refuseMemory(count = 1): void {
    this.#memory += count;
  }

  /** Takes back what is still planned. */
  clear(): void {
    this.#messages.length = 0;
    this.#requests.length = 0;
    this.#memory = 0;
  }

  /** What the kernel asks. */
  readonly kernel: KernelFaults = {
    request: (name, minor) => {
      const fault = use(
        this.#requests,
        (target) =>
          (target.name === undefined || target.name === name) && (target.minor === undefined || target.minor === minor),
      );
      if (fault !== undefined) this.counters[fault]++;
      return fault;
    },
    outOfMemory: () => {
      if (this.#memory === 0) return false;
      this.#memory--;
      this.counters['refused-memory']++;
      return true;
    },
  };

  /** @param emit lets a datagram go; @param later runs something after a while */
  apply(
    bytes: Uint8Array,
    emission: Emission,
    emit: (departure: Departure, emission: Emission) => void,
    later: (milliseconds: number, run: () => void) => void,
  ): void {
    const fault = use(
      this.#messages,
      (target) =>
        (target.kind === undefined || target.kind === emission.kind) &&
        (target.name === undefined || target.name === emission.name) &&
        (target.minor === undefined || target.minor === emission.minor),
    );
    const whole: Departure = { bytes, foreign: false };
    const send = (departure: Departure): void => {
      emit(departure, emission);
    };
    if (fault !== undefined) this.counters[fault.kind]++;
    switch (fault?.kind) {
      case 'drop':
        return;
      case 'delay':
        later(fault.milliseconds, () => {
          send(whole);
        });
        return;
      case 'reorder':
        this.#held.push({ departure: whole, emission });
        return;
      case 'duplicate':
        send(whole);
        send(whole);
        break;
      case 'truncate':
        send({ bytes: bytes.subarray(0, Math.max(0, fault.bytes)), foreign: false });
        break;
      case 'forge':
        send({
          bytes: fault.change === undefined ? this.#asSuccess(bytes) : fault.change(bytes.slice()),
          foreign: true,
        });
        send(whole);
        break;
      case undefined:
        send(whole);
    }
    const held = this.#held.filter((other) => other.emission.kind === emission.kind);
    this.#held = this.#held.filter((other) => other.emission.kind !== emission.kind);
    for (const other of held) emit(other.departure, other.emission);
  }

  #asSuccess(bytes: Uint8Array): Uint8Array {
    const copy = bytes.slice();
    if (copy.length >= RETURN_CODE_AT + 4)
      new DataView(copy.buffer, copy.byteOffset).setInt32(RETURN_CODE_AT, NO_ERROR, this.#little);
    return copy;
  }
}

function use<F>(planned: Planned<F>[], applies: (target: FaultTarget) => boolean): F | undefined {
  const index = planned.findIndex(({ target }) => applies(target));
  const found = planned[index];
  if (found === undefined) return undefined;
  found.left--;
  if (found.left <= 0) planned.splice(index, 1);
  return found.fault;
}
