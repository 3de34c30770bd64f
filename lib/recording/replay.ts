import { MismatchError, TransportError } from '../errors';
import { returnCodes } from '../dialects/connector';
import { parseProcDrbd, type ProcDrbd } from '../dialects/proc-drbd';
import type { BlockDevice } from '../transport/block-device';
import { closedBeforeSent, StandInSend, StandInSocket } from '../transport/stand-in-socket';
import type { Datagram, HostFiles, Send, SocketHandlers, SocketOptions, Transport } from '../transport/transport';
import type { RecordedBlockDevice, RecordedOverrun, RecordedReceive, RecordedSend, Recording } from './format';
import {
  connectorStateAnswer,
  familyAnswer,
  genericStateAnswers,
  noFamilyAnswer,
  stateFromOutcome,
  stateFromProc,
  type KnownState,
} from './stand-in';
import {
  describeDifference,
  isAnswer,
  maskRequest,
  messageName,
  nameRequest,
  readdress,
  readMessages,
  requestKind,
  type ConnectorPlace,
  type GenericPlace,
  type WireMessage,
} from './wire';

/** A recorded request that was not sent. */
export interface UnusedRequest {
  readonly line: number;
  /** `disk_conf of minor 0` */
  readonly request: string;
}

/** A transport that answers from a recording. */
export interface ReplayTransport extends Transport {
  /** What the recording tells of its host: nothing is read of this machine. */
  readonly host: HostFiles & Required<Pick<HostFiles, 'blockDevice' | 'driver'>>;
  readonly recording: Recording;
  /** The first request that the recording did not hold; its sender has it as a rejection. */
  readonly mismatch: MismatchError | undefined;
  /** Names of the requests that the recording did not hold, such as `get_resources`, each once. */
  missing(): readonly string[];
  /** When what was handed out last had crossed, in milliseconds since the recording began; undefined where it does not say. */
  readonly atMs: number | undefined;
  /**
   * Recorded requests that were not sent so far, in order; GETFAMILY is not among them, nor is a question that a
   * careful tool may leave out.
   */
  unused(): readonly UnusedRequest[];
}

/** Datagrams handed out in one turn of the event loop, so that a consumer keeps up. */
const CHUNK = 64;
/** A client that has sent nothing for so many turns of the event loop has taken in what it was told. */
const QUIET_TURNS = 16;
const DEFAULT_PATIENCE_MS = 2000;
const ENOENT = 2;
const FIRST_PORT = 1000;

export interface ReplayOptions {
  /**
   * How long a client may think between its requests, in milliseconds, 2000 if absent. A client that leaves out what
   * was recorded would wait for ever for the broadcasts behind the answers to that; so after this time without a
   * request they are handed out.
   */
  readonly patienceMs?: number;
  /**
   * Hands out what answers nothing one by one, each once the client has nothing more to do, so that
   * {@link ReplayTransport.atMs} is that of what it caused. What it asks more often than the recorded one, whose
   * questions may have been about several changes at once, is answered as before.
   */
  readonly oneByOne?: boolean;
}

/**
 * Answers from a recording. Requests are matched to recorded ones whatever their numbers and secrets; what answers them
 * follows, everything else in its place.
 * @param recording of {@link parseRecording}
 */
export function replayTransport(recording: Recording, options: ReplayOptions = {}): ReplayTransport {
  const replay = new Replay(recording, options.patienceMs ?? DEFAULT_PATIENCE_MS, options.oneByOne === true);
  return {
    host: replay.host,
    recording,
    open: (options, handlers) => replay.open(options, handlers),
    get mismatch() {
      return replay.mismatch;
    },
    get atMs() {
      return replay.atMs;
    },
    missing: () => [...replay.missing],
    unused: () => replay.unused(),
  };
}

interface ReplayRequest {
  readonly recorded: RecordedSend;
  /** Place among the recording's entries. */
  readonly place: number;
  readonly message: WireMessage | undefined;
  /** Places of its answers among the events. */
  readonly answers: number[];
  /** What was sent in its stead. */
  sent: { readonly socket: ReplaySocket; readonly bytes: Uint8Array } | undefined;
}

interface ReplayEvent {
  readonly recorded: RecordedReceive | RecordedOverrun;
  /** The request that it answers. */
  readonly answers: ReplayRequest | undefined;
  /** Its turn has come. */
  ready: boolean;
  delivered: boolean;
}

/** Requests of DRBD 9 that a client looks at before it sends them, and what it asks then. */
const GENL2_GUARDS: Readonly<Record<string, readonly string[]>> = {
  invalidate: ['get_devices', 'get_connections'],
  del_path: ['get_connections'],
};

class Replay {
  readonly host: HostFiles & Required<Pick<HostFiles, 'blockDevice' | 'driver'>>;
  mismatch: MismatchError | undefined;
  readonly missing = new Set<string>();
  atMs: number | undefined;
  #mismatches = 0;
  readonly #recording: Recording;
  readonly #patienceMs: number;
  readonly #oneByOne: boolean;
  /** Turns of the event loop in which nothing crossed. */
  #quiet = 0;
  readonly #connector: boolean;
  readonly #requests: readonly ReplayRequest[];
  /** Those that were not sent so far, by their masked bytes, in order. */
  readonly #unsent = new Map<string, ReplayRequest[]>();
  /** The controller's answers to GETFAMILY, in order. */
  readonly #families: { readonly request: Uint8Array; readonly answer: Uint8Array }[] = [];
  #familiesAsked = 0;
  readonly #events: readonly ReplayEvent[];
  /** Places of events whose turn has come, and that are not delivered. */
  #ready: number[] = [];
  /** Events that are not delivered: those that answer nothing, and answers. */
  readonly #left = { others: 0, answers: 0 };
  readonly #texts: readonly { readonly place: number; readonly text: string }[];
  readonly #devices: ReadonlyMap<string, RecordedBlockDevice | null>;
  readonly #sockets = new Set<ReplaySocket>();
  /** Sends that are still to be matched, of all sockets, in order. */
  #queue: ReplaySend[] = [];
  /** Answers that the recording does not hold. */
  #standIns: { readonly socket: ReplaySocket; readonly bytes: Uint8Array }[] = [];
  #nextPort = FIRST_PORT;
  #scheduled = false;
  /** The client was given time, and asks no more: nothing waits for what it did not ask. */
  #patient = true;
  #patience: ReturnType<typeof setTimeout> | undefined;
  /** Place of the last change that went through: what /proc/drbd said before is no longer true. */
  #changedSince = -1;
  #overran = false;

  constructor(recording: Recording, patienceMs: number, oneByOne: boolean) {
    this.#recording = recording;
    this.#patienceMs = patienceMs;
    this.#oneByOne = oneByOne;
    const { header, entries } = recording;
    this.#connector = header.dialect === 'connector';
    const requests: ReplayRequest[] = [];
    const byNumbers = new Map<string, ReplayRequest[]>();
    const received: (RecordedReceive | RecordedOverrun)[] = [];
    const answers = new Map<RecordedReceive | RecordedOverrun, ReplayRequest>();
    const texts = header.procDrbd === undefined ? [] : [{ place: -1, text: header.procDrbd }];
    const devices = new Map(header.blockDevices);
    entries.forEach((entry, place) => {
      switch (entry.kind) {
        case 'tx': {
          const request: ReplayRequest = {
            recorded: entry,
            place,
            message: this.#first(entry.bytes),
            answers: [],
            sent: undefined,
          };
          // The controller answers whoever asks, whenever.
          if (request.message?.kind !== 'getfamily') {
            requests.push(request);
            append(this.#unsent, this.#maskedText(entry.bytes), request);
          }
          append(byNumbers, this.#numbers(request.message, entry.socket, 1), request);
          break;
        }
        case 'rx': {
          const message = this.#first(entry.bytes);
          // Answers of the connector are multicast, and reach every socket; those of generic netlink never are.
          const mayAnswer = entry.port === 0 && (this.#connector || entry.group === 0);
          const request = mayAnswer
            ? byNumbers
                .get(this.#numbers(message, entry.socket, 0))
                ?.findLast((candidate) => isAnswer(message, candidate.message))
            : undefined;
          if (request?.message?.kind === 'getfamily') {
            this.#families.push({ request: request.recorded.bytes, answer: entry.bytes });
            break;
          }
          if (request !== undefined) answers.set(entry, request);
          received.push(entry);
          break;
        }
        case 'overrun':
          received.push(entry);
          break;
        case 'host':
          if (entry.procDrbd !== undefined) texts.push({ place, text: entry.procDrbd });
          for (const [path, device] of entry.blockDevices ?? []) devices.set(path, device);
          break;
      }
    });
    this.#requests = requests;
    this.#events = withoutCopies(received).map((entry) => ({
      recorded: entry,
      answers: answers.get(entry),
      ready: false,
      delivered: false,
    }));
    this.#events.forEach(({ answers: request }, place) => {
      request?.answers.push(place);
      this.#left[request === undefined ? 'others' : 'answers']++;
    });
    this.#becomeReady(this.#isOther(0) ? 0 : undefined);
    this.#texts = texts;
    this.#devices = devices;
    const index = requests.find(({ message }) => message?.kind === 'connector')?.message;
    this.host = {
      procDrbd: () => this.#procDrbd()?.text ?? { error: this.#texts.length === 0 ? 'ENOENT' : 'ESTALE' },
      connectorIndex: () => (index?.kind === 'connector' ? index.idx : undefined),
      blockDevice: (path) => this.#blockDevice(path),
      driver: {
        dialect: header.dialect,
        byteOrder: header.byteOrder,
        version: header.driver.version,
        api: header.driver.api,
      },
    };
  }

  open(options: SocketOptions, handlers: SocketHandlers): ReplaySocket {
    const socket = new ReplaySocket(this, options, handlers, this.#nextPort++);
    this.#sockets.add(socket);
    this.wake();
    return socket;
  }

  forget(socket: ReplaySocket): void {
    this.#sockets.delete(socket);
    this.#queue = this.#queue.filter((send) => send.socket !== socket);
    if (this.#sockets.size > 0) return;
    clearTimeout(this.#patience);
    this.#patience = undefined;
  }

  enqueue(send: ReplaySend): void {
    this.#queue.push(send);
    this.wake();
  }

  withdraw(send: ReplaySend): boolean {
    const place = this.#queue.indexOf(send);
    if (place !== -1) this.#queue.splice(place, 1);
    return place !== -1;
  }

  /** Goes on in a turn of the event loop of its own, as a wake-up of the kernel's would. */
  wake(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#pump();
    });
  }

  unused(): readonly UnusedRequest[] {
    return this.#requests.flatMap(({ recorded, sent }) =>
      sent !== undefined
        ? []
        : [{ line: recorded.line, request: nameRequest(recorded.bytes, this.#order, this.#connector) }],
    );
  }

  get #order(): Recording['header']['byteOrder'] {
    return this.#recording.header.byteOrder;
  }

  #first(bytes: Uint8Array): WireMessage | undefined {
    return readMessages(bytes, this.#recording.header.byteOrder, this.#connector)[0];
  }

  #maskedText(bytes: Uint8Array): string {
    return Buffer.from(maskRequest(bytes, this.#recording.header.byteOrder, this.#connector)).toString('latin1');
  }

  /** What a request and its answers have in common. @param more what an answer's cn.ack is more than the request's */
  #numbers(message: WireMessage | undefined, socket: number, more: number): string {
    if (message === undefined) return '';
    return message.kind === 'connector'
      ? `${message.cnSequence} ${(message.ack + more) >>> 0}`
      : `${message.sequence} at ${socket}`;
  }

  #pump(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
    const mismatches = this.#mismatches;
    if (this.#queue.length > 0) this.#quiet = 0;
    for (const send of this.#queue.splice(0)) this.#match(send);
    for (const { socket, bytes } of this.#standIns.splice(0))
      socket.deliver({ bytes, port: 0, groups: 0, group: 0, truncated: false });
    // Whoever was refused must hear of that before of the silence.
    if (this.#deliver() || this.#mismatches !== mismatches) this.wake();
    else this.#tellExhausted();
  }

  #match(send: ReplaySend): void {
    const { bytes, socket } = send;
    const request = this.#unsent.get(this.#maskedText(bytes))?.shift();
    if (request !== undefined) {
      request.sent = { socket, bytes };
      for (const place of request.answers) this.#becomeReady(place);
      if (request.message !== undefined && requestKind(request.message) === 'change')
        this.#changedSince = Math.max(this.#changedSince, request.place);
      send.returned();
      return;
    }
    const standIn = (this.#oneByOne ? this.#answersAgain(send) : undefined) ?? this.#standIn(send);
    if (standIn !== undefined) {
      for (const answer of standIn) this.#standIns.push({ socket, bytes: answer });
      send.returned();
      return;
    }
    const error = this.#describeMismatch(bytes);
    this.mismatch ??= error;
    this.#mismatches++;
    this.missing.add(error.request.replace(/ of minor .*/u, ''));
    send.failed(error);
  }

  /** @returns the answers to the same question when it was asked last */
  #answersAgain({ bytes, socket }: ReplaySend): readonly Uint8Array[] | undefined {
    const text = this.#maskedText(bytes);
    const before = this.#requests.findLast(
      ({ sent, recorded, message }) =>
        sent !== undefined &&
        message !== undefined &&
        requestKind(message) !== 'change' &&
        this.#maskedText(recorded.bytes) === text,
    );
    return before?.answers.flatMap((place) => {
      const recorded = this.#events[place]?.recorded;
      return recorded?.kind === 'rx'
        ? [readdress(recorded.bytes, before.recorded.bytes, bytes, socket.portId, this.#order, this.#connector)]
        : [];
    });
  }

  /** @returns answers to what a client asks beside the recorded requests; undefined if it may not */
  #standIn({ bytes, socket }: ReplaySend): readonly Uint8Array[] | undefined {
    const message = this.#first(bytes);
    if (message?.kind === 'getfamily') return [this.#familyAnswer(message, bytes, socket.portId)];
    if (message?.kind === 'connector' && messageName(message) === 'get_state') {
      return this.#mayAsk(message)
        ? [connectorStateAnswer(message, this.#stateOf(message.minor), this.#order)]
        : undefined;
    }
    if (
      message?.kind === 'generic' &&
      message.version === 1 &&
      messageName(message) === 'get_status' &&
      this.#mayAsk(message)
    ) {
      const minors = new Set(this.#proc()?.devices.map(({ minor }) => minor) ?? []);
      for (const { message: other } of this.#requests)
        if (other?.kind === 'generic' && other.minor !== undefined) minors.add(other.minor);
      if (message.minor !== undefined) minors.add(message.minor);
      return genericStateAnswers(
        message,
        new Map(Array.from(minors, (minor) => [minor, this.#stateOf(minor)])),
        socket.portId,
        this.#order,
      );
    }
    if (message?.kind === 'generic' && message.version === 2 && this.#isGuardOfGenl2(message))
      return genericStateAnswers(message, new Map(), socket.portId, this.#order);
    return undefined;
  }

  /** Whether this is what a careful client asks of DRBD 9 before the recorded request that is next; nothing is known. */
  #isGuardOfGenl2(message: WireMessage): boolean {
    const guarded = this.#guarded(undefined)?.message;
    const questions = guarded === undefined ? undefined : GENL2_GUARDS[messageName(guarded)];
    return questions?.includes(messageName(message)) === true;
  }

  /** The controller's answers as they were recorded, the last of them again and again; or what the header knows. */
  #familyAnswer(asked: WireMessage, sent: Uint8Array, port: number): Uint8Array {
    const { header } = this.#recording;
    const recorded = this.#families[Math.min(this.#familiesAsked++, this.#families.length - 1)];
    if (recorded !== undefined)
      return readdress(recorded.answer, recorded.request, sent, port, this.#order, this.#connector);
    if (header.dialect === 'connector') return noFamilyAnswer(sent, asked, port, this.#order);
    const first = this.#requests.find(({ message }) => message?.kind === 'generic')?.message;
    const notification = this.#events.find(({ recorded: event }) => event.kind === 'rx' && event.group !== 0)?.recorded;
    return familyAnswer(
      {
        dialect: header.dialect,
        version: header.driver.version,
        id: first?.type,
        group: notification?.kind === 'rx' ? notification.group : undefined,
      },
      asked,
      port,
      this.#order,
    );
  }

  /**
   * Whether a state may be asked for that was not asked for in the recording: before a change of that minor, after a
   * loss, or where the recorded client, which followed what came, asked for all but that.
   */
  #mayAsk({ kind, minor }: ConnectorPlace | GenericPlace): boolean {
    return (
      this.#overran ||
      this.#guarded(minor) !== undefined ||
      (kind === 'connector' && this.#left.others > 0 && this.#proc() !== undefined && this.#isStateMissing(minor))
    );
  }

  /** Whether the recording holds questions about a minor of 8.3, but none for its state. */
  #isStateMissing(minor: number): boolean {
    const names = this.#requests.flatMap(({ message }) =>
      message?.kind === 'connector' && message.minor === minor ? [messageName(message)] : [],
    );
    return names.length > 0 && !names.includes('get_state');
  }

  /** The next change of a minor that the recording holds; of any, without one. */
  #guarded(minor: number | undefined): ReplayRequest | undefined {
    return this.#requests.find(
      ({ sent, message }) =>
        sent === undefined &&
        (message?.kind === 'connector' || message?.kind === 'generic') &&
        requestKind(message) === 'change' &&
        (minor === undefined || message.minor === minor),
    );
  }

  #stateOf(minor: number): KnownState {
    const proc = this.#proc();
    if (proc !== undefined) return stateFromProc(proc.devices.find((device) => device.minor === minor));
    const request = this.#guarded(minor);
    const answer = this.#firstAnswer(request);
    if (answer?.kind !== 'rx') return stateFromOutcome('silent');
    const message = this.#first(answer.bytes);
    const code = message?.kind === 'connector' || message?.kind === 'generic' ? message.drbdFlags : undefined;
    return stateFromOutcome(code === returnCodes.ERR_MINOR_INVALID ? 'minor unknown' : 'answered');
  }

  /**
   * /proc/drbd as it was read between the last request that was sent and the next one, or before, if no change has gone
   * through since.
   */
  #procDrbd(): { readonly place: number; readonly text: string } | undefined {
    const last = this.#requests.findLast(({ sent }) => sent !== undefined)?.place ?? -1;
    const next = this.#requests.find(({ place }) => place > last)?.place ?? Infinity;
    const text = this.#texts.findLast(({ place }) => place < next);
    return text !== undefined && text.place >= this.#changedSince ? text : undefined;
  }

  #proc(): ProcDrbd | undefined {
    const found = this.#procDrbd();
    if (found === undefined) return undefined;
    try {
      return parseProcDrbd(found.text);
    } catch {
      // Not what a driver writes: it tells no states.
      return undefined;
    }
  }

  #blockDevice(path: string): BlockDevice | undefined {
    const device = this.#devices.get(path);
    if (device === null) return undefined;
    if (device === undefined)
      throw new TransportError(`reading ${path}: the recording tells of nothing there: ENOENT`, {
        syscall: 'stat',
        errno: ENOENT,
      });
    return { path, ...device };
  }

  /** @returns whether anything was delivered, so that more may follow */
  #deliver(): boolean {
    const ready = this.#ready.sort((left, right) => left - right);
    this.#ready = [];
    let count = 0;
    let isHeld = false;
    for (let index = 0; index < ready.length; index++) {
      const place = ready[index] ?? 0;
      const event = this.#events[place];
      if (event === undefined) continue;
      // An answer whose asker has gone is lost, as it would have been; all else waits for somebody to listen.
      if (count === CHUNK || (event.answers === undefined && this.#receivers(event).length === 0)) {
        this.#ready.push(place);
        continue;
      }
      if (this.#oneByOne && event.answers === undefined && this.#quiet < QUIET_TURNS) {
        isHeld = true;
        this.#ready.push(place);
        continue;
      }
      count++;
      this.#quiet = 0;
      this.#handOut(event);
      const next = this.#after(place);
      const following = next === undefined ? undefined : this.#events[next];
      if (next === undefined || following === undefined || following.ready) continue;
      following.ready = true;
      ready.splice(index + 1, 0, next);
    }
    if (count === 0) this.#quiet++;
    return count > 0 || isHeld;
  }

  #becomeReady(place: number | undefined): void {
    const event = place === undefined ? undefined : this.#events[place];
    if (place === undefined || event === undefined || event.ready) return;
    event.ready = true;
    this.#ready.push(place);
  }

  #isOther(place: number): boolean {
    const event = this.#events[place];
    return event !== undefined && event.answers === undefined;
  }

  /**
   * What answers nothing keeps its place behind the one before it; once patience is over, behind what answers nothing
   * too.
   */
  #after(place: number): number | undefined {
    if (this.#isOther(place + 1)) return place + 1;
    return this.#patient ? undefined : this.#nextOther();
  }

  #nextOther(): number | undefined {
    const place = this.#events.findIndex(({ answers, delivered }) => answers === undefined && !delivered);
    return place === -1 ? undefined : place;
  }

  #firstAnswer(request: ReplayRequest | undefined): RecordedReceive | RecordedOverrun | undefined {
    const [place] = request?.answers ?? [];
    return place === undefined ? undefined : this.#events[place]?.recorded;
  }

  #handOut(event: ReplayEvent): void {
    const { recorded, answers } = event;
    const receivers = this.#receivers(event);
    event.delivered = true;
    this.atMs = recorded.atMs ?? this.atMs;
    this.#left[answers === undefined ? 'others' : 'answers']--;
    if (recorded.kind === 'overrun') this.#overran = true;
    for (const socket of receivers) {
      if (recorded.kind === 'overrun') {
        socket.overrun();
        continue;
      }
      const { port, groups, group, truncated } = recorded;
      const bytes =
        answers?.sent === undefined
          ? recorded.bytes.slice()
          : readdress(
              recorded.bytes,
              answers.recorded.bytes,
              answers.sent.bytes,
              answers.sent.socket.portId,
              this.#order,
              this.#connector,
            );
      socket.deliver({ bytes, port, groups, group, truncated });
    }
  }

  /** The sockets that the kernel would reach: whoever asked, and of a multicast every member of a group. */
  #receivers({ recorded, answers }: ReplayEvent): readonly ReplaySocket[] {
    const members = [...this.#sockets].filter((socket) => socket.isMember);
    if (answers !== undefined) {
      const asker = answers.sent?.socket;
      const multicast = recorded.kind === 'rx' && recorded.group !== 0;
      return [...new Set([...(asker === undefined || asker.closed ? [] : [asker]), ...(multicast ? members : [])])];
    }
    if (recorded.kind === 'rx' && recorded.group !== 0) return members;
    const bound = this.#requests.findLast(
      ({ recorded: { socket }, sent }) => socket === recorded.socket && sent !== undefined && !sent.socket.closed,
    )?.sent?.socket;
    if (recorded.kind === 'overrun') {
      // The buffer of one socket was full. Of those that are open, each that does what that one did is told.
      const asked = this.#requests.some(({ recorded: { socket } }) => socket === recorded.socket);
      const alike = asked ? members : members.filter((socket) => !socket.asks);
      return alike.length > 0 ? alike : bound === undefined ? members : [bound];
    }
    // It went to one socket: what sends its requests today stands for it.
    if (bound !== undefined) return [bound];
    return members.length > 0 ? members : [...this.#sockets];
  }

  #tellExhausted(): void {
    const over = this.#left.others === 0 && (this.#left.answers === 0 || !this.#patient);
    for (const socket of [...this.#sockets]) socket.exhausted(over);
    if (over || this.#scheduled || this.#queue.length > 0 || !this.#patient || this.#sockets.size === 0) return;
    this.#patience = setTimeout(() => {
      this.#patient = false;
      this.#becomeReady(this.#nextOther());
      this.wake();
    }, this.#patienceMs);
    this.#patience.unref();
  }

  #describeMismatch(bytes: Uint8Array): MismatchError {
    const request = nameRequest(bytes, this.#order, this.#connector);
    const unused = this.#requests.filter(({ sent }) => sent === undefined);
    // The one that comes next, or the next of the same name: that one says most.
    const closest =
      unused.find(({ recorded }) => nameRequest(recorded.bytes, this.#order, this.#connector) === request) ?? unused[0];
    if (closest === undefined) {
      return new MismatchError(
        `the recording holds no further request, but ${request} was sent; record again, or ask what was recorded`,
        { request, line: undefined, difference: [] },
      );
    }
    const { line, bytes: recorded } = closest.recorded;
    const difference = describeDifference(bytes, recorded, this.#order, this.#connector);
    return new MismatchError(
      `${request} was sent, but the recording does not hold it; its line ${line} holds ${nameRequest(recorded, this.#order, this.#connector)}:${difference.map((part) => `\n  ${part}`).join('')}`,
      { request, line, difference },
    );
  }
}

function append<T>(map: Map<string, T[]>, key: string, value: T): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [value]);
  else known.push(value);
}

/** A multicast reaches every socket of its group, and was recorded for each: one of them is enough. */
function withoutCopies(
  received: readonly (RecordedReceive | RecordedOverrun)[],
): readonly (RecordedReceive | RecordedOverrun)[] {
  const most = new Map<string, number>();
  const perSocket = new Map<string, number>();
  return received.filter((entry) => {
    if (entry.kind === 'overrun' || entry.group === 0) return true;
    const content = Buffer.from(entry.bytes).toString('latin1');
    const own = `${entry.socket} ${content}`;
    const times = (perSocket.get(own) ?? 0) + 1;
    perSocket.set(own, times);
    if (times <= (most.get(content) ?? 0)) return false;
    most.set(content, times);
    return true;
  });
}

class ReplaySend extends StandInSend {
  readonly socket: ReplaySocket;
  readonly #replay: Replay;

  constructor(replay: Replay, socket: ReplaySocket, bytes: Uint8Array) {
    super(bytes);
    this.#replay = replay;
    this.socket = socket;
  }

  cancel(): boolean {
    const withdrawn = this.state === 'no' && this.#replay.withdraw(this);
    if (withdrawn) this.socket.withdrawn(this);
    return withdrawn;
  }

  returned(): void {
    this.state = 'returned';
    this.socket.sent(this);
    this.resolve();
  }

  failed(error: Error): void {
    this.socket.sent(this);
    this.reject(error);
  }
}

class ReplaySocket extends StandInSocket {
  readonly #replay: Replay;
  readonly #unsent = new Set<ReplaySend>();
  #told = false;

  constructor(replay: Replay, options: SocketOptions, handlers: SocketHandlers, portId: number) {
    super(options, handlers, portId);
    this.#replay = replay;
  }

  get isMember(): boolean {
    return this.groups.size > 0;
  }

  /** Whether it ever sent anything; one that did not is there to listen. */
  get asks(): boolean {
    return this.counts.sentDatagrams > 0;
  }

  send(bytes: Uint8Array, _to?: { readonly port?: number; readonly groups?: number }): Send {
    this.requireOpen('sending a datagram');
    const send = new ReplaySend(this.#replay, this, bytes);
    // Whoever asks again is told again that nothing follows.
    this.#told = false;
    this.#unsent.add(send);
    this.#replay.enqueue(send);
    return send;
  }

  override join(group: number): void {
    super.join(group);
    this.#replay.wake();
  }

  protected ended(): void {
    this.#replay.forget(this);
    for (const send of this.#unsent) send.failed(closedBeforeSent('no'));
  }

  /** A send was taken back: it does not settle, and holds nothing up. */
  withdrawn(send: ReplaySend): void {
    this.#unsent.delete(send);
    this.#replay.wake();
  }

  /** A send was matched, or was refused. */
  sent(send: ReplaySend): void {
    if (!this.#unsent.delete(send)) return;
    if (send.state === 'returned') this.countSent(send.bytes);
    else this.counts.sendErrors++;
  }

  deliver(datagram: Datagram): void {
    if (!this.closed) this.hand([datagram]);
  }

  overrun(): void {
    if (!this.closed) this.tellOverrun();
  }

  /** @param everything nothing follows at all */
  exhausted(everything: boolean): void {
    // What is still to be sent may bring more.
    if (this.closed || this.#unsent.size > 0 || (everything && this.#told)) return;
    this.#told = everything;
    this.handlers.exhausted?.(everything ? 'everything' : 'answers');
  }
}
