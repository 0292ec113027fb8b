/** Tests run as native ES modules; @swc/jest strips the types (TypeScript 7 has no compiler API for ts-jest). */
export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' }, sourceMaps: 'inline' },
    ],
  },
  testMatch: ['<rootDir>/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '/.data/', '/clients/'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.data/', '<rootDir>/.cache/'],
  globalSetup: '<rootDir>/test/support/run.mjs',
  globalTeardown: '<rootDir>/test/support/run-end.mjs',
  testTimeout: 30_000,
  maxWorkers: 2,
  // Modules of a finished file stay in the memory of its worker; one that has grown is replaced, which is faster than its garbage collector.
  workerIdleMemoryLimit: '800MB',
};
