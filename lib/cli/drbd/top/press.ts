import type { TopState } from './layout';

/** What a key is pressed upon. */
export interface Pressed {
  /** The resources that are shown, in order. */
  readonly names: readonly string[];
  /** How many lines of them are seen at once. */
  readonly page: number;
}

/** @returns what a key makes of the state; undefined where it ends the program */
export function press(state: TopState, key: string, { names, page }: Pressed): TopState | undefined {
  if (key === 'interrupt' || key === 'end of input') return undefined;
  if (state.isTyping) return type(state, key);
  if (state.isHelp) return { ...state, isHelp: false };
  const place = Math.max(0, names.indexOf(state.selected ?? ''));
  const choose = (wanted: number): TopState => ({
    ...state,
    selected: names[Math.max(0, Math.min(names.length - 1, wanted))],
    scrolled: 0,
  });
  switch (key) {
    case 'q':
      return undefined;
    case 'up':
    case 'k':
      return choose(place - 1);
    case 'down':
    case 'j':
      return choose(place + 1);
    case 'home':
      return choose(0);
    case 'end':
      return choose(names.length - 1);
    case 'page up':
      return { ...state, scrolled: state.scrolled - page };
    case 'page down':
      return { ...state, scrolled: state.scrolled + page };
    case 'enter':
    case ' ':
    case 'left':
    case 'right': {
      const selected = names[place];
      if (selected === undefined) return state;
      const open = new Set(state.open);
      if (key === 'left' || (key !== 'right' && open.has(selected))) open.delete(selected);
      else open.add(selected);
      return { ...state, selected, open, scrolled: 0 };
    }
    case 'a':
      return { ...state, open: names.every((name) => state.open.has(name)) ? new Set() : new Set(names), scrolled: 0 };
    case '/':
      return { ...state, isTyping: true };
    case 'escape':
      return { ...state, filter: '', scrolled: 0 };
    case '?':
    case 'h':
      return { ...state, isHelp: true };
    default:
      return state;
  }
}

function type(state: TopState, key: string): TopState {
  switch (key) {
    case 'enter':
      return { ...state, isTyping: false };
    case 'escape':
      return { ...state, isTyping: false, filter: '' };
    case 'backspace':
      return { ...state, filter: [...state.filter].slice(0, -1).join(''), scrolled: 0 };
    default:
      // Names of keys are longer than a character; what a terminal would obey is none.
      return [...key].length === 1 && !/\p{C}/u.test(key)
        ? { ...state, filter: state.filter + key, scrolled: 0 }
        : state;
  }
}
