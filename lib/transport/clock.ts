/**
 * @returns milliseconds of a clock that only goes forward, from an arbitrary beginning. As performance.now(), whose
 *   module costs a tool a noticeable part of its start.
 */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
