/**
 * All modules of a bundle share one copy of VS Code's API: without this, esbuild has each of them look at every one of
 * its hundreds of names when it is loaded, which takes most of the time of an activation.
 * @returns {import('esbuild').Plugin}
 */
export function vscodePlugin() {
  const namespace = 'vscode-once';
  return {
    name: namespace,
    setup(host) {
      host.onResolve({ filter: /^vscode$/ }, (request) =>
        request.namespace === namespace ? { path: 'vscode', external: true } : { path: 'vscode', namespace },
      );
      host.onLoad({ filter: /./, namespace }, () => ({ contents: `export * from 'vscode';` }));
    },
  };
}
