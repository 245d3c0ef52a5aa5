import type { SampleText } from './module-code.ts';
import type { Random } from './random.ts';
import { moduleNames, phrases } from './words.ts';

/** Configuration, entry points, templates and scripts of the sample CRM. Every secret in it is made up. */
export function createConfiguration(random: Random): SampleText[] {
  return [
    { path: 'README.md', text: readme },
    { path: '.env', text: environmentFile },
    {
      path: '.gitignore',
      text: '.env\nconfig/config.php\nnode_modules/\ndata/cache/\ndata/logs/\ndata/upload/\n',
    },
    { path: '.htaccess', text: 'RewriteEngine On\nRewriteRule ^(config|data|custom)/ - [F,L]\n' },
    { path: 'config/config.php', text: configPhp(random) },
    { path: 'config/modules.yaml', text: modulesYaml(random) },
    { path: 'config/routes.xml', text: routesXml() },
    { path: 'config/currencies.json', text: `${JSON.stringify(currencies(random), null, 2)}\n` },
    { path: 'public/index.php', text: indexPhp },
    { path: 'public/robots.txt', text: 'User-agent: *\nDisallow: /\n' },
    { path: 'bin/rebuild.php', text: rebuildPhp },
    {
      path: 'bin/backup-cron.sh',
      text: '#!/bin/sh\nset -eu\ncd "$(dirname "$0")/.."\nphp bin/rebuild.php --quiet\n',
    },
    ...mailTemplates(random),
  ];
}

const readme = `# Sample CRM

A home-grown CRM with nobody's data in it: people, firms and secrets are invented.

- \`app/\` the product, \`custom/\` what this company added
- \`config/\` and \`.env\` settings; both are ignored by git and must be in every backup
- \`data/records/\` one JSON file a record, \`data/exports/\` nightly CSV, \`data/upload/\` attachments
`;

const environmentFile = `# Not real. Do not copy.
APP_ENV=production
APP_SECRET=sample-only-not-a-secret-0000000000
MAIL_USER=crm@example.com
MAIL_PASSWORD=sample-only-mail-password
WEBHOOK_TOKEN=sample-only-webhook-token
TIMEZONE=Europe/Berlin
`;

function configPhp(random: Random): string {
  return `<?php

return [
    'version' => '4.2.${String(random.integer(0, 30))}',
    'siteUrl' => 'https://crm.example.com',
    'companyName' => 'Musterfirma 示例公司 🚀',
    'database' => ['driver' => 'sqlite', 'path' => 'data/crm.sqlite'],
    'passwordSalt' => 'sample-only-salt',
    'maxUploadMb' => 50,
    'languages' => ['en_US', 'de_DE', 'zh_CN'],
    'features' => ['campaigns' => 'legacy', 'consent' => false, 'darkMode' => true],
    'schemaVersion' => 41,
    'cronIntervalSeconds' => ${String(random.integer(30, 300))},
];
`;
}

function modulesYaml(random: Random): string {
  const modules = moduleNames.map(
    (name, index) => `  - name: ${name}
    enabled: ${String(!random.oneIn(8))}
    order: ${String((index + 1) * 10)}
    # ${random.pick(phrases)}
    permissions: { read: all, edit: ${random.pick(['team', 'own'])} }`,
  );
  return `schemaVersion: 41\nmodules:\n${modules.join('\n')}\n`;
}

function routesXml(): string {
  const routes = moduleNames.map(
    (name) =>
      `  <route path="/api/v1/${name}/{id}" controller="Custom\\Modules\\${name}\\Controller" methods="GET POST PUT DELETE"/>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n<routes>\n${routes.join('\n')}\n</routes>\n`;
}

function currencies(random: Random): Record<string, number> {
  return Object.fromEntries(
    ['EUR', 'USD', 'CNY', 'JPY', 'GBP', 'CHF'].map((code) => [code, random.integer(50, 16_000) / 100]),
  );
}

const indexPhp = `<?php

require __DIR__ . '/../app/bootstrap.php';

(new App\\Core\\Kernel(require __DIR__ . '/../config/config.php'))->handle($_SERVER['REQUEST_URI']);
`;

const rebuildPhp = `#!/usr/bin/env php
<?php

require __DIR__ . '/../app/bootstrap.php';

echo "Rebuilding metadata…\\n";
(new App\\Core\\Rebuild())->run(in_array('--quiet', $argv, true));
`;

function mailTemplates(random: Random): SampleText[] {
  const kinds = [
    'welcome',
    'invoice',
    'reminder',
    'quote',
    'password-reset',
    'newsletter',
    'survey',
    'case-closed',
  ];
  const languages = { en: 'Dear', de: 'Guten Tag', fr: 'Bonjour', zh: '尊敬的' };
  return kinds.flatMap((kind) =>
    Object.entries(languages).map(([language, greeting]) => ({
      path: `templates/email/${language}/${kind}.html`,
      text: `<!doctype html>
<html lang="${language}">
<body style="font-family: sans-serif">
  <p>${greeting} {{ contact.name }},</p>
${Array.from({ length: random.integer(2, 6) }, () => `  <p>${random.pick(phrases)}</p>`).join('\n')}
  <p>{{ company.signature }}</p>
</body>
</html>
`,
    })),
  );
}
