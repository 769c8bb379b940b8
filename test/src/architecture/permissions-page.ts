import { markdown } from './markdown.js';
import { path } from './tree.js';

interface PermissionRow {
  operation: string;
  needs: string;
  else: string;
}

/** `docs/reference/permissions.md` */
export async function permissionsPage(): Promise<string> {
  const table = (await import(path('apps/gateway/src/permission-table-trial.ts'))) as {
    PERMISSIONS: readonly PermissionRow[];
    MQTT_PERMISSIONS: readonly PermissionRow[];
  };
  const rows = [...table.PERMISSIONS, ...table.MQTT_PERMISSIONS].map(
    (row) => `| \`${row.operation}\` | ${quoted(row.needs)} | ${quoted(row.else)} |`,
  );
  return markdown(`# Permissions

Who may do what at the gateway. A permission is \`verb:kind:pattern\`, as \`consume:queue:orders\` or
\`publish:type:sap.s4.beh.salesorder.*\`: in a pattern \`+\` is one segment, \`*\` at its end the rest. \`*\` alone is
everything within the tenant; tenants themselves are managed by whom \`manage:tenant:…\` was given. What is not listed is
denied.

Whoever brings no token, or none that is accepted, gets 401; who lacks a permission, 403 \`permission-missing\` that
names it. What belongs to another tenant is not there: 404, and it is in no list, count or error. A token may carry less
than its client has (\`scope\` at \`/oauth/token\`), and then only that counts, at every door; so it is with the ticket that
was got with it. \`GET /v1/stream\` is the same as server-sent events and as WebSocket. What is personal in events is
masked without \`unmask:type:…\`.

This page is made from the table that the tests hold every route to (\`apps/gateway/src/permission-table-trial.ts\`,
\`npm run docs\`).

| operation | needs | without it, beside 401, 403 and 404 |
| --- | --- | --- |
${rows.join('\n')}
`);
}

/** Permissions in it are code. */
function quoted(text: string): string {
  return text.replaceAll(
    /(?:publish|consume|fetch|replay|manage):(?:type|topic|queue|client|tenant):[^\s,;]+|^\* (?=alone)/g,
    (found) => {
      const permission = found.trimEnd();
      return `\`${permission}\`${found.slice(permission.length)}`;
    },
  );
}
