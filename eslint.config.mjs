import { builtinModules } from 'node:module';
import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Node's own modules are imported as `node:…`, so that no package can be mistaken for one. */
const bareBuiltins = builtinModules
  .filter((name) => !name.startsWith('_') && !name.startsWith('node:'))
  .map((name) => ({ name, message: `Import 'node:${name}'.` }));

const vscode = { name: 'vscode', message: 'Only src/extension.ts and src/vscode/ know the editor.' };

const texts = [
  'showInformationMessage',
  'showWarningMessage',
  'showErrorMessage',
  'withProgress',
  'showInputBox',
  'showQuickPick',
  'setStatusBarMessage',
].map((property) => ({ property, message: `Use ${property} of src/vscode/window.ts.` }));

export default defineConfig(
  globalIgnores(['dist/', 'out/', 'coverage/', 'test-results/', '.vscode-test/']),
  {
    files: ['**/*.{ts,mts,mjs}'],
    extends: [
      js.configs.recommended,
      tseslint.configs.strictTypeChecked,
      tseslint.configs.stylisticTypeChecked,
    ],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      // The compiler checks names, in the scripts too.
      'no-undef': 'off',
      'no-restricted-exports': [
        'error',
        { restrictDefaultExports: { direct: true, named: true, defaultFrom: true, namedFrom: true } },
      ],
      'no-restricted-imports': ['error', { paths: bareBuiltins }],
      'object-shorthand': 'error',
      'prefer-template': 'error',
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/prefer-readonly': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: false },
      ],
      // Deviations: loops over typed arrays index within bounds they have just checked, numbers read well in
      // sentences, `while (true)` says what it means, and a short arrow may return what its only call returns.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // An empty variable of the environment is as good as none.
      '@typescript-eslint/prefer-nullish-coalescing': ['error', { ignorePrimitives: { string: true } }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: { 'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }] },
  },
  {
    files: ['src/core/**/*.ts', 'src/engine/**/*.ts', 'src/cli.ts'],
    rules: { 'no-restricted-imports': ['error', { paths: [...bareBuiltins, vscode] }] },
  },
  {
    // The core reports through its tasks; what is printed is for its faces to decide.
    files: ['src/core/**/*.ts', 'src/vscode/**/*.ts'],
    rules: { 'no-console': 'error' },
  },
  {
    // The editor makes commands of links in these: only the functions of window.ts show names of files safely.
    files: ['src/vscode/**/*.ts', 'src/extension.ts'],
    ignores: ['src/vscode/window.ts'],
    rules: {
      'no-restricted-properties': ['error', ...texts],
    },
  },
  {
    // What VS Code's typings call classes are shapes: it takes any object that fits.
    files: ['src/vscode/**/*.ts', 'src/extension.ts', 'test/**/*.ts'],
    rules: { '@typescript-eslint/no-unsafe-class-instance-assignment': 'off' },
  },
  {
    // Tools look for the default export of their configuration, the compiler for that of a pattern module.
    files: ['*.{mts,mjs}', '**/*.d.ts'],
    rules: { 'no-restricted-exports': 'off' },
  },
);
