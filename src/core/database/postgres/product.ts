/** `PostgreSQL 15.18`. */
export function productOf(version: number): string {
  return `PostgreSQL ${Math.floor(version / 10_000)}.${version % 10_000}`;
}
