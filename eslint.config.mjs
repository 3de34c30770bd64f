import eslint from '@eslint/js';
import { readdirSync } from 'node:fs';
import tseslint from 'typescript-eslint';

/**
 * The rooms of lib/, and what each may import. Imports point downwards only: a room uses those named here and nothing
 * above or beside it, and of another room only what its index exports.
 */
const rooms = {
  netlink: [],
  schema: ['netlink'],
  transport: [],
  session: ['netlink', 'transport'],
  dialects: ['netlink', 'schema', 'session'],
  recording: ['netlink', 'schema', 'dialects', 'transport'],
  model: ['netlink', 'schema', 'dialects'],
  drbd: ['netlink', 'schema', 'dialects', 'model', 'session', 'transport'],
  simulator: ['netlink', 'schema', 'dialects', 'transport'],
  testing: ['model', 'session', 'drbd', 'simulator'],
  cli: ['netlink', 'schema', 'dialects', 'model', 'session', 'transport', 'recording', 'drbd', 'simulator'],
};

for (const entry of readdirSync('lib', { withFileTypes: true })) {
  if (entry.isDirectory() && !(entry.name in rooms))
    throw new Error(`lib/${entry.name} is no room of this house: say in eslint.config.mjs what it may import`);
}

const restrictions = (room, below, more = []) => {
  const forbidden = Object.keys(rooms).filter((other) => other !== room && !below.includes(other));
  return {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            regex: `^(\\.\\./)+(${forbidden.join('|')})(/|$)`,
            message: `lib/${room} may import ${below.length === 0 ? 'no other room' : below.join(', ')}.`,
          },
          { regex: '^(\\.\\./)+(index)?$', message: 'The public index is for users of the package.' },
          {
            regex: '^(\\.\\./)+(netlink|schema|model|session|recording|drbd|simulator|testing)/',
            message: 'Of another room, only what its index exports.',
          },
          ...more,
        ],
      },
    ],
  };
};

const roomRules = Object.entries(rooms).map(([room, below]) => ({
  files: [`lib/${room}/**/*.ts`],
  rules: restrictions(room, below),
}));

/** What a command does and prints is the same for all dialects: their tables are for the vocabularies alone. */
const vocabularyRule = {
  files: ['lib/cli/**/*.ts'],
  ignores: ['lib/cli/drbdsetup/v*.ts'],
  rules: restrictions('cli', rooms.cli, [
    {
      regex: '/dialects/(connector|genl1|genl2)$',
      importNamePattern: '^(attributeSets|operations|packets)$',
      message: 'Only the vocabularies (lib/cli/drbdsetup/v83.ts …) know the tables of a dialect.',
    },
    {
      regex:
        '/dialects/(options|generic/(attributes|operations)|(connector|genl1|genl2)/(attributes|operations|packets))$',
      message: 'Only the vocabularies (lib/cli/drbdsetup/v83.ts …) know the tables of a dialect, by its index.',
    },
  ]),
};

export default tseslint.config(
  {
    ignores: [
      ...['dist/**', 'build*/**', 'native/build/**', 'node_modules/**', '.cache/**', 'prebuilds/**'],
      // What other packages declare decides their form.
      'lib/testing/*.d.ts',
    ],
  },
  eslint.configs.recommended,
  {
    files: ['lib/**/*.ts', 'test/**/*.ts'],
    extends: [...tseslint.configs.recommended],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' },
      ],
      // A name for an inferred type, so that editors show the name and not the whole type.
      '@typescript-eslint/no-empty-object-type': ['error', { allowInterfaces: 'with-single-extends' }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'no-restricted-syntax': [
        'error',
        { selector: 'TSEnumDeclaration', message: 'A const object says the same without code of its own.' },
        { selector: 'TSModuleDeclaration[kind="namespace"]', message: 'Modules are enough.' },
        { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
      ],
    },
  },
  ...roomRules,
  vocabularyRule,
  {
    // The only places that load at run time: the addon, and the commands of the dialect that is spoken.
    files: ['lib/**/*.ts'],
    ignores: ['lib/transport/**', 'lib/cli/drbdsetup/personalities.ts', 'lib/cli/bin/**'],
    rules: { 'no-restricted-globals': ['error', { name: 'require', message: 'Only lib/transport loads the addon.' }] },
  },
  {
    // What is loaded at run time: the addon from where it is; the commands of one dialect; the modules where there is
    // no bundle of them.
    files: ['lib/cli/drbdsetup/personalities.ts', 'lib/cli/bin/**', 'lib/transport/addon.ts'],
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
  {
    // Programs as users write them.
    files: ['examples/*.mjs', 'examples/*.cjs'],
    languageOptions: {
      globals: {
        ...{ process: 'readonly', console: 'readonly', fetch: 'readonly', AbortController: 'readonly' },
        ...{ require: 'readonly', expect: 'readonly', test: 'readonly' },
      },
    },
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
  {
    files: ['**/*.js', 'scripts/**'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: {
      sourceType: 'commonjs',
      globals: {
        require: 'readonly',
        module: 'writable',
        process: 'readonly',
        console: 'readonly',
        __dirname: 'readonly',
        Buffer: 'readonly',
        setTimeout: 'readonly',
        clearTimeout: 'readonly',
        setInterval: 'readonly',
        clearInterval: 'readonly',
        performance: 'readonly',
      },
    },
  },
);
