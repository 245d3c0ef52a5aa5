import { parseArgs } from 'node:util';

/**
 * The options a script is called with. Says what is wrong with them, and how it is called, and ends it with status 2;
 * `--help` tells that alone.
 * @template {import('node:util').ParseArgsOptionsConfig} T
 * @param {string} usage how it is called, in one line
 * @param {T} options as `parseArgs` takes them
 * @param {readonly string[]} [args]
 * @returns {ReturnType<typeof parseArgs<{ options: T }>>['values']}
 */
export function readOptions(usage, options, args = process.argv.slice(2)) {
  if (args.includes('--help')) {
    console.log(`Usage: ${usage}`);
    process.exit(0);
  }
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    // What Node says goes on with advice on options that begin with a dash.
    const [what] = (error instanceof Error ? error.message : String(error)).split('. ');
    return refuse(what ?? '', usage);
  }
}

/**
 * Ends a script that is called in a way it cannot be.
 * @param {string} why
 * @param {string} usage
 * @returns {never}
 */
export function refuse(why, usage) {
  console.error(`${why.replace(/\.$/, '')}.\nUsage: ${usage}`);
  process.exit(2);
}
