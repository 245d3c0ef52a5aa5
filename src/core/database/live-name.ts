/** Names of this machine itself. */
const LOOPBACK = /^(localhost|127(\.\d+){3}|::1|\[::1\])$/i;

/** How a database of a server is called in locks; see `DatabaseEngine.liveName`. */
export function serverLiveName(database: string, host: string, port: number): string {
  return `The database “${database}” on ${LOOPBACK.test(host) ? 'localhost' : host.toLowerCase()}:${port}`;
}
