/**
 * A set of attributes as the kernel tells it: any of it may be absent, and numbers and bytes stand where a request takes
 * words and addresses, too.
 */
export type Told<T> = {
  readonly [K in keyof T]?: number extends T[K] ? number : Uint8Array extends T[K] ? Uint8Array : T[K];
};
