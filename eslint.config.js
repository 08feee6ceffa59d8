import tseslint from 'typescript-eslint';

/** Rules that hold for the deterministic core: no ambient time, randomness or timers; they are arguments there. */
const deterministicCore = {
  'no-restricted-globals': [
    'error',
    ...['setTimeout', 'setInterval', 'setImmediate', 'performance', 'process', 'fetch'].map((name) => ({
      name,
      message: `${name} is ambient; take it from a port instead.`,
    })),
  ],
  'no-restricted-properties': [
    'error',
    { object: 'Date', property: 'now', message: 'Time is an argument in the core.' },
    { object: 'Math', property: 'random', message: 'Randomness is an argument in the core.' },
    { object: 'crypto', property: 'randomUUID', message: 'Randomness is an argument in the core.' },
  ],
};

export default tseslint.config(
  { ignores: ['node_modules/', '.cache/', '.data/', 'coverage/', 'bench/results/', '**/*.cjs'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['*.js', 'infra/*.js', '.dependency-cruiser.js'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
      'max-lines': ['error', { max: 400 }],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  { files: ['streams/**', 'state/**', 'processors/**', 'topologies/**'], rules: deterministicCore },
  {
    files: ['test/**', 'bench/**'],
    rules: { 'max-lines-per-function': 'off', 'no-console': 'off' },
  },
  { files: ['bin/**', 'infra/**', 'docs/examples/**'], rules: { 'no-console': 'off' } },
  { files: ['**/*.js'], extends: [tseslint.configs.disableTypeChecked] },
);
