import {
  MismatchError,
  openDrbd,
  parseRecording,
  replayTransport,
  type Client,
  type Dialect,
  type Recording,
  type ReplayOptions,
  type ReplayTransport,
} from '../../lib';
import { FamilyCodec, decodeRaw as decodeGenericRaw } from '../../lib/dialects/generic';
import { decodeRaw as decodeConnectorRaw, decodeRequest } from '../../lib/dialects/connector';
import * as genl1 from '../../lib/dialects/genl1';
import * as genl2 from '../../lib/dialects/genl2';
import { decodeDatagram, GENL_ID_CTRL, NLMSG_DONE } from '../../lib/netlink';
import { recordingText, type CapturedRecording } from './recordings';

const codecs = {
  genl1: new FamilyCodec('genl1', 1, genl1.operations, genl1.attributeSets),
  genl2: new FamilyCodec('genl2', 2, genl2.operations, genl2.attributeSets),
};

/** A recorded request, as request() takes it. */
export interface RecordedRequest {
  readonly name: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** The answer's return code, where one was recorded; of a dump, the errno that ended it. */
  readonly returnCode: number | undefined;
}

/** @returns the requests of a recording, read by the tables */
export function requestsOf(recording: Recording): readonly RecordedRequest[] {
  const { dialect, byteOrder: order } = recording.header;
  return recording.entries.flatMap((entry) => {
    if (entry.kind !== 'tx') return [];
    const [message] = decodeDatagram(entry.bytes, order).messages;
    if (message === undefined || message.type === GENL_ID_CTRL) return [];
    if (dialect === 'connector') {
      const raw = decodeConnectorRaw(message, order);
      const { name, params } = decodeRequest(raw, order);
      const answer = recording.entries
        .flatMap((other) =>
          other.kind === 'rx'
            ? decodeDatagram(other.bytes, order)
                .messages.filter(({ type }) => type === NLMSG_DONE)
                .map((reply) => decodeConnectorRaw(reply, order))
            : [],
        )
        .find(
          ({ connector }) =>
            connector.sequence === raw.connector.sequence && connector.ack === (raw.connector.ack + 1) >>> 0,
        );
      return [{ name, params, returnCode: answer === undefined ? undefined : answer.flags | 0 }];
    }
    const codec = codecs[dialect];
    const { name, minor, setDefaults, sets } = codec.decode(decodeGenericRaw(message, order), order);
    const params = { ...(minor === undefined ? {} : { minor }), ...(setDefaults ? { setDefaults } : {}), ...sets };
    const answer = recording.entries
      .flatMap((other) => (other.kind === 'rx' ? decodeDatagram(other.bytes, order).messages : []))
      .find(({ sequence, type }) => sequence === message.sequence && type === message.type);
    return [{ name, params, returnCode: answer === undefined ? undefined : decodeGenericRaw(answer, order).flags | 0 }];
  });
}

const opened: Client[] = [];

/** Closes what {@link replay} opened, so that a test that fails leaves nothing behind that keeps the process alive. */
export function closeReplays(): void {
  for (const drbd of opened.splice(0)) drbd.close();
}

/** Opens a client over a captured command's recording, written and read back. */
export async function replay<D extends Dialect = Dialect>(
  source: CapturedRecording | string,
  options: ReplayOptions = {},
): Promise<{ readonly drbd: Client<D>; readonly transport: ReplayTransport }> {
  const transport = replayTransport(
    parseRecording(typeof source === 'string' ? source : recordingText(source)),
    options,
  );
  const drbd = await openDrbd({ transport });
  opened.push(drbd);
  return { drbd: drbd as Client<D>, transport };
}

/** request() of any client, with parameters that were read by the tables. */
export function ask(
  drbd: Client,
  { name, params }: Pick<RecordedRequest, 'name' | 'params'>,
  options: object = {},
): Promise<unknown> {
  return (drbd.request as unknown as (name: string, params: object, options: object) => Promise<unknown>).call(
    drbd,
    name,
    params,
    options,
  );
}

/** Throws the first mismatch of a replay, and complains of requests that were left. */
export function expectAllUsed(transport: ReplayTransport): void {
  if (transport.mismatch instanceof MismatchError) throw transport.mismatch;
  expect(transport.unused()).toEqual([]);
}
