import type { ConnectorEvent, GenericEvent } from '../../../drbd';
import { reasons } from '../text/events-84';

/** @returns the packed state that a broadcast of DRBD 8 tells of its minor; undefined for one that tells something else */
export function stateOfBroadcast(event: ConnectorEvent | GenericEvent): number | undefined {
  if ('tags' in event) {
    const { state_i: word } = event.tags;
    return event.name === 'get_state' && typeof word === 'number' ? word : undefined;
  }
  const info = event.sets['state_info'] as
    { readonly sib_reason?: number; readonly current_state?: number } | undefined;
  return info?.sib_reason === reasons.stateChange ? info.current_state : undefined;
}
