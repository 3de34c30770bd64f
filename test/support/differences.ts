import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { CapturedRecording } from './recordings';
import { replayCommand, type Replayed } from './replayed-command';

/** A recorded command where ours differs from the C program on purpose. */
export interface Difference {
  /** Of the recorded command. */
  readonly id: string;
  readonly reason: string;
  /** What ours exits with. */
  readonly exit: number;
}

export interface Differences<D extends Difference> {
  /** What a reason means, by its name. */
  readonly reasons: Readonly<Record<string, string>>;
  readonly differences: readonly D[];
}

/** @returns the list beside the replay tests, such as that of `drbdsetup-84` */
export function readDifferences<D extends Difference = Difference>(tool: string): Differences<D> {
  return JSON.parse(
    readFileSync(join(__dirname, `../../../test/replay/${tool}.differences.json`), 'utf8'),
  ) as Differences<D>;
}

/** The numbers of return codes in error messages. */
export function codesIn(stderr: string): string {
  return Array.from(stderr.matchAll(/: \((-?\d+)\)/gu), ([, code = '']) => code).join();
}

const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d /gmu;
export const withoutTimes = (text: string): string => text.replace(TIMESTAMP, 'TIME ');

/** Replays the command of a difference, which has to be one still, as the list tells it. */
export async function expectDifference(
  { id, reason, exit }: Difference,
  { reasons }: Differences<Difference>,
  commands: readonly CapturedRecording[],
  problemsOf: (captured: CapturedRecording, ours: Replayed) => readonly string[],
): Promise<{ readonly captured: CapturedRecording; readonly ours: Replayed }> {
  const captured = commands.find((command) => command.id === id);
  if (captured === undefined) throw new Error('there is no such recorded command');
  expect(reasons[reason]).toBeDefined();
  const ours = await replayCommand(captured);
  // An entry that is none any more has to go.
  expect(problemsOf(captured, ours)).not.toEqual([]);
  expect(ours.exit).toBe(exit);
  if (exit !== 0) expect(ours.stderr).not.toBe('');
  return { captured, ours };
}
