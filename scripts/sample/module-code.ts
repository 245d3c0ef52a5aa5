import {
  accessRules,
  clientScript,
  createTable,
  definitions,
  languageFile,
  layoutRows,
  stylesheet,
  template,
  workflow,
} from './module-metadata.ts';
import type { Random } from './random.ts';
import { fields, phrases, type Field } from './words.ts';

/** A text file of the sample CRM, its path relative to the folder it belongs to. */
export interface SampleText {
  readonly path: string;
  readonly text: string;
}

/** All files of one custom module, the way a CRM's studio and its developers leave them. */
export function createModule(name: string, random: Random): SampleText[] {
  const table = name.replaceAll(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
  const own = fields.filter((field) => field.name === 'name' || !random.oneIn(3));
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  return [
    { path: 'Entity.php', text: entity(name, table, own) },
    { path: 'Repository.php', text: repository(name, table, own, random) },
    { path: 'Controller.php', text: controller(name, own, random) },
    { path: 'Service.php', text: service(name, own, random) },
    { path: 'Hooks/BeforeSave.php', text: hook(name, 'BeforeSave', own, random) },
    { path: 'Hooks/AfterRelate.php', text: hook(name, 'AfterRelate', own, random) },
    { path: 'metadata/entityDefs.json', text: json(definitions(name, table, own)) },
    {
      path: 'metadata/scopes.json',
      text: json({ entity: true, tab: random.oneIn(2), acl: true, module: 'Custom' }),
    },
    ...['detail', 'list', 'search', 'listSmall', 'massUpdate'].map((layout) => ({
      path: `layouts/${layout}.json`,
      text: json(layoutRows(own, random)),
    })),
    ...(['en', 'de', 'zh'] as const).map((language) => ({
      path: `language/${{ en: 'en_US', de: 'de_DE', zh: 'zh_CN' }[language]}.lang.php`,
      text: languageFile(name, own, language),
    })),
    { path: 'views/detail.tpl', text: template(name, own, 'detail') },
    { path: 'views/list.tpl', text: template(name, own, 'list') },
    { path: 'client/record.js', text: clientScript(name, own, random) },
    { path: 'client/module.scss', text: stylesheet(table, random) },
    { path: 'workflow.xml', text: workflow(name, own, random) },
    { path: 'acl.yaml', text: accessRules(name, own, random) },
    { path: 'schema.sql', text: createTable(table, own) },
  ];
}

function entity(name: string, table: string, own: readonly Field[]): string {
  const accessors = own.map(({ name: field, type, en }) => {
    const method = field.charAt(0).toUpperCase() + field.slice(1);
    const phpType = type === 'int' ? 'int' : type === 'bool' ? 'bool' : type === 'float' ? 'float' : 'string';
    return `    /** ${en}. */
    public function get${method}(): ?${phpType}
    {
        return $this->get('${field}');
    }

    public function set${method}(?${phpType} $value): self
    {
        $this->set('${field}', $value);

        return $this;
    }`;
  });
  return `<?php

declare(strict_types=1);

namespace Custom\\Modules\\${name};

use App\\Core\\ORM\\BaseEntity;

final class Entity extends BaseEntity
{
    public const ENTITY_TYPE = '${name}';
    public const TABLE = '${table}';

${accessors.join('\n\n')}
}
`;
}

function repository(name: string, table: string, own: readonly Field[], random: Random): string {
  const finders = own
    .filter(() => random.oneIn(3))
    .map(
      ({ name: field }) => `
    /** @return Entity[] */
    public function findBy${field.charAt(0).toUpperCase()}${field.slice(1)}(mixed $value, int $limit = ${String(random.integer(2, 20) * 10)}): array
    {
        return $this->query(
            'SELECT id, ${own.map((other) => other.name).join(', ')} FROM ${table} WHERE ${field} = :value AND deleted = 0 LIMIT :limit',
            ['value' => $value, 'limit' => $limit],
        );
    }`,
    );
  return `<?php

declare(strict_types=1);

namespace Custom\\Modules\\${name};

use App\\Core\\ORM\\BaseRepository;

final class Repository extends BaseRepository
{
    protected string $table = '${table}';
${finders.join('\n')}
}
`;
}

function controller(name: string, own: readonly Field[], random: Random): string {
  const actions = ['index', 'read', 'create', 'update', 'delete', 'massUpdate', 'export'].filter(
    () => !random.oneIn(4),
  );
  return `<?php

namespace Custom\\Modules\\${name};

use App\\Core\\Controllers\\RecordController;
use App\\Core\\Http\\{Request, Response, Forbidden};

class Controller extends RecordController
{
    protected array $allowed = [${own.map(({ name: field }) => `'${field}'`).join(', ')}];
${actions
  .map(
    (action) => `
    public function ${action}Action(Request $request, Response $response): void
    {
        if (!$this->acl->check('${name}', '${action}')) {
            throw new Forbidden("No access to ${action} ${name}.");
        }
        $data = $request->only($this->allowed);
        $data['limit'] = min((int) ($data['limit'] ?? ${String(random.integer(10, 200))}), 500);
        $response->json($this->service->${action}($request->routeParam('id'), $data));
    }`,
  )
  .join('\n')}
}
`;
}

function service(name: string, own: readonly Field[], random: Random): string {
  const rules = own.map(
    ({ name: field, type }) =>
      `            '${field}' => ['type' => '${type}', 'required' => ${String(random.oneIn(4))}, 'max' => ${String(random.integer(1, 50) * 10)}],`,
  );
  return `<?php

namespace Custom\\Modules\\${name};

use App\\Core\\Services\\RecordService;
use Psr\\Log\\LoggerInterface;

/**
 * ${random.pick(phrases)}
 */
class Service extends RecordService
{
    public function __construct(private readonly Repository $repository, private readonly LoggerInterface $log)
    {
    }

    protected function rules(): array
    {
        return [
${rules.join('\n')}
        ];
    }

    public function summarize(string $id): array
    {
        $entity = $this->repository->getById($id);
        // ${random.pick(phrases)}
        $this->log->info('${name} summarized', ['id' => $id]);

        return [
${own.map(({ name: field }) => `            '${field}' => $entity->get('${field}'),`).join('\n')}
        ];
    }
}
`;
}

function hook(name: string, kind: string, own: readonly Field[], random: Random): string {
  const field = random.pick(own).name;
  return `<?php

namespace Custom\\Modules\\${name}\\Hooks;

use App\\Core\\ORM\\Entity;

class ${kind}
{
    public static int $order = ${String(random.integer(1, 99))};

    // ${random.pick(phrases)}
    public function handle(Entity $entity, array $options = []): void
    {
        if ($options['silent'] ?? false) {
            return;
        }
        if ($entity->isAttributeChanged('${field}')) {
            $entity->set('modifiedAt', date('Y-m-d H:i:s'));
            $entity->set('score', crc32((string) $entity->get('${field}')) % ${String(random.integer(50, 5000))});
        }
    }
}
`;
}
