import { appendFileSync } from 'node:fs';

/** What the suite tells its runner outside the editor, one JSON document a line. */
export type SuiteEvent =
  | { readonly kind: 'begun'; readonly title: string }
  | { readonly kind: 'passed'; readonly title: string; readonly durationMs: number }
  | { readonly kind: 'failed'; readonly title: string; readonly error: string }
  | { readonly kind: 'skipped'; readonly title: string }
  | { readonly kind: 'end'; readonly editor: string };

/** The environment variable that names the file the events go to. */
export const resultsVariable = 'CRM_BACKUP_TEST_RESULTS';

/** The environment variable that limits the run to tests whose title contains its value. */
export const grepVariable = 'CRM_BACKUP_TEST_GREP';

/** Writes one event down at once, so that a host that dies has told what it did until then. */
export function tell(event: SuiteEvent): void {
  const file = process.env[resultsVariable];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(event)}\n`);
}
