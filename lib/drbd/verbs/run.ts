import { MismatchError } from '../../errors';
import { Secret, type ModelDialect, type Snapshot } from '../../model';
import { remainingOf, type WaitOptions } from '../../session';
import { plan, replaceSecrets, type PlannedRequest, type VerbOptions } from './plan';
import type { VerbName } from './tables';
import type { VerbTarget } from './target';

/** A request that was sent, and what the kernel answered. A shared secret in it is a {@link Secret}. */
export interface SentRequest extends PlannedRequest {
  readonly reply: VerbReply;
}

/** The answer to a request that changes something. */
export interface VerbReply {
  /** 101, or the result of a state change from 1 up, such as 2: there was nothing to do. */
  readonly returnCode: number;
  readonly returnName: string;
}

/** Limits of a verb: the time is for all that it asks and sends. */
export interface VerbRequestOptions extends WaitOptions {
  /** Send even what is known to hang this kernel. */
  readonly forceUnsafe?: boolean;
  /** Called with each request that has succeeded: where a later one fails, those were done all the same. */
  readonly onSent?: (request: SentRequest) => void;
}

/** What a verb needs of a client. */
interface Sender {
  readonly driver: { readonly refusal?: Error | undefined };
  readonly dialect: ModelDialect;
  status(options: WaitOptions): Promise<Snapshot>;
  request(name: string, params: PlannedRequest['params'], options: VerbRequestOptions): Promise<unknown>;
}

/** How often a state is read that changes meanwhile. */
const READ_TRIES = 5;

/** @returns the state of one moment, or after some tries one that is not (`source.complete` is false) */
export async function settledStatus(read: () => Promise<Snapshot>): Promise<Snapshot> {
  let last: Snapshot | undefined;
  for (let tries = 1; ; tries++) {
    try {
      last = await read();
    } catch (error) {
      // A recording holds it once.
      if (last !== undefined && error instanceof MismatchError) return last;
      throw error;
    }
    if (last.source.complete || tries >= READ_TRIES) return last;
  }
}

/**
 * Reads the state, plans, and sends one request after the other; the first that fails ends it.
 * @returns the requests that were sent, in order
 */
export async function runVerb(
  sender: Sender,
  verb: VerbName,
  target: VerbTarget,
  options: object,
  { onSent, ...limits }: VerbRequestOptions,
): Promise<readonly SentRequest[]> {
  const remaining = remainingOf(limits);
  const { refusal } = sender.driver;
  if (refusal !== undefined) throw refusal;
  const snapshot = await settledStatus(() => sender.status(remaining()));
  const planned = plan(verb, target, options as VerbOptions, snapshot);
  const sent: SentRequest[] = [];
  for (const request of planned) {
    const reply = (await sender.request(request.name, request.params, { ...limits, ...remaining() })) as VerbReply;
    const item = { ...replaceSecrets(sender.dialect, request, (text) => new Secret(text)), reply };
    sent.push(item);
    onSent?.(item);
  }
  return sent;
}
