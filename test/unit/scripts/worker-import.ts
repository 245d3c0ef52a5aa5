/** What the worker of worker-plugin.test.ts imports, to see that its bundle is complete. */
export function answer(who: string): string {
  return `the ${who} answers`;
}
