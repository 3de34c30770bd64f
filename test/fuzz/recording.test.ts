import fc from 'fast-check';

import {
  CodecError,
  DrbdError,
  formatRecording,
  openDrbd,
  parseRecording,
  replayTransport,
  type Recording,
} from '../../lib';
import type { ByteOrder } from '../../lib/netlink';
import { describeDifference, hideSecrets, maskRequest, readdress, readMessages } from '../../lib/recording/wire';
import { recordingsOf, type CapturedRecording } from '../support/recordings';
import { ask, requestsOf } from '../support/replaying';

const RUNS = { numRuns: Number(process.env['NODE_DRBD_FUZZ_RUNS'] ?? 3000) };
const order = fc.constantFrom<ByteOrder>('little', 'big');

const seeds: readonly CapturedRecording[] = [
  'drbd-8.3.13/05-pair.jsonl',
  'drbd-8.4.11/config.jsonl',
  'drbd-9.1.7/empty.jsonl',
]
  .flatMap((file) => recordingsOf(file))
  .filter(({ recording: { entries } }, index) => index % 9 === 0 && entries.length > 0 && entries.length < 100);
const datagrams = seeds.flatMap(({ recording }) =>
  recording.entries.flatMap((entry) => ('bytes' in entry ? [entry.bytes] : [])),
);

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc
    .record({
      seed: fc.constantFrom(...datagrams),
      cut: fc.nat({ max: 2000 }),
      at: fc.nat({ max: 300 }),
      value: fc.integer({ min: 0, max: 255 }),
    })
    .map(({ seed, cut, at, value }) => {
      const out = seed.slice(0, cut);
      if (out.length > 0) out[at % out.length] = value;
      return out;
    }),
);

test('any bytes can be read, masked, compared and readdressed, and stay as long as they are', () => {
  fc.assert(
    fc.property(bytes, bytes, order, fc.boolean(), (one, other, byteOrder, connector) => {
      for (const { start, end, fields } of readMessages(one, byteOrder, connector)) {
        expect(start >= 0 && start <= end && end <= one.length).toBe(true);
        for (const field of fields)
          expect(field.start >= start && field.start <= field.end && field.end <= end).toBe(true);
      }
      const hidden = hideSecrets(one, byteOrder, connector);
      expect(hidden).toHaveLength(one.length);
      expect(hideSecrets(hidden, byteOrder, connector)).toEqual(hidden);
      const masked = maskRequest(one, byteOrder, connector);
      expect(masked).toHaveLength(one.length);
      expect(maskRequest(hidden, byteOrder, connector)).toEqual(masked);
      expect(readdress(one, other, one, 5, byteOrder, connector)).toHaveLength(one.length);
      if (Buffer.compare(masked, maskRequest(other, byteOrder, connector)) !== 0)
        expect(describeDifference(one, other, byteOrder, connector)).not.toEqual([]);
    }),
    RUNS,
  );
});

test('any text is a recording that is written as it was read, or an error with its line', () => {
  const texts = seeds.map(({ recording }) => formatRecording(recording).slice(0, 5000));
  const damaged = fc
    .record({
      text: fc.constantFrom(...texts),
      at: fc.nat({ max: 5000 }),
      length: fc.nat({ max: 20 }),
      insert: fc.oneof(fc.string({ maxLength: 5 }), fc.constantFrom('\n', '"', '}', '{', '0', ',')),
    })
    .map(({ text, at, length, insert }) => text.slice(0, at) + insert + text.slice(at + length));
  fc.assert(
    fc.property(fc.oneof(fc.string(), damaged), (text) => {
      try {
        const read = parseRecording(text);
        expect(parseRecording(formatRecording(read)).entries).toEqual(
          read.entries.map((entry, index) => ({ ...entry, line: index + 2 })),
        );
      } catch (error) {
        if (!(error instanceof CodecError) || !/, line \d+$/u.test(error.path)) throw error;
      }
    }),
    RUNS,
  );
});

test('a recording whose bytes were damaged gives answers or errors, and every request ends', async () => {
  const damage = fc.record({
    seed: fc.constantFrom(...seeds),
    entry: fc.nat(),
    at: fc.nat({ max: 200 }),
    value: fc.integer({ min: 0, max: 255 }),
    cut: fc.option(fc.nat({ max: 200 })),
  });
  await fc.assert(
    fc.asyncProperty(damage, async ({ seed, entry, at, value, cut }) => {
      const { recording } = seed;
      const place = entry % recording.entries.length;
      const entries: Recording['entries'] = recording.entries.map((original, index) => {
        if (index !== place || !('bytes' in original)) return original;
        const changed = original.bytes.slice(0, cut ?? original.bytes.length);
        if (changed.length > 0) changed[at % changed.length] = value;
        return { ...original, bytes: changed };
      });
      try {
        const drbd = await openDrbd({ transport: replayTransport({ ...recording, entries }) });
        try {
          // As the undamaged recording holds them.
          for (const request of requestsOf(recording)) {
            await ask(drbd, request, { forceUnsafe: true }).catch((error: unknown) => {
              if (!(error instanceof DrbdError)) throw error;
            });
          }
        } finally {
          drbd.close();
        }
      } catch (error) {
        // The damaged one may be the controller's answer.
        if (!(error instanceof DrbdError)) throw error;
      }
    }),
    { numRuns: Math.ceil(RUNS.numRuns / 10) },
  );
});
