import type { Client } from '../../../drbd';
import type { KernelError } from '../../../errors';
import { waitOptions, type Context } from '../../context';

/** An answer, whatever was asked; a dump is a list of them. */
export type Answer = Readonly<Record<string, unknown>> &
  Pick<KernelError, 'returnCode' | 'returnName'> & { readonly infoText?: readonly string[] };

/** A request whose operation is known at run time only. */
type AnyRequest = (
  name: string,
  params: Readonly<Record<string, unknown>>,
  options: Readonly<Record<string, unknown>>,
) => Promise<Answer>;

/** Sends a request that a table names. @throws what the client throws */
export function send(
  client: Client,
  operation: string,
  params: Readonly<Record<string, unknown>>,
  context: Context,
  options: Readonly<Record<string, unknown>> = {},
): Promise<Answer> {
  const request = client.request.bind(client) as unknown as AnyRequest;
  return request(operation, params, { ...waitOptions(context), ...options });
}
