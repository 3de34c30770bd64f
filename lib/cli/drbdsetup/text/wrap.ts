/** Columns where standard output does not say how many it has. */
const DEFAULT_COLUMNS = 80;

/**
 * Text that breaks before a piece which does not fit its line, as drbdsetup's does: a line that is begun anew is
 * indented by what the piece asks for, and the blank that leads the piece falls away.
 */
export class WrappedText {
  readonly #columns: number;
  #column = 0;
  #text = '';

  /** @param columns of the terminal; 80 if there is none */
  constructor(columns: number | undefined) {
    this.#columns = columns === undefined || columns <= 0 ? DEFAULT_COLUMNS : columns;
  }

  /**
   * @param indent of a line that begins with this piece. @param piece is kept together; newlines that lead it end the
   *   line at once
   */
  add(indent: number, piece: string): this {
    const rest = piece.replace(/^\n+/u, '');
    if (rest.length < piece.length) this.#newline(piece.length - rest.length);
    if (rest === '') return this;
    if (this.#column > 0 && this.#column + Buffer.byteLength(rest) > this.#columns) this.#newline(1);
    let shown = rest;
    if (this.#column === 0) {
      shown = rest.replace(/^ +/u, '');
      this.#text += ' '.repeat(indent);
      this.#column = indent;
    }
    this.#text += shown;
    this.#column = shown.endsWith('\n') ? 0 : this.#column + Buffer.byteLength(shown);
    return this;
  }

  toString(): string {
    return this.#text;
  }

  #newline(count: number): void {
    this.#text += '\n'.repeat(count);
    this.#column = 0;
  }
}
