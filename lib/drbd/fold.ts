import {
  keyText,
  resourceText,
  type Delta,
  type Helper,
  type KeyOf,
  type ObjectName,
  type ResourceKey,
  type State,
  type Step,
  type Update,
} from '../model';

/** What one notification says of its object, for whatever dialect. */
export interface Notice {
  readonly action: Step['action'];
  readonly object: ObjectName;
  readonly key: KeyOf;
  /** What to do, that of the object itself first. None for a helper. */
  readonly updates: readonly Update[];
  /** Further notifications of the same change of the kernel follow. */
  readonly more: boolean;
  readonly helper?: Helper;
  /** It tells some of the object's properties only: the others are as an older notice told them, should that be late. */
  readonly isPart?: boolean;
  /** Connector: whether the minor exists without a configuration. */
  readonly unconfigured?: { readonly minor: number; readonly is: boolean };
}

/** A notification, applied. */
export interface Folded {
  readonly step: Step;
  /** What changed, in order; empty if nothing did. */
  readonly deltas: readonly Delta[];
  /** It came out of order, and the state may lack something: only reading it tells. */
  readonly isUnclear: boolean;
}

/** Notifications overtake each other by some hundreds at most: what is older is not remembered any longer. */
const REMEMBERED = 4096;

const hasChanged = ({ before, after, changed }: Delta): boolean =>
  (before === null) !== (after === null) || changed.length > 0;

function addChanged(deltas: Delta[], others: readonly Delta[], own: Delta): void {
  for (const delta of others) if (hasChanged(delta)) deltas.push(delta);
  if (hasChanged(own)) deltas.push(own);
}

/** @returns whether the driver counted `a` before `b`; the counts have 32 bits and go round */
const isOlder = (a: number, b: number): boolean => ((a - b) | 0) < 0;

/**
 * The state as notifications tell it. One that was overtaken by a newer one of the same object, or by the end of what
 * it belongs to, changes nothing.
 */
export class Fold {
  #state: State;
  /** The newest notification of each object. */
  readonly #told = new Map<string, number>();
  /** The one that ended an object, and all below it. */
  readonly #ended = new Map<string, number>();
  /** The one that took a name from a resource: what is older and has the name is about what has another now. */
  readonly #renamed = new Map<string, number>();
  /** The newest of any object below each name of a resource. */
  readonly #newest = new Map<string, number>();
  #most = REMEMBERED;

  constructor(state: State) {
    this.#state = state;
  }

  get state(): State {
    return this.#state;
  }

  /** For how many objects a sequence is kept, of those that are gone too. */
  get remembered(): number {
    return this.#told.size + this.#ended.size + this.#renamed.size + this.#newest.size;
  }

  /** Goes on from another state. What was told so far is older than it. */
  replace(state: State): void {
    this.#state = state;
    this.#told.clear();
    this.#ended.clear();
    this.#renamed.clear();
    this.#newest.clear();
  }

  /** @param sequence the driver's own count; null where it does not count this notification */
  take(sequence: number | null, notice: Notice): Folded {
    const { object, key, action, more, helper } = notice;
    const deltas: Delta[] = [];
    let own: Delta | undefined;
    const isUnclear = action !== 'helper' && this.#isUnclear(sequence, notice);
    if (action !== 'helper' && (sequence === null || this.#isNews(sequence, notice))) {
      const { unconfigured } = notice;
      if (unconfigured !== undefined) this.#noteMinor(unconfigured.minor, unconfigured.is);
      for (const update of notice.updates) {
        const applied = this.#state.apply(update);
        this.#state = applied.state;
        own ??= applied.own;
        addChanged(deltas, applied.others, applied.own);
      }
    }
    own ??= this.#unchanged(object, key);
    // By name: spreading it would look up what it has for each notification anew.
    const step = {
      action,
      object: own.object,
      key: own.key,
      before: own.before,
      after: own.after,
      changed: own.changed,
      sequence,
      more,
    };
    return { step: (helper === undefined ? step : { ...step, helper }) as unknown as Step, deltas, isUnclear };
  }

  /** Applies what was read of objects. @returns what changed */
  amend(updates: readonly Update[]): readonly Delta[] {
    const deltas: Delta[] = [];
    for (const update of updates) {
      const { state, own, others } = this.#state.apply(update);
      this.#state = state;
      addChanged(deltas, others, own);
    }
    return deltas;
  }

  #unchanged(object: ObjectName, key: KeyOf): Delta {
    const values = this.#state.get(object, key) ?? null;
    return { action: 'change', object, key, before: values, after: values, changed: [] } as unknown as Delta;
  }

  /**
   * Names are used again. What a rename overtook, or was overtaken by, may be about another object than its key says; an
   * end that was overtaken by a new beginning leaves open what had been below the old object.
   */
  #isUnclear(sequence: number | null, { action, object, key, updates }: Notice): boolean {
    const isOvertakenBy = (newer: number | undefined): boolean =>
      sequence !== null && newer !== undefined && isOlder(sequence, newer);
    const isTold = (name: ResourceKey): boolean => isOvertakenBy(this.#newest.get(resourceText(name)));
    if (action === 'rename') {
      const isKnown = (name: ResourceKey): boolean => this.#state.get('resource', name) !== undefined;
      return updates.some((update) => {
        if (update.action !== 'rename') return false;
        const to = { resource: update.name };
        return !isKnown(key) || isKnown(to) || isTold(key) || isTold(to);
      });
    }
    return (
      isOvertakenBy(this.#renamed.get(resourceText(key))) ||
      (action === 'destroy' && isOvertakenBy(this.#told.get(keyText(object, key))))
    );
  }

  #isNews(sequence: number, { action, object, key, isPart }: Notice): boolean {
    const text = keyText(object, key);
    const name = resourceText(key);
    const last = this.#newest.get(name);
    if (last === undefined || isOlder(last, sequence)) this.#newest.set(name, sequence);
    const newest = this.#told.get(text);
    if (newest !== undefined && isOlder(sequence, newest)) return false;
    for (const above of holders(object, key)) {
      const end = this.#ended.get(above);
      if (end !== undefined && isOlder(sequence, end)) return false;
    }
    if (isPart !== true) this.#told.set(text, sequence);
    if (action === 'destroy' || action === 'rename') this.#ended.set(text, sequence);
    if (action === 'rename') this.#renamed.set(name, sequence);
    this.#forget(sequence);
    return true;
  }

  /** Now and then, so that it costs each notification next to nothing. */
  #forget(newest: number): void {
    if (this.remembered <= this.#most) return;
    for (const map of [this.#told, this.#ended, this.#renamed, this.#newest])
      for (const [text, sequence] of map) if (isOlder(sequence, (newest - REMEMBERED) | 0)) map.delete(text);
    this.#most = 2 * this.remembered + REMEMBERED;
  }

  #noteMinor(minor: number, is: boolean): void {
    const minors = this.#state.unconfiguredMinors ?? [];
    if (minors.includes(minor) === is) return;
    const now = is ? [...minors, minor].sort((a, b) => a - b) : minors.filter((other) => other !== minor);
    this.#state = this.#state.withUnconfiguredMinors(Object.freeze(now));
  }
}

/** @returns the object itself and those that it belongs to */
function holders(object: ObjectName, key: KeyOf): readonly string[] {
  const own = keyText(object, key);
  switch (object) {
    case 'resource':
      return [own];
    case 'device':
    case 'connection':
      return [own, keyText('resource', key)];
    case 'path':
      return [own, keyText('connection', key), keyText('resource', key)];
    case 'peerDevice':
      return [own, keyText('connection', key), keyText('device', key), keyText('resource', key)];
  }
}
