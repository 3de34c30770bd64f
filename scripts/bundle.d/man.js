'use strict';

/** The manual pages drbd(8) and node-drbdsetup(8), from the tables that help is made of. */

const { join } = require('node:path');
const { gzipSync } = require('node:zlib');

/** Text as roff has it: nothing in it is a request, and a dash is a dash that can be copied. */
const text = (words) =>
  words
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('…', '...')
    // A long choice may be broken, and so may a path.
    .replace(/(?<=\S)[|/](?=\S)/gu, '$&\\:')
    .replaceAll('`', '')
    .replace(
      /[^\x20-\x7e\n]/gu,
      (letter) => `\\[u${letter.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}]`,
    )
    .replace(/^[.']/gmu, '\\&$&');
const bold = (words) => `\\fB${text(words)}\\fR`;
const section = (title, ...parts) => `.SH ${title}\n${parts.join('')}`;
const paragraph = (words) => `.PP\n${text(words)}\n`;
const item = (term, words) => `.TP\n${bold(term)}\n${text(words)}\n`;
const sentence = (words) => `${words[0].toUpperCase()}${words.slice(1).replace(/\.?$/u, '.')}`;
const example = (lines) => `.PP\n.nf\n.RS\n${lines.map(text).join('\n')}\n.RE\n.fi\n`;

/** The same commit gives the same page, where a release says when it was made. */
const date = () => {
  const { SOURCE_DATE_EPOCH: seconds } = process.env;
  return (seconds === undefined ? new Date() : new Date(Number(seconds) * 1000)).toISOString().slice(0, 10);
};
const head = (name, about, release) =>
  [
    `.TH ${name.toUpperCase()} 8 ${date()} "node\\-drbd ${release}" "System Administration"\n`,
    // Words that cannot be broken leave gaps in lines of one width.
    '.ad l\n.nh\n',
    `.SH NAME\n${text(name)} \\- ${text(about)}\n`,
  ].join('');

/** Whether an option only takes back another. */
const isContrary = (key, options) => key.startsWith('no-') && Object.hasOwn(options, key.slice(3));

function drbd({ commandNames, commandOf, exitRows, globalRows, optionText, vocabularies }, release) {
  const settings = new Set(
    Object.values(vocabularies).flatMap((load) =>
      load().commands.flatMap(({ options }) => options.map(({ name }) => `--${name}`)),
    ),
  );
  const isSetting = (option, { options }) => Object.hasOwn(options, 'dry-run') && settings.has(option.split(' ')[0]);
  const rows = commandNames().map((name) => [name, commandOf(name)]);
  // What commands have alike stands at the first of them.
  const seen = new Set();
  const isNew = (part) => !seen.has(part) && seen.add(part);
  const of = ([name, row]) => {
    const given = Object.entries(row.options).filter(([key]) => !isContrary(key, row.options));
    const options = given.map(([key, option]) => [optionText(key, option), item(optionText(key, option), option.doc)]);
    // Settings are explained where drbdsetup has them.
    const own = options.filter(([option, part]) => !isSetting(option, row) && isNew(part));
    const others = options.filter((option) => !own.includes(option)).map(([option]) => option);
    const where = options.some(([option]) => isSetting(option, row)) ? 'As above, or in node-drbdsetup(8)' : 'As above';
    const exits = row.exits === undefined ? [] : exitRows(row).map(([code, words]) => item(`exit ${code}`, words));
    return [
      `.SS ${bold(name)}${row.words === undefined ? '' : ` ${text(row.words)}`}\n`,
      text(sentence(row.about)),
      '\n',
      ...(row.details ?? []).map(paragraph).filter(isNew),
      ...own.map(([, part]) => part),
      ...(others.length === 0 ? [] : [paragraph(`${where}: ${others.join('; ')}.`)]),
      ...(isNew(exits.join('')) ? exits : []),
      ...(row.examples === undefined ? [] : [example(row.examples)]),
    ].join('');
  };
  return [
    head('drbd', 'DRBD from the command line, the same in every dialect', release),
    section('SYNOPSIS', `${bold('drbd')} [OPTION...] COMMAND [WORD...]\n`),
    section(
      'DESCRIPTION',
      text(
        'The same words, the same JSON and the same exit codes on DRBD 8.3, 8.4 and 9. It speaks to the kernel itself.',
      ),
      '\n',
      paragraph('An option that is a yes or no, such as --force, has a contrary, --no-force.'),
      paragraph('On a terminal there are colours, unless NO_COLOR is set or TERM is "dumb"; in a pipe there are none.'),
    ),
    section('COMMANDS', ...rows.map(of)),
    section(
      'OPTIONS',
      text('They stand before the command, or behind it where it has none of the same name.'),
      '\n',
      ...globalRows().map(([option, words]) => item(option, words)),
      item('-V, --version', 'Print the version.'),
      item('-h, --help', 'Explain the program, or a command.'),
    ),
    section(
      'EXIT STATUS',
      ...exitRows({}).map(([code, words]) => item(code, words)),
      paragraph('Commands that have others name them.'),
    ),
    section('SEE ALSO', '.BR node\\-drbdsetup (8),\n.BR drbdadm (8),\n.BR drbd.conf (5)\n'),
  ].join('');
}

function drbdsetup({ vocabularies, generationNames, valueUsage, globalRows }, release) {
  const generations = Object.entries(vocabularies).reverse();
  const found = new Map();
  for (const [dialect, load] of generations)
    for (const command of load().commands)
      found.set(command.name, [...(found.get(command.name) ?? []), [dialect, command]]);
  const optionOf = (option) =>
    option.kind === 'switch' ? `--${option.name}` : `--${option.name}=${valueUsage(option)}`;
  // What generations have alike stands once.
  const synopsis = (dialect, { name, object, arguments: words, plain, flags, options }) => {
    const objects = object.length === 0 ? [] : [object.map((kind) => kind.toUpperCase()).join('|')];
    const first = vocabularies[dialect]().manner.first === 'device' ? [...objects, name] : [name, ...objects];
    const others = [...plain.filter(({ old }) => old !== true), ...flags, ...options].map(
      (option) => `--${option.name}`,
    );
    return { line: [...first, ...words.map(({ name: word, usage }) => usage ?? `{${word}}`)].join(' '), others };
  };
  const options = new Map();
  const commands = [...found].map(([name, all]) => {
    const lines = new Map();
    for (const [dialect, command] of all) {
      const { line, others } = synopsis(dialect, command);
      const key = `${line}\n${others.length === 0 ? '' : `Options: ${others.join(', ')}.`}`;
      lines.set(key, [...(lines.get(key) ?? []), generationNames[dialect]]);
      for (const option of command.options) if (!options.has(option.name)) options.set(option.name, option);
      for (const { name: option, doc } of [...command.plain.filter(({ old }) => old !== true), ...command.flags])
        if (!options.has(option)) options.set(option, { name: option, kind: 'switch', table: { doc } });
    }
    const parts = [...lines].map(([key, names]) => {
      const [line, others] = key.split('\n');
      return `.PP\n${bold(line)} (${text(names.join(', '))})\n${others === '' ? '' : `.br\n${text(others)}\n`}`;
    });
    return `.SS ${text(name)}\n${text(sentence(all[0][1].doc))}\n${parts.join('')}`;
  });
  return [
    head('node-drbdsetup', 'configure the DRBD kernel module, as drbdsetup does', release),
    section('SYNOPSIS', `${bold('node-drbdsetup')} [GLOBAL OPTION...] COMMAND [WORD...] [OPTION...]\n`),
    section(
      'DESCRIPTION',
      text(
        'It takes the arguments of the C program drbdsetup of DRBD 8.3, 8.4 and 9, prints the same where programs parse it, and ends with the same exit codes. The kernel decides which generation it is.',
      ),
      '\n',
      paragraph(
        'A minor is N, /dev/drbdN or any block device of DRBD. It may stand before or behind the command. Ranges and defaults of options are those of the generation: see node-drbdsetup help COMMAND.',
      ),
      paragraph('drbd replace-drbdsetup puts it in the place of drbdsetup.'),
    ),
    section('GLOBAL OPTIONS', ...globalRows().map(([option, words]) => item(option, words))),
    section('COMMANDS', ...commands),
    section(
      'OPTIONS',
      ...[...options.values()]
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .map((option) => item(optionOf(option), option.table.doc)),
    ),
    section('EXIT STATUS', ...exits.map(([code, words]) => item(code, words))),
    section('SEE ALSO', '.BR drbd (8),\n.BR drbdadm (8)\n'),
  ].join('');
}

const exits = [
  ['0', 'It was done.'],
  ['5', "A wait ended by its timeout, or the peer's disk state forbids the change."],
  ['10', 'DRBD refused the request (a return code above 100).'],
  ['11', 'DRBD refused the change of state.'],
  ['16, 17', 'There is no local disk, or none that is up to date.'],
  ['20', 'The command line makes no sense, there is no driver, a lock or a deadline expired, or the system failed.'],
  ['99', 'A recording does not hold the request.'],
];

/** @returns the pages, compressed, by their names in the package */
function manualPages(compiled, release) {
  const lib = (path) => require(join(compiled, path));
  const tables = {
    ...lib('cli/drbd/commands'),
    ...lib('cli/drbd/help'),
    ...lib('cli/drbd/drbdsetup-line'),
    ...lib('cli/drbdsetup/text/help'),
    ...lib('cli/drbdsetup/text/other-generations'),
  };
  const pages = { 'man/drbd.8.gz': drbd(tables, release), 'man/node-drbdsetup.8.gz': drbdsetup(tables, release) };
  return Object.fromEntries(Object.entries(pages).map(([name, page]) => [name, gzipSync(page, { level: 9 })]));
}

module.exports = { manualPages };
