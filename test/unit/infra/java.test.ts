/** A Java that is missing or too old is answered before anything starts. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseJavaVersion, requireJava } from '../../../infra/local-stack/java.ts';

const signal = AbortSignal.timeout(20_000);
let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'alerts-java-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function installJava(version: string): void {
  mkdirSync(join(home, 'bin'));
  writeFileSync(join(home, 'bin/java'), `#!/bin/sh\necho 'openjdk version "${version}"' >&2\n`, { mode: 0o755 });
}

describe('Java', () => {
  it.each([
    ['openjdk version "17.0.15" 2025-04-15', 17],
    ['java version "1.8.0_392"', 8],
    ['openjdk version "21" 2023-09-19', 21],
    ['openjdk version "25-ea" 2025-09-16', 25],
    ['Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "11.0.2" 2019-01-15', 11],
    ['command not understood', undefined],
  ])('tells its version by %j', (output, version) => {
    expect(parseJavaVersion(output)).toBe(version);
  });

  it('is taken from JAVA_HOME when it is recent enough', async () => {
    installJava('17.0.1');
    expect(await requireJava({ JAVA_HOME: home }, signal)).toBe(join(home, 'bin/java'));
  });

  it('[INV-INFRA-JAVA] that is too old or missing is one sentence with the way out', async () => {
    const wayOut = /install Java 17 or later.*start Docker.*KAFKA_BROKERS, SCHEMA_REGISTRY_URL and MYSQL_URL\.$/;
    await expect(requireJava({ JAVA_HOME: home }, signal)).rejects.toThrow(/^Java is missing: /);
    await expect(requireJava({ JAVA_HOME: home }, signal)).rejects.toThrow(wayOut);
    installJava('11.0.2');
    await expect(requireJava({ JAVA_HOME: home }, signal)).rejects.toThrow(/is Java 11, and Kafka needs 17; /);
    await expect(requireJava({ JAVA_HOME: home }, signal)).rejects.toThrow(wayOut);
  });
});
