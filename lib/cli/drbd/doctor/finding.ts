export const LEVELS = ['ok', 'note', 'problem'] as const;
export type Level = (typeof LEVELS)[number];

/** What was found when something was looked at. */
export interface Found {
  readonly level: Level;
  readonly text: string;
  /** What to do, in a sentence; null where there is nothing to do. */
  readonly remedy: string | null;
  /** The facts that it rests on; null for one that could not be found out. */
  readonly facts: Readonly<Record<string, string | number | boolean | null | readonly string[]>>;
}

export const finding = (level: Level, text: string, remedy: string | null, facts: Found['facts'] = {}): Found => ({
  level,
  text,
  remedy,
  facts,
});
