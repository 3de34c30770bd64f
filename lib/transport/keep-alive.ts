const LONGEST_TIMER_MS = 0x7fffffff;

/** What keeps the process alive for a socket that has no handle of its own. */
export class KeepAlive {
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor() {
    this.ref();
  }

  ref(): void {
    this.#timer ??= setInterval(() => undefined, LONGEST_TIMER_MS);
  }

  unref(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
