import { fieldWords, isOpenToPublish, loadSchemaFiles, type FieldWords, type SchemaFile } from '@heddle/schema';
import { doorsOf } from './event-doors.js';
import { markdown } from './markdown.js';
import { path } from './tree.js';

const FOLDER = 'docs/reference/events';

/** `docs/reference/events`: a page for each business object, and one that lists them. Keys are paths from the root. */
export async function eventPages(): Promise<Map<string, string>> {
  const files = await loadSchemaFiles(path('schemas'));
  const objects = Map.groupBy(files, ({ description }) => description.object);
  const pages = new Map<string, string>([[`${FOLDER}/README.md`, await listPage(objects)]]);
  for (const [object, members] of objects) pages.set(`${FOLDER}/${object}.md`, await objectPage(object, members));
  return pages;
}

function listPage(objects: ReadonlyMap<string, readonly SchemaFile[]>): Promise<string> {
  const rows = [...objects].flatMap(([object, members]) =>
    members.map(({ description: { type, summary } }) => `| \`${type}\` | [${object}](${object}.md) | ${summary} |`),
  );
  return markdown(`# Events

Every event type of the schemas in [schemas](../../../schemas), by business object. How each arrives, field by field, is on the page of its object; \`/v1/catalogue\` of a running
gateway has what is registered there, \`/asyncapi.json\` the same as a document for tools.

| type | object | what happened |
| --- | --- | --- |
${rows.join('\n')}

Data is in its [JSON form](../../decisions/0003-json-form-of-avro.md) at every door but Kafka, where it is Avro under the schema of its type.
These pages are made from the schemas (\`npm run docs\`).
`);
}

async function objectPage(object: string, members: readonly SchemaFile[]): Promise<string> {
  const [first] = members;
  if (first === undefined) throw new RangeError('an object has at least one event');
  const { topic, key, owner, fetch } = first.description;
  const isOpen = isOpenToPublish(first.description);
  const raised =
    owner === undefined
      ? 'published by anybody who may'
      : `raised by the service \`${owner}\`${isOpen ? ', and published by anybody who may' : ' alone'}`;
  const fetched = fetch === undefined ? 'not to be fetched' : `\`GET /v1/objects/${object}/{key}\``;
  return markdown(`# Events of ${object}

| | |
| --- | --- |
| topic | \`${topic}\`, with the tenant and a dot in front for tenants other than \`local\` |
| key | \`${key}\`: the record key on Kafka, the \`subject\` of the event |
| who | ${raised} |
| object | ${fetched} |
| in TypeScript | \`${pascalCase(object)}Event\`, \`${pascalCase(object)}Events\` of \`@heddle/schemas\` |

${members.map(eventSection).join('\n')}
## What arrives

At each door, with the example of \`${first.description.type}\`. Ids of schemas and events, tokens, times and signatures are those of the example.

${await doorsOf(first)}
`);
}

function eventSection({ description, schema, file }: SchemaFile): string {
  const fields = fieldWords(schema);
  return `## ${description.type.split('.').slice(-3, -1).join(' ')}

${description.summary} \`${description.type}\` ([schema](../../../schemas/${file}))

| field | type | left out | meaning |
| --- | --- | --- | --- |
${fields.map(fieldRow).join('\n')}

\`\`\`json
${JSON.stringify(description.example, null, 2)}
\`\`\`
`;
}

function fieldRow({ path: name, type, default: fallback, doc, isPersonal }: FieldWords): string {
  const left = fallback === undefined ? '' : `\`${JSON.stringify(fallback)}\``;
  return `| \`${name}\` | ${type} | ${left} | ${doc}${isPersonal ? ' Personal: masked without `unmask`.' : ''} |`;
}

function pascalCase(words: string): string {
  return words.replaceAll(/(?:^|-)(\w)/g, (_match, letter: string) => letter.toUpperCase());
}
