/**
 * The arrows of docs/architecture.md:
 *   extension.ts → vscode → engine → core ← cli.ts
 *   in core: backup, restore, compare … → source, database, crm, vault → storage, set
 * @type {import('dependency-cruiser').IConfiguration}
 */
export default {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'A cycle means that two files are one idea, or that an arrow points the wrong way.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'core-stands-alone',
      comment: 'The core could be published alone: it knows none of its faces.',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { path: '^src/', pathNot: ['^src/core/', '^src/worker-source[.]d[.]ts$'] },
    },
    {
      name: 'engine-knows-core-only',
      severity: 'error',
      from: { path: '^src/engine/' },
      to: { path: '^src/', pathNot: '^src/(core|engine)/' },
    },
    {
      name: 'cli-knows-core-only',
      comment: 'The command line uses the core in its own process.',
      severity: 'error',
      from: { path: '^src/cli([.]ts$|/)' },
      to: { path: '^src/', pathNot: '^src/(core/|cli/|cli[.]ts$)' },
    },
    {
      name: 'roots-are-not-imported',
      comment: 'extension.ts, cli.ts and engine/server.ts wire things together; nothing needs them.',
      severity: 'error',
      from: {},
      to: { path: '^src/(extension|cli|engine/server)[.]ts$' },
    },
    {
      name: 'core-runs-in-the-engine',
      comment:
        'The editor speaks to the core through the engine. Here its types may be named, and the few words both ' +
        'sides of that line share.',
      severity: 'error',
      from: { path: '^src/(vscode/|extension[.]ts$)' },
      to: {
        path: '^src/core/',
        pathNot: '^src/core/(errors|latest|printable|problem|task)[.]ts$',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'pages-stand-alone',
      comment:
        'What runs in a webview is sent everything it shows; the messages are typed on its side. It writes numbers ' +
        'as the rest of the window does.',
      severity: 'error',
      from: { path: '^src/webview/' },
      to: { path: '^src/', pathNot: '^src/(webview/|vscode/format[.]ts$)' },
    },
    {
      name: 'pages-are-only-sent-messages',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/webview/' },
      to: { path: '^src/webview/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'editor-only-in-its-face',
      comment: 'Only src/vscode/ and src/extension.ts import vscode.',
      severity: 'error',
      from: {
        path: '^(src|scripts|bench|test)/',
        pathNot: '^(src/vscode/|src/extension[.]ts$|test/vscode/)',
      },
      to: { path: ['^vscode$', '/@types/vscode/'] },
    },
    {
      name: 'sources-vault-and-sets-know-no-operation',
      comment: 'backup, restore, compare … use the sources and the vault, never the other way round.',
      severity: 'error',
      from: { path: '^src/core/(set|crm|source|database|vault|storage)/' },
      to: {
        path: '^src/core/(restore/|(backup|restore|compare|history|export|retention|schedule|metrics|guard)[.]ts$)',
      },
    },
    {
      name: 'storage-is-at-the-bottom',
      comment: 'Where bytes live knows nothing of what they mean.',
      severity: 'error',
      from: { path: '^src/core/storage/' },
      to: { path: '^src/core/(set|crm|source|database|vault)/' },
    },
    {
      name: 'sources-do-not-know-the-vault',
      comment: 'What is read and where it is kept meet in the operations.',
      severity: 'error',
      from: { path: '^src/core/(source|database)/' },
      to: { path: '^src/core/(vault|storage)/' },
    },
    {
      name: 'vault-does-not-know-the-sources',
      comment: 'Only how a name is written as bytes is one thing for both.',
      severity: 'error',
      from: { path: '^src/core/vault/' },
      to: { path: '^src/core/(set|crm|source|database)/', pathNot: '^src/core/source/name[.]ts$' },
    },
    {
      name: 'product-needs-no-test',
      severity: 'error',
      from: { path: '^(src|scripts)/' },
      to: { path: '^test/' },
    },
    {
      name: 'everything-resolves',
      comment: 'Every import leads somewhere: a file of ours, a package in package.json, or Node itself.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: ['^vscode$', '[?]worker$'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|out|coverage|test-results)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.mts', '.mjs', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'types', 'default'],
    },
  },
};
