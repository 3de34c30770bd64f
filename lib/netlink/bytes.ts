import { CodecError } from '../errors';

/** The byte order of the machine whose kernel speaks: netlink is in host order throughout. */
export type ByteOrder = 'little' | 'big';

/** @returns the byte order of this machine. */
export function hostByteOrder(): ByteOrder {
  return new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 'little' : 'big';
}

/** Netlink's alignment of messages and attributes, in bytes (NLMSG_ALIGNTO, NLA_ALIGNTO). */
export const ALIGNMENT = 4;

/** @returns `length` rounded up to netlink's alignment. */
export function align(length: number): number {
  return length + (-length & (ALIGNMENT - 1));
}

export const NO_BYTES: Uint8Array = new Uint8Array(0);

/** @returns `parts` one behind the other, in a new array. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** @returns whether both hold the same bytes. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** @returns lower-case hexadecimal digits, two a byte. */
export function formatHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/**
 * @param text pairs of hexadecimal digits
 * @throws CodecError if it is anything else
 */
export function parseHex(text: string): Uint8Array {
  const bad = /[^0-9a-fA-F]/.exec(text);
  if (bad !== null) throw new CodecError('hex', bad.index >> 1, 'hexadecimal digits', JSON.stringify(bad[0]));
  if (text.length % 2 !== 0)
    throw new CodecError('hex', text.length >> 1, 'an even number of digits', `${text.length}`);
  return new Uint8Array(Buffer.from(text, 'hex'));
}

/** A view for reading and writing numbers anywhere in `bytes`: netlink values need no alignment here. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A whole ArrayBuffer, as what reads from any place of it needs it. */
export interface Whole {
  readonly view: DataView;
  readonly bytes: Buffer;
}

let lastBuffer: ArrayBufferLike | undefined;
let lastWhole: Whole | undefined;

/**
 * @returns the views of the whole buffer that `bytes` lie in. Datagrams share buffers, so the one that was asked for
 *   last is remembered: to make a view for each value costs more than to read it
 */
export function wholeOf(bytes: Uint8Array): Whole {
  const { buffer } = bytes;
  if (lastWhole === undefined || lastBuffer !== buffer) {
    lastBuffer = buffer;
    lastWhole = { view: new DataView(buffer), bytes: Buffer.from(buffer) };
  }
  return lastWhole;
}

// Written byte by byte: a view of a small array makes V8 give it a buffer of its own, which costs more than all the rest.

export function writeUint16(bytes: Uint8Array, at: number, value: number, little: boolean): void {
  bytes[little ? at : at + 1] = value;
  bytes[little ? at + 1 : at] = value >>> 8;
}

export function writeUint32(bytes: Uint8Array, at: number, value: number, little: boolean): void {
  writeUint16(bytes, little ? at : at + 2, value, little);
  writeUint16(bytes, little ? at + 2 : at, value >>> 16, little);
}

/** Fails unless `bytes` holds at least `length` bytes. @throws CodecError */
export function requireLength(bytes: Uint8Array, length: number, path: string, offset: number): void {
  if (bytes.length < length) throw new CodecError(path, offset, `at least ${length} bytes`, `${bytes.length}`);
}
