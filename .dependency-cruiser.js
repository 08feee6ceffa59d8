/**
 * The folder rules of docs/ARCHITECTURE.md as a gate: what each folder may import, which packages belong to whom, and no
 * cycles anywhere. `npm run check` runs it.
 */
const folders = {
  schemas: [],
  streams: [],
  state: ['streams'],
  processors: ['streams', 'schemas'],
  topologies: ['streams', 'state', 'processors', 'schemas'],
  connectors: ['streams', 'schemas'],
  sink: ['connectors', 'schemas'],
  notifications: ['connectors', 'schemas', 'sink'],
  gateway: ['connectors', 'schemas', 'sink', 'notifications'],
  cli: ['schemas', 'streams', 'state', 'processors', 'topologies', 'connectors', 'sink', 'gateway', 'infra'],
};

const internal = [
  'schemas',
  'streams',
  'state',
  'processors',
  'topologies',
  'connectors',
  'sink',
  'notifications',
  'gateway',
  'cli',
  'bin',
  'infra',
  'test',
  'bench',
];

const folderRules = Object.entries(folders).map(([folder, allowed]) => ({
  name: `${folder}-imports`,
  comment: `${folder}/ may import only: ${[folder, ...allowed].join(', ')}`,
  severity: 'error',
  from: { path: `^${folder}/` },
  to: { path: `^(${internal.filter((name) => name !== folder && !allowed.includes(name)).join('|')})/` },
}));

/** A package that only the named folders may import. */
const owned = (name, packages, owners) => ({
  name: `only-${name}`,
  comment: `${packages} belongs to ${owners.join(', ')}`,
  severity: 'error',
  from: { path: `^(${internal.join('|')})/`, pathNot: `^(${[...owners, 'test', 'bench'].join('|')})/` },
  to: { path: `node_modules/${packages}/` },
});

export default {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    ...folderRules,
    {
      name: 'core-has-no-dependencies',
      comment: 'streams/ and processors/ stand alone: no packages, no node built-ins with ambient state',
      severity: 'error',
      from: { path: '^(streams|processors|topologies)/' },
      to: { dependencyTypes: ['npm', 'npm-dev', 'npm-optional', 'npm-peer'] },
    },
    {
      name: 'core-has-no-io',
      severity: 'error',
      from: { path: '^(streams|processors|topologies)/' },
      to: {
        path: '^(node:)?(fs|net|http|https|child_process|worker_threads|os|timers|crypto|perf_hooks)(/|$)',
        dependencyTypes: ['core'],
      },
    },
    owned('state-opens-rocksdb', '(rocksdb|@nxtedition)', ['state']),
    owned('connectors-speak-kafka', '(kafkajs|@kafkajs|avsc)', ['connectors']),
    owned('connectors-speak-mysql', 'mysql2', ['connectors']),
    owned('connectors-send-mail', 'nodemailer', ['connectors']),
    owned('connectors-trace', '@opentelemetry', ['connectors']),
    {
      name: 'nobody-imports-bin-or-bench',
      severity: 'error',
      from: { pathNot: '^(bin|bench|test)/' },
      to: { path: '^(bin|bench|test)/' },
    },
    {
      name: 'only-bin-imports-cli',
      severity: 'error',
      from: { pathNot: '^(cli|bin|test|bench)/' },
      to: { path: '^cli/' },
    },
    {
      name: 'gateway-reads-only-the-read-model',
      severity: 'error',
      from: { path: '^gateway/' },
      to: { path: '^sink/', pathNot: '^sink/read-model' },
    },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    includeOnly: {
      path: '^(schemas|streams|state|processors|topologies|connectors|sink|notifications|gateway|cli|bin|infra|test|bench|node_modules|node:)|^(fs|net|http|https|child_process|worker_threads|os|timers|crypto|perf_hooks)(/|$)',
    },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.json'],
    },
  },
};
