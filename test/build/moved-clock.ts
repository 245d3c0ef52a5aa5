import { globSync } from 'node:fs';
import { findTool } from '../../scripts/tools.mjs';

const [library] = globSync('/usr/lib/{*/,}faketime/libfaketimeMT.so.1');

/** Whether this machine can run a process with another clock; tests skip by name where it cannot. */
export const hasFaketime = findTool('faketime') !== undefined && library !== undefined;

/**
 * The environment of a process for which it is another time: that moment when it starts, and then on as usual. Durations
 * are measured by the clock that nobody sets.
 * @param moment ISO 8601, UTC
 */
export function clockAt(moment: string): Record<string, string> {
  return {
    LD_PRELOAD: library ?? '',
    FAKETIME: `@${new Date(moment).toISOString().slice(0, 19).replace('T', ' ')}`,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    // The library reads its moment as local time.
    TZ: 'UTC',
  };
}

/**
 * The environment of a process whose clock is what a file says each time it is asked.
 * @param file holds `@2026-03-29 04:30:00`, in the zone
 */
export function clockFromFile(file: string, zone: string): Record<string, string> {
  return {
    LD_PRELOAD: library ?? '',
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    TZ: zone,
  };
}
