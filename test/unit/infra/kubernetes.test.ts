/**
 * The manifests for Kubernetes, against the API's own schemas and types: what is required, of which type and form, and that no field is
 * there that the API does not know.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import {
  PROCESS_SETTINGS,
  PROCESSOR_SETTINGS,
  SETUP_SETTINGS,
  SINK_SETTINGS,
} from '../../../connectors/config/processes.ts';
import { KAFKA_SETTINGS, MYSQL_SETTINGS, REGISTRY_SETTINGS } from '../../../connectors/config/services.ts';
import type { Settings } from '../../../connectors/config/settings.ts';
import { TRACING_SETTINGS } from '../../../connectors/config/tracing.ts';
import { GATEWAY_SETTINGS } from '../../../gateway/config.ts';
import { projectRoot } from '../../../infra/local-stack/settings.ts';

const FOLDER = join(projectRoot, 'infra/kubernetes');
/** Not of the Kubernetes API itself. */
const OTHERS = ['kustomization.yaml', 'prometheus-adapter.yaml'];

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, string>>;
}

const documentsOf = (file: string): Manifest[] =>
  parseAllDocuments(readFileSync(join(FOLDER, file), 'utf8'), { merge: true }).map(
    (document) => document.toJS({ maxAliasCount: -1 }) as Manifest,
  );

const files = readdirSync(FOLDER).filter((file) => !OTHERS.includes(file));
const manifests = files.flatMap((file) => documentsOf(file).map((manifest) => ({ file, ...manifest, manifest })));
const named = (kind: string, name: string): Manifest => {
  const found = manifests.find((each) => each.kind === kind && each.metadata.name === name);
  if (found === undefined) throw new Error(`There is no ${kind} ${name}.`);
  return found.manifest;
};

const modelPath = ({ apiVersion, kind }: Manifest): string => `kubernetes-models/${apiVersion}/${kind}`;

/** Rejects, saying what is wrong, as the API would refuse it. */
const validate = async (manifest: Manifest): Promise<void> => {
  const model = (await import(modelPath(manifest))) as Record<string, new (data: Manifest) => { validate(): void }>;
  const Model = model[manifest.kind];
  if (Model === undefined) throw new Error(`The API knows no ${manifest.apiVersion} ${manifest.kind}.`);
  new Model(manifest).validate();
};

/** What the compiler says of the manifests as literals of the API's types: an unknown field is an excess property. */
const typeProblems = (checked: readonly Manifest[]): string[] => {
  const fileName = join(projectRoot, 'infra', 'manifests.ts');
  const source = checked
    .map((manifest, index) => {
      const { kind } = manifest;
      const type = `import('${modelPath(manifest)}').I${kind}`;
      return `export const m${index}: ${type} = ${JSON.stringify(manifest)};`;
    })
    .join('\n');
  const options: ts.CompilerOptions = {
    ...{ noEmit: true, strict: true, skipLibCheck: true, types: [], lib: ['lib.es2022.d.ts'] },
    ...{
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
    },
  };
  const host = ts.createCompilerHost(options);
  const readSource = host.getSourceFile.bind(host);
  host.getSourceFile = (name, ...rest) =>
    name === fileName ? ts.createSourceFile(name, source, ts.ScriptTarget.ES2022) : readSource(name, ...rest);
  host.fileExists = (name) => name === fileName || ts.sys.fileExists(name);
  const program = ts.createProgram([fileName], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, ' '));
};

interface Workload {
  readonly replicas?: number;
  readonly template: {
    readonly metadata: { readonly labels: Readonly<Record<string, string>> };
    readonly spec: {
      readonly automountServiceAccountToken: boolean;
      readonly securityContext: Readonly<Record<string, unknown>>;
      readonly containers: readonly Container[];
    };
  };
}

interface Container {
  readonly command: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly envFrom: readonly Readonly<Record<string, { readonly name: string }>>[];
  readonly ports?: readonly { readonly name: string }[];
  readonly livenessProbe?: { readonly httpGet: { readonly path: string } };
  readonly readinessProbe?: { readonly httpGet: { readonly path: string } };
  readonly startupProbe?: object;
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly resources: { readonly limits: object; readonly requests: object };
}

const workloads = [
  named('StatefulSet', 'processor'),
  named('Deployment', 'sink'),
  named('Deployment', 'notifier'),
  named('Deployment', 'gateway'),
  named('Job', 'setup'),
].map((manifest) => ({ ...manifest, workload: manifest.spec as unknown as Workload }));
const running = workloads.filter(({ kind }) => kind !== 'Job');

describe('the manifests', () => {
  it.each(manifests)('hold to the schema of the API: $file $kind $metadata.name', async ({ manifest }) => {
    await expect(validate(manifest)).resolves.toBeUndefined();
  });

  it('have no field that the API does not know', () => {
    const misspelt = { ...named('Deployment', 'sink'), spec: { ...named('Deployment', 'sink').spec, replica: 3 } };
    const problems = typeProblems([...manifests.map(({ manifest }) => manifest), misspelt]);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`'"replica"' does not exist`);
  }, 60_000);

  it('would be refused when something is missing or of another kind', async () => {
    const sink = named('Deployment', 'sink');
    await expect(validate({ ...sink, spec: { ...sink.spec, replicas: 'two' } })).rejects.toThrow('replicas');
    await expect(validate({ ...sink, spec: { replicas: 2 } })).rejects.toThrow();
  });

  it('are all applied together', () => {
    const { resources } = documentsOf('kustomization.yaml')[0] as unknown as { resources: string[] };
    expect(resources.toSorted()).toEqual(files.toSorted());
  });
});

describe('the pods', () => {
  it.each(workloads)('have no rights that they do not need: $metadata.name', ({ workload }) => {
    const { spec, metadata } = workload.template;
    expect(spec.automountServiceAccountToken).toBe(false);
    expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(metadata.labels['alerts/uses-services']).toBe('true');
    for (const { securityContext, resources } of spec.containers) {
      expect(securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(Object.keys(resources.requests)).toEqual(['cpu', 'memory']);
      expect(Object.keys(resources.limits)).toContain('memory');
    }
  });

  it.each(running)(
    'are probed, disturbed one at a time, and more than one: $metadata.name',
    ({ metadata, workload }) => {
      const [container] = workload.template.spec.containers;
      expect(container?.livenessProbe?.httpGet.path).toBe('/live');
      // The gateway takes alerts as long as it lives; see the manifest.
      expect(container?.readinessProbe?.httpGet.path).toBe(metadata.name === 'gateway' ? '/live' : '/ready');
      expect(container?.startupProbe).toBeDefined();
      expect(workload.replicas).toBeGreaterThan(1);
      expect(named('PodDisruptionBudget', metadata.name).spec).toMatchObject({
        maxUnavailable: 1,
        selector: { matchLabels: { 'app.kubernetes.io/name': metadata.name } },
      });
    },
  );

  it('keep their state on a volume of their own and are scaled by what waits', () => {
    expect(named('StatefulSet', 'processor').spec?.['volumeClaimTemplates']).toHaveLength(1);
    const { minReplicas, maxReplicas, metrics } = named('HorizontalPodAutoscaler', 'processor').spec as {
      minReplicas: number;
      maxReplicas: number;
      metrics: { type: string; external: { metric: { name: string } } }[];
    };
    expect([minReplicas, maxReplicas]).toEqual([2, 4]);
    const adapter = documentsOf('prometheus-adapter.yaml')[0] as unknown as {
      rules: { external: { name: { as: string } }[] };
    };
    expect(metrics.map(({ external }) => external.metric.name)).toEqual(
      adapter.rules.external.map(({ name }) => name.as),
    );
  });
});

describe('what the pods are told', () => {
  const all: readonly Settings[] = [
    ...[PROCESS_SETTINGS, PROCESSOR_SETTINGS, SINK_SETTINGS, SETUP_SETTINGS, GATEWAY_SETTINGS],
    ...[KAFKA_SETTINGS, MYSQL_SETTINGS, REGISTRY_SETTINGS, TRACING_SETTINGS],
  ];
  const settings = new Map(all.flatMap((each) => Object.values(each)).map((setting) => [setting.name, setting]));

  it('are settings that there are, with values that are allowed, and no secrets', () => {
    const told = [
      ...Object.entries(named('ConfigMap', 'alerts-configuration').data ?? {}),
      ...workloads.flatMap(({ workload }) =>
        workload.template.spec.containers.flatMap(({ env = [] }) =>
          env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value] as const])),
        ),
      ),
    ];
    for (const [name, value] of told) {
      const setting = settings.get(name);
      expect(setting, name).toBeDefined();
      if (name === 'SCHEMA_REGISTRY_URL') expect(value).not.toContain('@');
      else expect(setting?.secret, name).toBe(false);
      if (!name.endsWith('_FILE')) expect(setting?.parse(value), `${name}=${value}`).toBeDefined();
    }
  });

  it('are secrets by reference only', () => {
    expect(manifests.filter(({ kind }) => kind === 'Secret')).toEqual([]);
    for (const { workload } of workloads)
      for (const { envFrom } of workload.template.spec.containers)
        expect(envFrom).toContainEqual({ secretRef: { name: 'alerts-credentials' } });
  });

  it('are the rules of the repository', () => {
    const rules = named('ConfigMap', 'alerts-rules').data?.['rules.json'] ?? '';
    expect(JSON.parse(rules)).toEqual(JSON.parse(readFileSync(join(projectRoot, 'rules.json'), 'utf8')));
  });
});
