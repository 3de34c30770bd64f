import { connectionStates, notificationTypes, replicationStates, timeoutTypes } from '../../../dialects/genl2';
import type { Genl2Client } from '../../../drbd';
import { TimeoutError } from '../../../errors';
import { firstOf } from '../../../session';
import { tell, waitOptions, type Context } from '../../context';
import { EXIT, UsageError } from '../../errors';
import { orderLimits } from './wait';
import { exitCodeOfEnd } from '../../io';
import { connectionWord9, replicationWord9 } from '../text/states-9';
import type { NotificationSets9 } from '../text/events2-9';
import type { Call } from '../../line/call';
import { namesOf } from './names-9';
import { isUnknownObject } from './minors';
import { printJson } from './print';

/** A volume towards a peer, and until when it is waited for. */
interface Awaited {
  readonly peer: number;
  readonly volume: number;
  replication: number;
  /** Milliseconds from the start; Infinity waits for ever. */
  readonly limitMs: number;
}

interface Message {
  readonly name: string;
  readonly sets: NotificationSets9;
}

/**
 * Waits until volumes are connected, or in sync with their peers. Where a connection is meant, or all of a resource, one
 * that is StandAlone is not waited for, unless that is asked for.
 * @returns the exit code: 5 when the limits of all have passed
 */
export async function runWait9(client: Genl2Client, call: Call, context: Context): Promise<number> {
  const { command, plain } = call;
  const { resource = '', peer, volume } = namesOf(call);
  const isConnect = command.name.startsWith('wait-connect');
  const { io } = context;
  const started = io.clock.elapsedMs();
  const elapsed = (): number => io.clock.elapsedMs() - started;
  const limitOf = (name: string): number => Number(plain.get(name) ?? 0);
  const { limits, notes } = orderLimits({
    wfc: limitOf('wfc-timeout'),
    degraded: limitOf('degr-wfc-timeout'),
    outdated: limitOf('outdated-wfc-timeout'),
  });
  for (const note of notes) tell(note, context);
  const afterSplitBrain = plain.get('wait-after-sb');
  const waitsForStandAlone = afterSplitBrain === '' || afterSplitBrain === 'yes';
  const place = { ctx_resource_name: resource };

  let listed: Awaited[];
  try {
    const replies = await client.request('get_peer_devices', { context: place }, waitOptions(context));
    listed = [];
    for (const { context: names = {}, peer_device_info: info } of replies) {
      const { ctx_peer_node_id: node = 0, ctx_volume: number = 0 } = names;
      const { timeout_parms: parms } = await client.request(
        'get_timeout_type',
        { context: { ...place, ctx_peer_node_id: node, ctx_volume: number } },
        waitOptions(context),
      );
      const seconds =
        parms?.timeout_type === timeoutTypes.UT_DEGRADED
          ? limits.degraded
          : parms?.timeout_type === timeoutTypes.UT_PEER_OUTDATED
            ? limits.outdated
            : limits.wfc;
      listed.push({
        peer: node,
        volume: number,
        replication: info?.peer_repl_state ?? 0,
        limitMs: seconds === 0 ? Infinity : seconds * 1000,
      });
    }
  } catch (error) {
    if (isUnknownObject(error))
      throw new UsageError(
        `${context.mask?.subject(resource) ?? resource}: there is no such resource, so there is nothing to wait for. "${context.tool} status" lists those that exist`,
        { exitCode: EXIT.refused, code: 'ERR_DRBD_NOT_FOUND' },
      );
    throw error;
  }
  const isMeant = (one: Pick<Awaited, 'peer' | 'volume'>): boolean =>
    (peer === undefined || one.peer === peer) && (volume === undefined || one.volume === volume);
  const report = (reached: boolean): void => {
    if (!context.globals.json && !plain.has('json')) return;
    const peerDevices = listed
      .filter(isMeant)
      .map((one) => ({ peerNodeId: one.peer, volume: one.volume, replication: replicationWord9(one.replication) }));
    printJson({ minor: null, resource, reached, peerDevices }, context);
  };
  // Without a peer device there is nothing to wait for.
  if (listed.length === 0) {
    report(true);
    return EXIT.ok;
  }
  if (!listed.some(isMeant)) tell('there is no such peer device yet', context);

  const isDone = ({ replication, limitMs }: Awaited): boolean =>
    replication === replicationStates.L_ESTABLISHED ||
    (isConnect && replication > replicationStates.L_ESTABLISHED) ||
    elapsed() >= limitMs;
  /** @returns whether the wait is over */
  const judge = ({ name, sets }: Message): boolean => {
    const { context: names = {}, connection_info: connection, peer_device_info: info } = sets;
    if (names.ctx_resource_name !== resource) return false;
    const action = (sets.drbd_notification_header?.nh_type ?? 0) & ~notificationTypes.NOTIFY_FLAGS;
    if (action === notificationTypes.NOTIFY_DESTROY) return false;
    const node = names.ctx_peer_node_id ?? 0;
    if (name === 'connection_state') {
      const state = connection?.conn_connection_state;
      // One that is being created is StandAlone, too.
      // Nor has a wait for one volume ever looked at its connection.
      if (action === notificationTypes.NOTIFY_CREATE || state === undefined || volume !== undefined) return false;
      if (peer !== undefined && node !== peer) return false;
      if (state >= connectionStates.C_UNCONNECTED) return false;
      if (!waitsForStandAlone) return true;
      tell(
        `the connection to ${names.ctx_conn_name ?? `node ${node}`} is ${connectionWord9(state)}; still waiting, as --wait-after-sb asks`,
        context,
      );
      return false;
    }
    const number = names.ctx_volume ?? 0;
    if (name !== 'peer_device_state' || info === undefined || !isMeant({ peer: node, volume: number })) return false;
    const known = listed.find((one) => one.peer === node && one.volume === number);
    if (known !== undefined) known.replication = info.peer_repl_state ?? 0;
    else listed.push({ peer: node, volume: number, replication: info.peer_repl_state ?? 0, limitMs: Infinity });
    return listed.filter(isMeant).every(isDone);
  };

  const ending = io.endSignal();
  const stop = new AbortController();
  const { signal, release } = firstOf([ending, stop.signal]);
  const longest = Math.max(...listed.map(({ limitMs }) => limitMs));
  const left = (): number => Math.max(0, longest - elapsed());
  const ask = async (): Promise<boolean> => {
    const { timeoutMs } = context.globals;
    const replies = await client.request(
      'get_initial_state',
      { context: place },
      { signal, timeoutMs: Math.min(left(), timeoutMs ?? Infinity) },
    );
    return replies.some(({ name, minor: _minor, ...sets }) => judge({ name, sets: sets as NotificationSets9 }));
  };
  const done = (): number => {
    report(true);
    return EXIT.ok;
  };
  const expired = (): number => {
    report(false);
    return EXIT.timeout;
  };
  // The limit of the whole wait, which no event puts off.
  const timer = longest === Infinity ? undefined : setTimeout(() => stop.abort(), left());
  try {
    // It listens before it asks, so that nothing falls between.
    const stream = client.broadcasts({ signal });
    if (await ask()) return done();
    for await (const item of stream) {
      if (item.kind === 'resync' ? await ask() : judge({ name: item.name, sets: item.sets as NotificationSets9 }))
        return done();
    }
    // A recording is over, and nothing is decided. A limit that waits has come then.
    return longest === Infinity ? EXIT.ok : expired();
  } catch (error) {
    if (ending.aborted) return exitCodeOfEnd(ending.reason);
    if (stop.signal.aborted || (error instanceof TimeoutError && left() === 0)) return expired();
    throw error;
  } finally {
    clearTimeout(timer);
    stop.abort();
    release();
  }
}
