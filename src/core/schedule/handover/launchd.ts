import type { Program } from './program.ts';

/** The name of the agent. */
export const AGENT = 'com.crm-backup.schedule';

/** The agent's property list for launchd on macOS. Pure. */
export function launchdAgent({ executable, args, env, minutes }: Program): string {
  const words = [executable, ...args].map((word) => `    <string>${escaped(word)}</string>`);
  const variables = Object.entries(env).map(
    ([name, value]) => `    <key>${escaped(name)}</key>\n    <string>${escaped(value)}</string>`,
  );
  const times = minutes.map(
    (minute) => `    <dict>\n      <key>Minute</key>\n      <integer>${minute}</integer>\n    </dict>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${AGENT}</string>
  <key>ProgramArguments</key>
  <array>
${words.join('\n')}
  </array>
  <key>EnvironmentVariables</key>
  <dict>
${variables.join('\n')}
  </dict>
  <key>StartCalendarInterval</key>
  <array>
${times.join('\n')}
  </array>
  <key>ProcessType</key>
  <string>Background</string>
  <key>LowPriorityIO</key>
  <true/>
  <key>Nice</key>
  <integer>10</integer>
</dict>
</plist>
`;
}

/** Text as XML has it. Pure. */
export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
