import type { Notice } from '../../lib/drbd/fold';
import { unannounced, type FollowSource, type Question, type SourceItem } from '../../lib/drbd/follow';
import { isConfiguring } from '../../lib/drbd/sources';
import {
  keyText,
  propertyOf,
  State,
  type Delta,
  type DeviceKey,
  type Entry,
  type KeyOf,
  type ObjectName,
  type Patch,
  type PeerDeviceKey,
  type Update,
} from '../../lib/model';

const SOURCE = { dialect: 'genl2', driver: '9.2.18', api: 2, complete: true } as const;

/** A kernel that has states, says what changes, and may lose some of what it says. */
export class FakeKernel implements FollowSource {
  truth = State.empty(SOURCE);
  /** There is a module. */
  isLoaded = true;
  /** Requests that it got. */
  reads = 0;
  readonly asked: Question[] = [];
  /** What it answers to a question. */
  answers: (question: Question) => readonly Update[] = () => [];
  /** Runs in the midst of a read, after the state was taken. */
  duringRead: () => void | Promise<void> = () => undefined;
  failure: Error | undefined;
  listening = 0;
  sequence = 0;
  #items: SourceItem[] = [];
  #isOver = false;
  #wake: (() => void) | undefined;

  nothing(): State {
    return State.empty(SOURCE);
  }

  listen(): AsyncIterableIterator<SourceItem> {
    this.listening++;
    this.#isOver = false;
    this.#items = [];
    const next = async (): Promise<IteratorResult<SourceItem>> => {
      for (;;) {
        const item = this.#items.shift();
        if (item !== undefined) return { done: false, value: item };
        if (this.failure !== undefined) throw this.failure;
        if (this.#isOver) return { done: true, value: undefined };
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    };
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      next,
      return: () => {
        this.listening--;
        this.#isOver = true;
        this.#wake?.();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  async read(): Promise<State | undefined> {
    this.reads++;
    await new Promise(setImmediate);
    const read = this.isLoaded ? this.truth : undefined;
    await this.duringRead();
    await new Promise(setImmediate);
    return read;
  }

  questionOf(_delta: Delta): Question | undefined {
    return undefined;
  }

  ask(question: Question): Promise<(state: State) => readonly Update[]> {
    this.asked.push(question);
    return Promise.resolve((state) =>
      this.answers(question).filter(({ object, key }) => state.get(object, key) !== undefined),
    );
  }

  send(item: SourceItem): void {
    if (this.listening === 0) return;
    this.#items.push(item);
    this.#wake?.();
  }

  /** The stream cannot go on. */
  fail(error: Error): void {
    this.failure = error;
    this.#wake?.();
  }

  /** Changes its state without a word. */
  change(update: Update): void {
    this.truth = this.truth.apply(update).state;
  }

  /** Changes its state. @returns the notification */
  notice(update: Update, more = false): SourceItem {
    const existed = this.truth.get(update.object, update.key) !== undefined;
    this.change(update);
    const action: Delta['action'] =
      update.action === 'destroy' || update.action === 'rename' ? update.action : existed ? 'change' : 'create';
    const notice: Notice = { action, object: update.object, key: update.key, updates: [update], more };
    return { kind: 'notice', sequence: this.sequence++ | 0, notice };
  }

  /** Changes its state and says so: several updates are one batch. */
  tell(...updates: readonly Update[]): void {
    updates.forEach((update, at) => {
      this.send(this.notice(update, at < updates.length - 1));
    });
  }

  /** Changes its state, and drops what it says of it; the listeners learn that something is missing. */
  lose(...updates: readonly Update[]): void {
    for (const update of updates) this.notice(update);
    this.send({ kind: 'resync', reason: 'overrun' });
  }
}

/** The properties that a message carries: all but settings, and what follows from the others. */
function toldOf({ object, values }: Entry): Patch {
  const told = Object.entries(values).filter(([name]) => {
    const kind = propertyOf(object, name)?.kind;
    return kind !== 'setting' && kind !== 'derived';
  });
  return Object.fromEntries(told);
}

/**
 * A kernel that keeps to what a genuine one does: what does not exist is neither destroyed nor renamed, a name has one
 * resource, a minor one device, and each pair of device and connection one peer device. Each object has options, of which
 * no message tells, and a message tells all the rest of its object.
 */
export class GenuineKernel extends FakeKernel {
  #options = 0;
  #minors = 0;

  override questionOf(delta: Delta): Question | undefined {
    return isConfiguring(delta) ? 'everything' : undefined;
  }

  override async ask(): Promise<(state: State) => readonly Update[]> {
    const read = await this.read();
    return (state) =>
      read === undefined ? [] : unannounced(read).filter(({ object, key }) => state.get(object, key) !== undefined);
  }

  /** Changes its state as far as it can be changed so. @returns the notifications, one for each object */
  notices(wanted: Update): SourceItem[] {
    return this.#possible(wanted).map((update) => {
      const existed = this.truth.get(update.object, update.key) !== undefined;
      if (!existed && (update.object === 'device' || update.object === 'connection'))
        this.change({ ...update, patch: { options: { number: ++this.#options } } } as Update);
      const item = this.notice(update);
      if (item.kind !== 'notice' || update.action === 'destroy' || update.action === 'rename') return item;
      const values = this.truth.get(update.object, update.key);
      const patch = toldOf({ object: update.object, key: update.key, values } as Entry);
      const action = existed ? 'change' : 'create';
      const updates = [{ ...update, action: existed ? 'set' : 'create', patch } as Update];
      return { ...item, notice: { ...item.notice, action, updates } };
    });
  }

  override tell(...updates: readonly Update[]): void {
    const items = updates.flatMap((update) => this.notices(update));
    items.forEach((item, at) => {
      const isLast = at === items.length - 1;
      this.send(item.kind === 'notice' ? { ...item, notice: { ...item.notice, more: !isLast } } : item);
    });
  }

  override lose(...updates: readonly Update[]): void {
    for (const update of updates) this.notices(update);
    this.send({ kind: 'resync', reason: 'overrun' });
  }

  /** @returns what happens to each object, those that others need first */
  #possible(wanted: Update): readonly Update[] {
    const { truth } = this;
    const is = (update: Pick<Update, 'object' | 'key'>): boolean => truth.get(update.object, update.key) !== undefined;
    if (wanted.action === 'rename')
      return is(wanted) && !is({ object: 'resource', key: { resource: wanted.name } }) ? [wanted] : [];
    if (wanted.action === 'destroy') {
      if (!is(wanted)) return [];
      const { own, others } = truth.apply(wanted);
      return [...others, own].flatMap(({ action, object, key }) =>
        action === 'destroy' ? [{ action, object, key } as Update] : [],
      );
    }
    const { resource = '', volume, peerNodeId } = wanted.key as PeerDeviceKey;
    const needed: Update[] = [];
    const need = (object: ObjectName, key: KeyOf): void => {
      if (!is({ object, key })) needed.push({ action: 'set', object, key, patch: {} } as Update);
    };
    need('resource', { resource });
    const of = truth.snapshot.resources.find(({ name }) => name === resource);
    const volumes = new Set(of?.devices.map((device) => device.volume ?? 0));
    const peers = new Set(of?.connections.map((connection) => connection.peerNodeId ?? 0));
    if (wanted.object === 'peerDevice' || wanted.object === 'device') {
      if (!volumes.has(volume)) need('device', { resource, volume, minor: this.#minors++ } as DeviceKey);
      volumes.add(volume);
    }
    if (wanted.object === 'peerDevice' || wanted.object === 'connection') {
      need('connection', { resource, peerNodeId } as KeyOf);
      peers.add(peerNodeId ?? 0);
    }
    for (const peer of peers)
      for (const place of volumes) need('peerDevice', { resource, peerNodeId: peer, volume: place });
    const minor = truth.get('device', { resource, volume })?.minor;
    const own = { ...wanted, key: minor === undefined || minor === null ? wanted.key : { ...wanted.key, minor } };
    const made = needed.findIndex(({ object, key }) => keyText(object, key) === keyText(wanted.object, wanted.key));
    if (made < 0) return [...needed, wanted.object === 'device' ? (own as Update) : wanted];
    return needed.map((update, at) => (at === made ? ({ ...wanted, key: update.key } as Update) : update));
  }
}
