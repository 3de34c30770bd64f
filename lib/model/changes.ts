import type { KeyOf } from './keys';
import type { ObjectName, Patch, PropertyPath, Values } from './objects';
import type { Snapshot } from './snapshot';
import type { Applied, Delta, DeltaOf, State, Update } from './state';

/** Why a stream had to read everything anew. */
export const resyncCauses = ['overrun', 'gap', 'queue', 'truncated', 'malformed', 'module'] as const;

/** The kernel's call of its helper program, or the program's answer. */
export interface Helper {
  /** First argument of the program, such as `before-resync-target`. */
  readonly name: string;
  readonly phase: 'call' | 'response';
  /** What the program returned, as a wait status; null for a call. */
  readonly status: number | null;
}

/**
 * One notification, applied: what it says of its object and what that changed. `changed` may be empty, and is for a
 * helper's call and answer.
 */
export type Step = { [K in ObjectName]: StepOf<K> }[ObjectName];
export interface StepOf<K extends ObjectName> extends Omit<DeltaOf<K>, 'action'> {
  /** The driver's own count of notifications; null for what was read. */
  readonly sequence: number | null;
  readonly action: 'exists' | DeltaOf<K>['action'] | 'helper';
  /** Further notifications of the same change of the kernel follow. */
  readonly more: boolean;
  readonly helper?: Helper;
}

interface Seen {
  /** Further changes of the same step of the kernel follow; the state is one in between. */
  readonly more: boolean;
  /** The whole state after it, immutable. Built when first looked at; JSON and spreading leave it out. */
  readonly snapshot: Snapshot;
}

/** A change of one object. */
export type ObjectChange = { [K in ObjectName]: ObjectChangeOf<K> }[ObjectName];
export interface ObjectChangeOf<K extends ObjectName> extends Seen {
  /** `exists`: was there when the stream began. */
  readonly kind: 'exists' | DeltaOf<K>['action'];
  readonly object: K;
  /** Names and numbers that tell the object; of a rename, the old ones. */
  readonly key: KeyOf<K>;
  readonly before: Values<K> | null;
  readonly after: Values<K> | null;
  /** Names of the properties that differ. */
  readonly changed: readonly PropertyPath<K>[];
}

/** The kernel called its helper program, or had its answer. */
export type HelperChange = { [K in ObjectName]: HelperChangeOf<K> }[ObjectName];
export interface HelperChangeOf<K extends ObjectName> extends Seen {
  readonly kind: 'helper';
  readonly object: K;
  readonly key: KeyOf<K>;
  readonly helper: Helper;
}

/** All that exists was told; what follows is news. */
export interface ReadyChange extends Seen {
  readonly kind: 'ready';
}

/** Something was lost. What differs follows as ordinary changes, and then `ready`. */
export interface ResyncChange extends Seen {
  readonly kind: 'resync';
  readonly reason: (typeof resyncCauses)[number];
}

/** What a stream of changes yields. */
export type Change = ObjectChange | HelperChange | ReadyChange | ResyncChange;

type WithoutSnapshot<C> = C extends Change ? Omit<C, 'snapshot'> : never;

/**
 * @param fields of the change
 * @param state after it
 * @returns the change, with a `snapshot` that is built when first looked at
 */
export function withSnapshot<F extends WithoutSnapshot<Change>>(
  fields: F,
  state: State,
): F & { readonly snapshot: Snapshot } {
  const change = Object.defineProperty<F>({ ...fields }, 'snapshot', { get: () => state.snapshot });
  Object.freeze(change);
  return change as F & { readonly snapshot: Snapshot };
}

/**
 * Compares two states.
 * @returns what has to happen to `before` to become `after`: destructions first, then the rest, parents first
 */
export function diff(before: State, after: State): readonly Delta[] {
  return before.diff(after);
}

/** @returns what to do to repeat a change elsewhere */
export function updateOf(delta: Delta): Update {
  switch (delta.action) {
    case 'destroy':
      return { action: 'destroy', object: delta.object, key: delta.key } as Update;
    case 'rename':
      return {
        action: 'rename',
        object: 'resource',
        key: delta.key,
        name: (delta.object === 'resource' ? delta.after?.name : undefined) ?? '',
      };
    case 'create':
    case 'change': {
      const patch: Patch = delta.after ?? {};
      return {
        action: delta.action === 'create' ? 'create' : 'set',
        object: delta.object,
        key: delta.key,
        patch,
      } as Update;
    }
  }
}

/**
 * Applies one change, sharing all that it does not touch. It never throws: what does not exist is created, or its
 * destruction does nothing.
 * @param change an update that a mapping made of a message, or what {@link diff} returned
 */
export function apply(state: State, change: Update | Delta): Applied {
  return state.apply('changed' in change ? updateOf(change) : change);
}
