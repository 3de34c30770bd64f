'use strict';

const { existsSync } = require('node:fs');
const { join } = require('node:path');

/** One project per lane; the tests are compiled by tsc beforehand. */
const lanes = ['unit', 'golden', 'replay', 'types', 'native', 'bus', 'proc', 'peers', 'fuzz', 'kernel', 'differential'];

module.exports = {
  projects: lanes
    .map((lane) => [lane, join(__dirname, 'dist/test', lane)])
    .filter(([, folder]) => existsSync(folder))
    .map(([lane, folder]) => ({
      displayName: lane,
      rootDir: __dirname,
      roots: [folder],
      testMatch: ['**/*.test.js'],
      testEnvironment: 'node',
      transform: {},
    })),
};
