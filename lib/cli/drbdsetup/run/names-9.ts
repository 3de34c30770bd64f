import type { Call } from '../../line/call';

/** What a command of DRBD 9 is about; undefined: all, or none in particular. */
export interface Names9 {
  readonly resource: string | undefined;
  readonly peer: number | undefined;
  readonly volume: number | undefined;
  readonly minor: number | undefined;
}

export function namesOf({ target, context, minor }: Call): Names9 {
  const number = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
  return {
    resource: target.kind === 'resource' ? target.name : undefined,
    peer: number(context['ctx_peer_node_id']),
    volume: number(context['ctx_volume']),
    minor,
  };
}
