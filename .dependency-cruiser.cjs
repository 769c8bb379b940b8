/**
 * The dependency table of ARCHITECTURE.md as rules. What a library is not allowed here it may not import, in types
 * neither; its tests may know more.
 */
/** Tests, and the trials that tests share beside the sources. */
const TESTS = ['[.](test|contract|setup)[.]ts$', '[/-]trial[.]ts$'];
const NEST = ['@nestjs/common', '@nestjs/core', '@nestjs/platform-fastify', 'fastify', 'rxjs', 'reflect-metadata'];

/** What of ours, and which packages from outside, a library may know. */
const LIBRARIES = {
  event: { ours: [], outside: [] },
  schema: { ours: ['event'], outside: ['avsc', '@kafkajs/confluent-schema-registry'] },
  kafka: {
    ours: ['event', 'schema'],
    outside: ['kafkajs', 'snappy', 'lz4-napi', '@node-rs/crc32', '@nestjs/microservices', 'rxjs'],
  },
  outbox: { ours: ['event', 'schema'], outside: ['kysely', 'pg', 'prom-client'] },
  auth: {
    ours: ['event'],
    outside: ['jose', '@nestjs/common', '@nestjs/platform-fastify', 'fastify', 'reflect-metadata'],
  },
  runtime: { ours: ['event'], outside: ['zod', 'pino', 'prom-client', ...NEST] },
  mesh: {
    ours: ['event', 'schema', 'auth', 'kafka', 'outbox', 'runtime'],
    outside: ['zod', 'prom-client', 'kysely', '@nestjs/microservices', ...NEST],
  },
  odata: { ours: ['event', 'auth', 'runtime'], outside: ['kysely', 'fastify', 'zod', 'sax'] },
  client: { ours: [], outside: ['@nestjs/common', 'rxjs'] },
};

/** The doors of libraries: their index.ts, what tests of services enter the mesh by, what pages and NestJS enter the client by. */
const DOORS = ['^libs/[^/]+/src/index\\.ts$', '^libs/mesh/src/trial\\.ts$', '^libs/client/src/(stream|nest)\\.ts$'];

const APP_PACKAGES = [...NEST, '@nestjs/microservices', 'zod', 'prom-client'];
const APPS = {
  cli: ['kafkajs', 'yaml'],
  flows: [...NEST, 'zod', 'yaml', 'prom-client', 'undici'],
  gateway: [...APP_PACKAGES, 'undici', 'ws', 'mqtt-packet', '@marcbachmann/cel-js', 're2js', 'ipaddr.js'],
  'sales-order': [...APP_PACKAGES, 'kysely', 'pg'],
  'business-partner': [...APP_PACKAGES, 'kysely', 'pg'],
  contract: [...APP_PACKAGES, 'kysely', 'pg'],
};

/** Packages that one place knows, so that changing them is a change in one place. */
const AT_HOME = {
  undici: [
    '^apps/gateway/src/((deliver|hop)\\.ts$|fetch/|network/|protocols/webhook/)',
    '^apps/flows/src/receivers/',
    '^(bench|test)/',
  ],
  ws: ['^apps/gateway/src/protocols/websocket/', '^(bench|test)/'],
  'mqtt-packet': ['^apps/gateway/src/protocols/mqtt/', '^(bench|test)/'],
  '@marcbachmann/cel-js': ['^apps/gateway/src/filters/'],
  re2js: ['^apps/gateway/src/filters/'],
  'ipaddr.js': ['^apps/gateway/src/network/'],
  jose: ['^libs/auth/', '^(bench|test)/'],
  kafkajs: ['^libs/kafka/', '^apps/cli/src/checks/', '^(bench|test)/'],
  avsc: ['^libs/schema/', '^(bench|test)/'],
  '@kafkajs/confluent-schema-registry': ['^libs/schema/', '^(bench|test)/'],
};

const forbidden = [
  rule('no-cycles', 'files that need each other are one idea', {}, { circular: true }),
  rule(
    'resolvable',
    'an import that leads nowhere; programs that are installed only where their test runs have packages of their own',
    { pathNot: '^test/interop/sap-cloud-sdk/' },
    { couldNotResolve: true },
  ),
  rule(
    'declared',
    'a package that the package.json of its workspace does not declare; the tools of all tests stand in the root',
    {},
    {
      dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'deprecated'],
      pathNot: packages(['vitest', 'fast-check', 'prettier', 'typescript']),
    },
  ),
  rule(
    'not-for-production',
    'a development dependency outside tests',
    { path: '^(libs|apps|schemas)/', pathNot: TESTS },
    { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only', 'npm', 'npm-peer'] },
  ),

  ...Object.entries(LIBRARIES).flatMap(([name, { ours, outside }]) => [
    rule(
      `${name}-knows-of-ours`,
      `libs/${name} may import of ours only: ${ours.join(', ') || 'nothing'}`,
      { path: `^libs/${name}/`, pathNot: TESTS },
      { path: '^(libs|apps|schemas|infra|bench|examples)/', pathNot: `^libs/(${[name, ...ours].join('|')})/` },
    ),
    rule(
      `${name}-knows-outside`,
      `libs/${name} may import of others only: ${outside.join(', ') || 'nothing but Node itself'}`,
      { path: `^libs/${name}/`, pathNot: TESTS },
      { path: 'node_modules/', ...(outside.length === 0 ? {} : { pathNot: packages(outside) }) },
    ),
  ]),
  rule(
    'nest-is-behind-its-door',
    'of libs/client only what NestJS enters it by may import NestJS',
    { path: '^libs/client/', pathNot: ['^libs/client/src/nest[.-]', ...TESTS] },
    { path: 'node_modules/' },
  ),
  rule(
    'every-library-has-a-row',
    'a library without a row in the table of this file',
    { path: '^libs/', pathNot: `^libs/(${Object.keys(LIBRARIES).join('|')})/` },
    {},
  ),

  ...Object.entries(APPS).map(([name, outside]) =>
    rule(
      `${name}-knows-outside`,
      `apps/${name} may import of others only: ${outside.join(', ')}`,
      { path: `^apps/${name}/`, pathNot: TESTS },
      { path: 'node_modules/', pathNot: packages(outside) },
    ),
  ),
  rule(
    'every-app-has-a-row',
    'an app without a row in the table of this file',
    { path: '^apps/', pathNot: `^apps/(${Object.keys(APPS).join('|')})/` },
    {},
  ),
  rule(
    'apps-never-import-apps',
    'what two apps need is a library',
    { path: '^apps/([^/]+)/' },
    { path: '^apps/', pathNot: '^apps/$1/' },
  ),
  rule('apps-are-not-imported', 'apps are entered by starting them', { pathNot: '^(apps|test)/' }, { path: '^apps/' }),
  rule(
    'infra-is-for-tests',
    'what runs in production does not know how it is started here',
    { path: '^(libs|apps|schemas)/', pathNot: TESTS },
    { path: '^(infra|bench|examples)/' },
  ),

  rule(
    'enter-by-the-door',
    'a library is entered by its index.ts only',
    { path: '^libs/([^/]+)/' },
    { path: '^libs/', pathNot: ['^libs/$1/', ...DOORS] },
  ),
  rule(
    'enter-by-the-door-from-outside',
    'a library is entered by its index.ts only',
    { pathNot: '^libs/' },
    { path: '^libs/', pathNot: DOORS },
  ),
  rule(
    'enter-by-name',
    'a library is entered by its package name, not by a path',
    { path: '^libs/([^/]+)/' },
    { path: '^libs/', pathNot: '^libs/$1/', dependencyTypes: ['local'] },
  ),
  rule(
    'enter-by-name-from-outside',
    'a library is entered by its package name, not by a path',
    { pathNot: '^libs/' },
    // Of the root's own files, the examples, a workspace entered by its name is local, too.
    { path: '^libs/', dependencyTypes: ['local'], dependencyTypesNot: ['aliased-workspace'] },
  ),

  rule(
    'nothing-imports-test',
    'only tests may import from test/, and of it only the contract suites',
    { pathNot: ['^test/', ...TESTS] },
    { path: '^test/' },
  ),
  rule(
    'tests-import-contracts',
    'of test/ the tests beside the sources use the contract suites only',
    { path: TESTS, pathNot: '^test/' },
    { path: '^test/', pathNot: '^test/src/contract/[a-z-]+\\.contract\\.ts$' },
  ),
  rule(
    'tests-stay-tests',
    'what production imports is no test',
    { pathNot: ['^test/', ...TESTS] },
    { path: TESTS, pathNot: 'node_modules' },
  ),

  ...Object.entries(AT_HOME).map(([name, homes]) =>
    rule(
      `${name.replaceAll(/[@/]+/g, '-')}-at-home`,
      `${name} has one home`,
      { pathNot: [...homes, ...TESTS, '^examples/'] },
      { path: packages([name]) },
    ),
  ),
];

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden,
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^((apps|libs)/[^/]+|infra|test|bench|schemas)/dist/' },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['source', 'import', 'node', 'default', 'types'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};

function rule(name, comment, from, to) {
  return { name, comment, severity: 'error', from, to };
}

/** Matches files of these packages, and of their types where those come in a package of their own. */
function packages(names) {
  return `node_modules/(@types/)?(${names.join('|')})/`;
}
