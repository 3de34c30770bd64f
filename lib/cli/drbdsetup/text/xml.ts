import { wordsOf, type Option } from '../../line/option';
import { defaultText } from '../../line/value';
import type { Command, Manner } from '../../line/vocabulary';

/**
 * @returns a command's words and options as XML, which drbdadm's authors read to keep their grammar and this in step.
 *   DRBD 8.3 describes in XML only what changes something.
 */
export function formatXml(command: Command, { xml, isClassic }: Manner): string {
  const isOld = xml === 'xml';
  if (isOld && command.action !== 'change')
    return ` ${command.name}${command.plain.map(({ name, short }) => ` [{--${name}|-${short ?? ''}}]`).join('')}\n`;
  const lines: string[] = isClassic === true ? [`\t<summary>${command.doc}</summary>`] : [];
  if (!isOld) {
    const several = command.object.length > 1;
    const objects = command.object.map((kind) => `${several ? '\t' : ''}\t<argument>${kind}</argument>`);
    lines.push(...(several ? ['\t<group>', ...objects, '\t</group>'] : objects));
  }
  for (const { name } of command.arguments) lines.push(`\t<argument>${name}</argument>`);
  const option = (name: string, type: string, body: readonly string[]): void => {
    lines.push(`\t<option name="${name}" type="${type}">`, ...body.map((line) => `\t\t${line}`), '\t</option>');
  };
  for (const { name, argument, old } of command.plain)
    if (old !== true) option(name, argument === 'none' ? 'flag' : 'string', []);
  if (!isOld) for (const { name } of command.flags) option(name, 'flag', []);
  for (const each of command.options) option(each.name, ...describe(each));
  return `<command name="${command.name}">\n${lines.map((line) => `${line}\n`).join('')}</command>\n`;
}

function describe(option: Option): readonly [type: string, body: readonly string[]] {
  const { kind, table, scale, unit } = option;
  switch (kind) {
    case 'switch':
      return ['boolean', []];
    case 'flag':
    case 'boolean':
      return ['boolean', [`<default>${defaultText(option) ?? ''}</default>`]];
    case 'word':
      return ['handler', wordsOf(table).map(([, word]) => `<handler>${word}</handler>`)];
    case 'symbol':
      return [
        'numeric-or-symbol',
        [
          `<min>${table.min ?? 0}</min>`,
          `<max>${table.max ?? 0}</max>`,
          `<default>${defaultText(option) ?? ''}</default>`,
          ...wordsOf(table).map(([, word]) => `<symbol>${word}</symbol>`),
        ],
      ];
    case 'number':
      return [
        'numeric',
        [
          `<min>${table.min ?? 0}</min>`,
          `<max>${table.max ?? 0}</max>`,
          `<default>${String(table.default ?? 0)}</default>`,
          `<unit_prefix>${scale}</unit_prefix>`,
          ...(unit === undefined ? [] : [`<unit>${unit}</unit>`]),
        ],
      ];
    case 'string':
    case 'address':
      return [kind, []];
  }
}
