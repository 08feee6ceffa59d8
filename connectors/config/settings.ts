/**
 * Settings from environment variables: what each is called, means and may be, in one declaration.
 *
 * Invariant: a process starts with values that were all checked, or not at all with a message that names every variable in
 * question, its value and what is allowed. The value of a secret is never shown.
 */
import { readFileSync } from 'node:fs';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Setting<T> {
  readonly name: string;
  readonly meaning: string;
  /** What a value may be, to follow "allowed is". */
  readonly allowed: string;
  readonly secret: boolean;
  /** As it is shown; empty when there is none. */
  readonly defaultText: string;
  /** The value when the variable is unset or empty. */
  fallback(environment: Environment): T;
  /** Undefined for a text that is not allowed. */
  parse(text: string): T | undefined;
}

export type Settings = Readonly<Record<string, Setting<unknown>>>;
export type ValuesOf<S extends Settings> = { readonly [Key in keyof S]: S[Key] extends Setting<infer T> ? T : never };

/** The message is for the operator: one line per variable. */
export class ConfigError extends Error {
  constructor(problems: readonly string[], options?: ErrorOptions) {
    super(problems.join('\n'), options);
    this.name = 'ConfigError';
  }
}

interface Declaration<T> {
  readonly name: string;
  readonly meaning: string;
  readonly allowed: string;
  readonly secret?: boolean;
  parse(text: string): T | undefined;
}

/** Makes a setting with a default. */
export const withDefault = <T>(declaration: Declaration<T>, defaultText: string): Setting<T> => ({
  ...declaration,
  secret: declaration.secret ?? false,
  defaultText,
  fallback: () => {
    const value = declaration.parse(defaultText);
    if (value === undefined)
      throw new Error(`The default of ${declaration.name} is not allowed by its own declaration.`);
    return value;
  },
});

/** Makes a setting that is undefined when it is not given. */
export const optional = <T>(declaration: Declaration<T>): Setting<T | undefined> => ({
  ...declaration,
  secret: declaration.secret ?? false,
  defaultText: '',
  fallback: () => undefined,
});

/** Makes a setting whose default is an address on this machine at the port that another variable gives. */
export const withPortDefault = <T>(
  declaration: Declaration<T>,
  port: Setting<number>,
  addressAt: (port: string) => string,
): Setting<T> => ({
  ...withDefault(declaration, addressAt(port.defaultText)),
  defaultText: addressAt(`<${port.name}>`),
  fallback: (environment) => declaration.parse(addressAt(String(valueOf(port, environment)))) as T,
});

export const text = (name: string, meaning: string): Declaration<string> => ({
  name,
  meaning,
  allowed: 'any text',
  parse: (given) => given,
});

export const secretText = (name: string, meaning: string): Declaration<string> => ({
  ...text(name, meaning),
  secret: true,
});

export const integer = (name: string, meaning: string, least: number, most: number): Declaration<number> => ({
  name,
  meaning,
  allowed: `a whole number from ${least} to ${most}`,
  parse: (given) => {
    const value = /^\d{1,15}$/.test(given) ? Number(given) : Number.NaN;
    return value >= least && value <= most ? value : undefined;
  },
});

export const port = (name: string, meaning: string): Declaration<number> => ({
  ...integer(name, meaning, 1, 65_535),
  allowed: 'a port from 1 to 65535',
});

export const flag = (name: string, meaning: string): Declaration<boolean> => ({
  name,
  meaning,
  allowed: 'true or false',
  parse: (given) => ({ true: true, false: false })[given.toLowerCase()],
});

export const oneOf = <T extends string>(name: string, meaning: string, words: readonly T[]): Declaration<T> => ({
  name,
  meaning,
  allowed: `one of ${words.join(', ')}`,
  parse: (given) => words.find((word) => word === given.toLowerCase()),
});

/** One or several of the words, each once, in the order of `words`. */
export const someOf = <T extends string>(
  name: string,
  meaning: string,
  words: readonly T[],
): Declaration<readonly T[]> => ({
  name,
  meaning,
  allowed: `one or several of ${words.join(', ')}, separated by commas`,
  parse: (given) => {
    const chosen = new Set(given.split(',').map((word) => word.trim().toLowerCase()));
    const known = words.filter((word) => chosen.has(word));
    return known.length === chosen.size ? known : undefined;
  },
});

/** The content of the file that the variable names. */
export const fileContent = (name: string, meaning: string): Declaration<string> => ({
  name,
  meaning,
  allowed: 'the path of a file that can be read',
  parse: (path) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
  },
});

const givenText = ({ name }: Setting<unknown>, environment: Environment): string | undefined =>
  environment[name]?.trim() || undefined;

const valueOf = <T>(setting: Setting<T>, environment: Environment): T => {
  const given = givenText(setting, environment);
  if (given === undefined) return setting.fallback(environment);
  const value = setting.parse(given);
  if (value !== undefined) return value;
  const shown = setting.secret ? 'has a value that is not allowed' : `is "${given}"`;
  throw new ConfigError([`${setting.name} ${shown}; allowed is ${setting.allowed}.`]);
};

/** Reads all settings of a declaration. Throws one `ConfigError` with every problem. */
export const readSettings = <S extends Settings>(settings: S, environment: Environment): ValuesOf<S> => {
  const problems = new Set<string>();
  const values = Object.entries(settings).map(([key, setting]): [string, unknown] => {
    try {
      return [key, valueOf(setting, environment)];
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.add(error.message);
      return [key, undefined];
    }
  });
  if (problems.size > 0) throw new ConfigError([...problems]);
  return Object.fromEntries(values) as ValuesOf<S>;
};

/** The settings as lines for `--help`: name, default and meaning. */
export const describeSettings = (...declarations: readonly Settings[]): string => {
  const settings = new Map(declarations.flatMap((all) => Object.values(all)).map((setting) => [setting.name, setting]));
  const width = Math.max(...[...settings.keys()].map((name) => name.length));
  return [...settings.values()]
    .map(({ name, defaultText, meaning, allowed }) => {
      const suffix = defaultText === '' ? '' : ` [${defaultText}]`;
      return `  ${name.padEnd(width)}  ${meaning}; ${allowed}${suffix}`;
    })
    .join('\n');
};
