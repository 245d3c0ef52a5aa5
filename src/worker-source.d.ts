/** The source text of a worker thread's entry, bundled on its own; see scripts/worker-plugin.mjs. */
declare module '*?worker' {
  const source: string;
  export default source;
}
