import { ArgumentError, KernelError, NetlinkError, TimeoutError, type Client } from '../../lib';
import { readMessages } from '../../lib/recording/wire';
import { captureFiles, recordingsOf, type CapturedRecording } from '../support/recordings';
import { ask, expectAllUsed, replay, requestsOf, type RecordedRequest } from '../support/replaying';

/**
 * Every request that a program of DRBD's sent to a genuine kernel, sent again by the library to what that kernel
 * answered.
 */

/** What one file came to. */
interface Count {
  recordings: number;
  requests: number;
  dumps: number;
  refusals: number;
  silent: number;
  /** Not sent: the encoder refuses what drbdsetup left to the kernel to judge. */
  notSent: number;
  /** drbdsetup sends a tag twice where both buffer sizes are 0: the typed form cannot. */
  repeated: number;
}

/**
 * @returns the return code of the answer, `dump` for one that ended well, `silent` or `netlink`, or undefined where
 *   nothing was sent
 */
async function outcome(
  drbd: Client,
  request: RecordedRequest,
): Promise<number | 'dump' | 'silent' | 'netlink' | undefined> {
  try {
    const answer = await ask(drbd, request, { forceUnsafe: true });
    return Array.isArray(answer) ? 'dump' : (answer as { readonly returnCode: number }).returnCode;
  } catch (error) {
    if (error instanceof KernelError) return error.returnCode;
    if (error instanceof TimeoutError) return 'silent';
    if (error instanceof NetlinkError) return 'netlink';
    if (error instanceof ArgumentError) return undefined;
    throw error;
  }
}

/**
 * wait-* stops reading in the middle of a dump when it has seen enough, and so does what is ended from outside: what
 * would have followed is not known.
 */
const isCutDump = ({ argv, endedBy }: CapturedRecording, { name }: RecordedRequest): boolean =>
  endedBy !== undefined || (name === 'get_initial_state' && argv.some((word) => /^wait-/u.test(word)));

/** Whether an option was given twice: drbdsetup sends its tag twice. */
function isRepeated({ recording }: CapturedRecording): boolean {
  return recording.entries.some((entry) => {
    if (entry.kind !== 'tx' || recording.header.dialect !== 'connector') return false;
    const tags = readMessages(entry.bytes, 'little', true).flatMap(({ fields }) => fields.map(({ name }) => name));
    return new Set(tags).size !== tags.length;
  });
}

async function reissue(captured: CapturedRecording, count: Count): Promise<void> {
  if (captured.recording.entries.every(({ kind }) => kind !== 'tx')) return;
  const requests = requestsOf(captured.recording);
  if (isRepeated(captured)) {
    count.repeated++;
    return;
  }
  const { drbd, transport } = await replay(captured);
  try {
    count.recordings++;
    let sentAll = true;
    for (const request of requests) {
      const result = await outcome(drbd, request);
      if (result === undefined) {
        count.notSent++;
        sentAll = false;
        continue;
      }
      count.requests++;
      if (result === 'silent') {
        count.silent++;
        if (request.returnCode !== undefined && !isCutDump(captured, request))
          throw new Error(`${request.name}: nothing came, though ${request.returnCode} was recorded`);
      } else if (result === 'netlink') count.refusals++;
      else if (result === 'dump') count.dumps++;
      else {
        if (result !== request.returnCode)
          throw new Error(`${request.name}: ${result} came, though ${String(request.returnCode)} was recorded`);
        if (result > 101 || result < 1) count.refusals++;
      }
    }
    if (sentAll) expectAllUsed(transport);
    const { malformed, foreignSender, truncated } = drbd.counters();
    expect({ malformed, foreignSender, truncated }).toEqual({ malformed: 0, foreignSender: 0, truncated: 0 });
  } catch (error) {
    throw new Error(
      `${captured.id} (${captured.argv.join(' ')}): ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  } finally {
    drbd.close();
  }
}

const total: Count = { recordings: 0, requests: 0, dumps: 0, refusals: 0, silent: 0, notSent: 0, repeated: 0 };

afterAll(() => {
  process.stdout.write(
    `replay: ${total.requests} requests of ${total.recordings} recorded commands sent again, ${total.dumps} dumps, ${total.refusals} refused as recorded, ${total.silent} never answered; ${total.notSent} refused by the encoder, ${total.repeated} with a tag twice left out\n`,
  );
});

test.each(captureFiles())('%s: each request sent again gets the recorded answer', async (file) => {
  const count: Count = { recordings: 0, requests: 0, dumps: 0, refusals: 0, silent: 0, notSent: 0, repeated: 0 };
  for (const captured of recordingsOf(file)) await reissue(captured, count);
  for (const key of Object.keys(count) as (keyof Count)[]) total[key] += count[key];
  expect(count.requests).toBeGreaterThan(0);
});

test('little was left out', () => {
  expect(total.requests).toBeGreaterThan(3000);
  // Names too long and numbers out of range.
  expect(total.notSent).toBe(28);
  expect(total.repeated).toBeLessThan(10);
  // Those that hang the kernel, and what was ended in the middle of a dump.
  expect(total.silent).toBe(11);
});
