import { objectNames, objects, type ObjectName, type Property, type PropertyTable } from '../../model';
import type { Command } from './command';
import { commandNames, commandOf } from './commands';
import { CHECKS } from './doctor/examine';
import { KINDS } from './events';
import { exitRows, globalRows, optionText } from './help';

// The reference in docs/ (scripts/docs writes it), made from the tables of the commands and of the model.

const escaped = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escaped).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function typeText(property: Property): string {
  switch (property.type) {
    case 'word':
      return `word, one of ${property.words.map((word) => `\`${word}\``).join(', ')}, or \`unknown(N)\``;
    case 'name':
      return `word, one of ${property.words.map((word) => `\`${word}\``).join(', ')}`;
    case 'words':
      return `list of ${property.words.map((word) => `\`${word}\``).join(', ')}`;
    case 'u64':
      return 'decimal string';
    case 'u64s':
      return 'list of decimal strings';
    case 'flag':
      return 'true or false';
    case 'text':
      return 'string';
    case 'number':
      return 'number';
    case 'address':
      return 'object: `family`, `familyCode`, `address`, `port`, `scopeId`';
    case 'options':
      return 'object: options by name';
    case 'group':
      return property.optional ? 'object or null' : 'object';
  }
}

function propertyRows(properties: PropertyTable, prefix = ''): readonly (readonly string[])[] {
  return Object.entries(properties).flatMap(([name, property]) => [
    [
      `\`${prefix}${name}\``,
      typeText(property),
      property.unit ?? '',
      property.kind,
      property.type === 'word' ? `${property.doc} \`${prefix}${name}Code\`: the kernel's number of it.` : property.doc,
    ],
    ...(property.type === 'group' ? propertyRows(property.properties, `${prefix}${name}.`) : []),
  ]);
}

const PLACES: Readonly<Record<ObjectName, string>> = {
  resource: 'resources[]',
  device: 'resources[].devices[]',
  connection: 'resources[].connections[]',
  path: 'resources[].connections[].paths[]',
  peerDevice: 'resources[].connections[].peerDevices[]',
};

const KEYS: Readonly<Record<ObjectName, string>> = {
  resource: '`resource`; on 8.3 `minor`',
  device: 'those of the resource, `volume`, and `minor` where it is known',
  connection: 'those of the resource, and on DRBD 9 `peerNodeId`, on 8.4 `local` and `peer`',
  path: 'those of the connection, `local` and `peer`',
  peerDevice: 'those of the connection, and `volume`',
};

/** @returns docs/json.md */
function jsonReference(): string {
  return `# JSON of the drbd command

<!-- scripts/docs writes this file from the tables; a test compares them. -->

Every key is always there; \`null\` stands for what the dialect, or the kernel at this moment, does not tell. Numbers of
64 bits are decimal strings. New keys may come at any time; \`schemaVersion\` grows when one changes its meaning or goes
away. The package exports JSON Schemas: \`node-drbd/snapshot.schema.json\`,
\`node-drbd/changes.schema.json\` and \`node-drbd/doctor.schema.json\`.

## drbd status --json

One object; with \`--watch\` one a line.

${table(
  ['key', 'value'],
  [
    ['`schemaVersion`', '2'],
    [
      '`source`',
      '`dialect` (`connector`, `genl1`, `genl2`), `driver` (its release), `api`, `complete` (false where something changed while it was read)',
    ],
    ['`resources`', 'the resources, as below'],
    ['`unconfiguredMinors`', '8.3: minors that exist without a configuration; else null'],
    [
      '`findings`',
      'what is wrong: `code`, `severity` (`error` or `warning`), `object`, `key`, and `text`, which says what to do',
    ],
  ],
)}

## drbd events --json

One object a line.

${table(
  ['key', 'value'],
  [
    [
      '`seq`',
      'counts the changes of this stream from 1; where some are not told (`--only`, RESOURCE), numbers are missing',
    ],
    ['`time`', 'when it came, in UTC, as ISO 8601'],
    [
      '`kind`',
      Object.entries(KINDS)
        .map(([kind, text]) => `\`${kind}\`: ${text}`)
        .join('; '),
    ],
    ['`object`', `${objectNames.map((name) => `\`${name}\``).join(', ')}; absent for \`ready\` and \`resync\``],
    ['`key`', 'names and numbers that tell the object: see below'],
    ['`before`, `after`', 'all its properties, as below, before and after the change; null where it did not exist'],
    ['`changed`', 'the names of the properties that differ; a part of a group is written `stats.readBytes`'],
    ['`more`', 'true: further changes of the same step of the kernel follow, and the state is one in between'],
    ['`helper`', 'of a `helper`: `name`, `phase` (`call` or `response`), `status` (a wait status)'],
    ['`reason`', 'of a `resync`: `overrun`, `gap`, `queue`, `truncated`, `malformed` or `module`'],
    ['`findings`', 'where `more` is false and they differ from those told before: all that is wrong now'],
    ['`snapshot`', 'with `--full`, where `more` is false: the whole state, as `status --json` has it'],
    ['`schemaVersion`, `source`, `unconfiguredMinors`', 'of a `ready`: as in `status --json`'],
  ],
)}

Keys of objects: ${objectNames.map((name) => `${name}: ${KEYS[name]}`).join('. ')}.

The stream, folded, is the state. [examples/fold-events.mjs](../examples/fold-events.mjs) does that in some lines: once at
rest it equals \`drbd status --json\` in all properties but counters and settings, and with \`--refresh\` in those too.

${objectNames
  .map(
    (name) => `## ${name}

${objects[name].doc} In a snapshot: \`${PLACES[name]}\`.

${table(['property', 'type', 'unit', 'kind', 'meaning'], propertyRows(objects[name].properties))}
`,
  )
  .join('\n')}
## drbd doctor --json

One object: \`schemaVersion\` (1) and \`findings\`, a list of objects.

${table(
  ['key', 'value'],
  [
    ['`check`', `what was looked at: ${[...CHECKS, 'device'].map((name) => `\`${name}\``).join(', ')}`],
    ['`level`', '`ok`; `note`: it may matter, or could not be looked at; `problem`'],
    ['`text`', 'what was found'],
    ['`remedy`', 'what to do; null where there is nothing to do'],
    ['`facts`', 'what it rests on, by name; null for a fact that could not be found out'],
  ],
)}

## drbd translate --json

One object.

${table(
  ['key', 'value'],
  [
    ['`schemaVersion`', '1'],
    ['`from`, `to`', 'the generations, as they were given'],
    ['`commands`', 'in order: `argv` of drbdsetup, and `ifMissing`, true where it creates what may be there already'],
    ['`defaults`', 'that differ, of what was left at its default: `option`, `before`, `after`'],
    ['`lacking`', 'what the later generation does not have, and is left out: `what`, `why`'],
    ['`needed`', 'a `word` in capitals for what was not said, and the `option` that says it'],
    ['`notes`', 'what the commands do otherwise, in sentences'],
  ],
)}

## Kinds of properties

\`identity\` tells one object from another; \`state\` is announced by the kernel; a \`counter\` is as of the last
message that carried it, or the last refresh; a \`setting\` as of the last reading of its object; \`derived\` is computed
from the others.
`;
}

function commandSection(name: string, row: Command): string {
  const options = Object.entries(row.options);
  return `## drbd ${name}

${row.about[0]?.toUpperCase() ?? ''}${row.about.slice(1)}.

    drbd ${name}${options.length === 0 ? '' : ' [OPTION…]'}${row.words === undefined ? '' : ` ${row.words}`}

${(row.details ?? []).map((text) => `${escaped(text)}\n\n`).join('')}${
    options.length === 0
      ? ''
      : `${table(
          ['option', 'meaning'],
          options.map(([key, option]) => [`\`${optionText(key, option)}\``, option.doc]),
        )}\n\n`
  }${table(['exit status', 'meaning'], exitRows(row))}
${row.examples === undefined ? '' : `\n${row.examples.map((line) => `    ${line}\n`).join('')}`}`;
}

/** @returns docs/drbd.md */
function commandReference(): string {
  return `# The drbd command

<!-- scripts/docs writes this file from the tables; a test compares them. -->

The same words, the same JSON and the same exit codes on DRBD 8.3, 8.4 and 9. \`drbd help\` and \`drbd help COMMAND\` print
what stands here. On a terminal there are colours, unless NO_COLOR is set or TERM is \`dumb\`; in a pipe there are none.

${commandNames()
  .map((name) => commandSection(name, commandOf(name) as Command))
  .join('\n')}
## Options of all commands

They stand before the command, or behind it where it has none of the same name.

${table(
  ['option', 'meaning'],
  globalRows().map(([option, text]) => [`\`${option}\``, text]),
)}
`;
}

/** @returns the files of docs/ that are made from tables, before they are formatted */
export function referenceFiles(): Readonly<Record<string, string>> {
  return { 'drbd.md': commandReference(), 'json.md': jsonReference() };
}
