/** How good a state is. */
export type Color = 'transitional' | 'normal' | 'primary' | 'good' | 'bad';

/** Escape sequences of this node's states, which are bright, and of the peer's. */
const LOCAL_COLORS: Readonly<Record<Color, string>> = {
  transitional: '1',
  normal: '',
  primary: '1;36',
  good: '1;32',
  bad: '1;31',
};
const PEER_COLORS: Readonly<Record<Color, string>> = {
  transitional: '',
  normal: '',
  primary: '36',
  good: '32',
  bad: '31',
};

/** Writes a word in a color; as it stands where no colors are wanted. */
export function paint(word: string, color: Color, local: boolean, colors: boolean): string {
  const code = (local ? LOCAL_COLORS : PEER_COLORS)[color];
  return colors && code !== '' ? `\u001b[${code}m${word}\u001b[0m` : word;
}

/** @returns what finds the color of a state, by its word or number; those that pass soon have that of their kind */
export function pick<K extends string | number>(colors: ReadonlyMap<K, Color>): (state: K) => Color {
  return (state) => colors.get(state) ?? 'transitional';
}
