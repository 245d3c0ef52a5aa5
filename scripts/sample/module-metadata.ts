import type { Random } from './random.ts';
import { phrases, type Field } from './words.ts';

const sqlTypes: Record<Field['type'], string> = {
  varchar: 'VARCHAR(255)',
  enum: 'VARCHAR(100)',
  currency: 'DECIMAL(26,6)',
  date: 'DATE',
  datetime: 'DATETIME',
  text: 'TEXT',
  link: 'CHAR(36)',
  email: 'VARCHAR(254)',
  phone: 'VARCHAR(100)',
  int: 'INT',
  bool: 'TINYINT(1)',
  float: 'DOUBLE',
};

/** The fields, links and indexes of a module, as its entityDefs.json says them. */
export function definitions(name: string, table: string, own: readonly Field[]): unknown {
  return {
    entityType: name,
    table,
    fields: Object.fromEntries(
      own.map(({ name: field, type }) => [
        field,
        { type, notNull: field === 'name', audited: type !== 'text' },
      ]),
    ),
    links: { assignedUser: { type: 'belongsTo', entity: 'User' }, team: { type: 'hasMany', entity: 'Team' } },
    indexes: Object.fromEntries(
      own.slice(0, 4).map(({ name: field }) => [field, { columns: [field, 'deleted'] }]),
    ),
    collection: { orderBy: 'createdAt', order: 'desc' },
  };
}

/** A layout: rows of one or two fields. */
export function layoutRows(own: readonly Field[], random: Random): unknown {
  const rows: unknown[] = [];
  for (let index = 0; index < own.length; index += 2) {
    rows.push(
      own.slice(index, index + 2).map(({ name }) => ({ name, span: random.integer(1, 2), sortable: true })),
    );
  }
  return [{ label: 'Overview', rows }];
}

/** The labels of a module in one language. */
export function languageFile(name: string, own: readonly Field[], language: 'en' | 'de' | 'zh'): string {
  const title = { en: name, de: `${name} – Übersicht`, zh: `${name} 模块` }[language];
  const empty = { en: 'Nothing here yet 🙂', de: 'Noch nichts vorhanden 🙂', zh: '暂无数据 🙂' }[language];
  return `<?php
// Labels; edited by hand and by the studio.
$labels = [
    'LBL_MODULE_TITLE' => '${title}',
    'LBL_EMPTY' => '${empty}',
${own.map((field) => `    'LBL_${field.name.toUpperCase()}' => '${field[language]}',`).join('\n')}
];
`;
}

/** A page template of a module. */
export function template(name: string, own: readonly Field[], view: string): string {
  return `{* ${name} ${view} view *}
<section class="${view}-view" data-module="${name}">
  <header><h2>{$labels.LBL_MODULE_TITLE|escape}</h2></header>
  {foreach $records as $record}
  <dl class="record" id="record-{$record.id}">
${own
  .map(
    ({ name: field, type }) => `    <dt>{$labels.LBL_${field.toUpperCase()}|escape}</dt>
    <dd class="field field-${type}">{$record.${field}|escape:'html'}</dd>`,
  )
  .join('\n')}
  </dl>
  {foreachelse}
  <p class="empty">{$labels.LBL_EMPTY}</p>
  {/foreach}
</section>
`;
}

/** The script a module brings to the browser. */
export function clientScript(name: string, own: readonly Field[], random: Random): string {
  const watched = own.filter(() => random.oneIn(2)).map(({ name: field }) => field);
  return `define('custom:${name.toLowerCase()}/record', ['views/record/detail'], (Base) => class extends Base {
  watched = ${JSON.stringify(watched)};

  setup() {
    super.setup();
${watched.map((field) => `    this.listenTo(this.model, 'change:${field}', () => this.refresh('${field}', ${String(random.integer(10, 500))}));`).join('\n')}
  }

  // ${random.pick(phrases)}
  refresh(field, delay) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.getFieldView(field)?.reRender(), delay);
  }
});
`;
}

/** The styles of a module. */
export function stylesheet(table: string, random: Random): string {
  const color = (): string => `#${random.integer(0, 0xffffff).toString(16).padStart(6, '0')}`;
  return `$${table}-accent: ${color()};

.module-${table.replaceAll('_', '-')} {
  color: ${color()};
  .panel { border-left: ${String(random.integer(1, 6))}px solid $${table}-accent; padding: ${String(random.integer(2, 24))}px; }
  .badge { background: lighten($${table}-accent, ${String(random.integer(5, 40))}%); }
  @media (max-width: ${String(random.integer(40, 90) * 10)}px) { .panel { padding: 4px; } }
}
`;
}

/** The workflow rules of a module. */
export function workflow(name: string, own: readonly Field[], random: Random): string {
  const steps = own
    .filter(() => random.oneIn(2))
    .map(
      ({ name: field }, index) => `  <step order="${String(index + 1)}" field="${field}">
    <condition operator="${random.pick(['changed', 'equals', 'empty', 'greater'])}" value="${String(random.integer(0, 100))}"/>
    <action type="${random.pick(['notify', 'assign', 'mail', 'webhook'])}"><![CDATA[${random.pick(phrases)}]]></action>
  </step>`,
    );
  return `<?xml version="1.0" encoding="UTF-8"?>
<workflow module="${name}" version="${String(random.integer(1, 9))}">
${steps.join('\n')}
</workflow>
`;
}

/** Who may do what in a module. */
export function accessRules(name: string, own: readonly Field[], random: Random): string {
  const roles = ['admin', 'manager', 'sales', 'support', 'guest'];
  return `# Who may do what in ${name}.
module: ${name}
roles:
${roles
  .map(
    (role) => `  ${role}:
    read: ${random.pick(['all', 'team', 'own'])}
    edit: ${random.pick(['all', 'team', 'own', 'no'])}
    hidden: [${own
      .filter(() => random.oneIn(6))
      .map(({ name: field }) => field)
      .join(', ')}]`,
  )
  .join('\n')}
`;
}

/** The table of a module. */
export function createTable(table: string, own: readonly Field[]): string {
  return `CREATE TABLE ${table} (
  id CHAR(36) NOT NULL PRIMARY KEY,
${own.map(({ name, type }) => `  ${name} ${sqlTypes[type]} NULL,`).join('\n')}
  deleted TINYINT(1) NOT NULL DEFAULT 0
) DEFAULT CHARSET=utf8mb4;
CREATE INDEX idx_${table}_deleted ON ${table} (deleted);
`;
}
