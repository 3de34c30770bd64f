'use strict';

const { existsSync } = require('node:fs');
const { join } = require('node:path');

/** One project per lane; the tests are compiled by tsc beforehand. */
const lanes = [
  'unit',
  'golden',
  'replay',
  'types',
  'matrix',
  'docs',
  'native',
  'bus',
  'proc',
  'peers',
  'fuzz',
  'kernel',
  'differential',
];

module.exports = {
  // Jest takes one less than there are processors, and of two it would use one.
  maxWorkers: '100%',
  // A limit for what hangs, not a measure of speed: a busy machine runs these tests twenty times slower.
  testTimeout: 120_000,
  // Not in /tmp by user number: the lanes that run in a user namespace of their own are number 0 there, whoever runs
  // them.
  cacheDirectory: join(__dirname, 'dist/.jest'),
  projects: lanes
    .map((lane) => [lane, join(__dirname, 'dist/test', lane)])
    .filter(([, folder]) => existsSync(folder))
    .map(([lane, folder]) => ({
      displayName: lane,
      cacheDirectory: join(__dirname, 'dist/.jest'),
      rootDir: __dirname,
      roots: [folder],
      testMatch: ['**/*.test.js'],
      testEnvironment: 'node',
      setupFiles: [join(__dirname, 'dist/test/support/seed.js')],
      transform: {},
    })),
};
