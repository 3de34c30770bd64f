#!/usr/bin/env node
import { main } from '../drbd';

// The program. Everything that it does is in ../drbd, which runs nothing when it is imported.
const ended = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => ended.abort());
void main(
  process.argv.slice(2),
  { out: (text) => process.stdout.write(text), err: (text) => process.stderr.write(text) },
  ended.signal,
).then((status) => {
  process.exitCode = status;
});
