import type { Client } from '../../../drbd';
import { byteOrderOf } from '../../backend';
import { waitOptions, type Context } from '../../context';
import { EXIT } from '../../errors';
import type { Call } from '../../line/call';
import type { Vocabulary } from '../../line/vocabulary';
import { machineOf } from '../text/address';
import { formatShow83 } from '../text/show-83';
import { formatShow84 } from '../text/show-84';
import { settingsOf83, settingsOf84, showToJson, showToJson9, type ResourceSettings } from '../text/show-json';
import { minorOfCall, statusOf } from './minors';
import { noSuchResource, notOf, print } from './print';
import { resourceName } from './resource-name';

/** `show`: as the generation's configuration files have it; in JSON ours, or, asked for behind the command, DRBD 9's. */
export async function runShow(client: Client, call: Call, vocabulary: Vocabulary, context: Context): Promise<number> {
  const { target, plain } = call;
  const { settings } = vocabulary;
  const wait = waitOptions(context);
  const machine = machineOf(context.backend);
  const showDefaults = plain.has('show-defaults');
  const finish = (
    resources: readonly ResourceSettings[],
    text: () => string,
    ...unknown: Parameters<typeof print>[3][]
  ): number => {
    if (plain.has('json')) {
      const arrays = showToJson9(resources, settings, machine, showDefaults);
      context.io.stdout.write(`${JSON.stringify(arrays, undefined, 4)}\n\n`);
      return EXIT.ok;
    }
    const json = (): object => showToJson(resources, settings, byteOrderOf(context.backend), context.globals.reveal);
    return print(context, context.globals.json ? '' : text(), json, ...unknown);
  };
  switch (client.dialect) {
    case 'connector': {
      const minor = minorOfCall(call);
      const { tags: told, unknown } = await client.request('get_config', { minor }, wait);
      const tags = { ...told };
      const resources = settingsOf83(minor, tags, resourceName(minor, context));
      return finish(resources, () => formatShow83(minor, tags, vocabulary.commands, machine), unknown);
    }
    case 'genl1': {
      const replies =
        target.kind === 'minor'
          ? [await client.request('get_status', { minor: target.minor }, wait)]
          : await statusOf(client, target, context);
      if (replies.length === 0 && target.kind === 'resource') return noSuchResource(context, EXIT.failure);
      return finish(settingsOf84(replies), () => formatShow84(replies, settings, machine, showDefaults));
    }
    case 'genl2':
      return notOf(client, 'show');
  }
}
