/**
 * The language of conditions: comparisons of a few named numbers, such as `count > threshold` or `rate >= 5 and total > 20`.
 *
 *     or         := and (("or" | "||") and)*
 *     and        := comparison (("and" | "&&") comparison)*
 *     comparison := sum ((">" | ">=" | "<" | "<=" | "==" | "!=") sum)?
 *     sum        := product (("+" | "-") product)*
 *     product    := factor (("*" | "/") factor)*
 *     factor     := number | name | "(" or ")"
 *
 * Invariant: nothing but these numbers can be reached from a condition, reading one takes time linear in its length, which is bounded,
 * and evaluating it always ends with an answer.
 */

export const CONDITION_NAMES = ['count', 'total', 'rate', 'avg', 'max', 'threshold', 'windowMinutes'] as const;
export type ConditionName = (typeof CONDITION_NAMES)[number];
export type ConditionValues = Readonly<Record<ConditionName, number>>;

export interface Condition {
  /** The names that it looks at. */
  readonly names: ReadonlySet<ConditionName>;
  holds(values: ConditionValues): boolean;
  /** What stands on the left of the first comparison: the number that an alert is about. */
  measured(values: ConditionValues): number;
}

/** The text is no condition; the message says what is wrong, to follow the name of the field. */
export class ConditionError extends Error {}

export const MAX_CONDITION_LENGTH = 200;

type Evaluate<T> = (values: ConditionValues) => T;
type Node =
  | { readonly kind: 'number'; readonly evaluate: Evaluate<number> }
  | { readonly kind: 'boolean'; readonly evaluate: Evaluate<boolean>; readonly measured: Evaluate<number> };

interface Token {
  readonly text: string;
  /** Counted from 1. */
  readonly at: number;
}

const TOKEN = /\s*(?:(\d+(?:\.\d+)?|[A-Za-z_]\w*|>=|<=|==|!=|&&|\|\||[><+\-*/()])|(\S))/gy;

const COMPARISONS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
};
const SUMS: Readonly<Record<string, (a: number, b: number) => number>> = { '+': (a, b) => a + b, '-': (a, b) => a - b };
const PRODUCTS: Readonly<Record<string, (a: number, b: number) => number>> = {
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
};

const isConditionName = (text: string): text is ConditionName => (CONDITION_NAMES as readonly string[]).includes(text);

const tokensOf = (text: string): readonly Token[] => {
  const tokens: Token[] = [];
  for (const match of text.trimEnd().matchAll(TOKEN)) {
    const [all, known, unknown] = match;
    const at = match.index + all.length - (known ?? unknown ?? '').length + 1;
    if (known === undefined) throw new ConditionError(`has ${JSON.stringify(unknown)} at ${at}, which means nothing`);
    tokens.push({ text: known, at });
  }
  return tokens;
};

class Parser {
  readonly names = new Set<ConditionName>();
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  parse(): Extract<Node, { kind: 'boolean' }> {
    const node = this.#or();
    const rest = this.#tokens[this.#next];
    if (rest !== undefined) throw new ConditionError(`has ${JSON.stringify(rest.text)} at ${rest.at} after its end`);
    if (node.kind === 'number') throw new ConditionError('compares nothing; write something such as count > threshold');
    return node;
  }

  #or(): Node {
    return this.#joined(
      ['or', '||'],
      () => this.#and(),
      (a, b) => (values) => a(values) || b(values),
    );
  }

  #and(): Node {
    return this.#joined(
      ['and', '&&'],
      () => this.#comparison(),
      (a, b) => (values) => a(values) && b(values),
    );
  }

  #joined(
    words: readonly string[],
    part: () => Node,
    join: (a: Evaluate<boolean>, b: Evaluate<boolean>) => Evaluate<boolean>,
  ): Node {
    let node = part();
    for (let word = this.#take(words); word !== undefined; word = this.#take(words)) {
      const right = part();
      if (node.kind === 'number' || right.kind === 'number') {
        throw new ConditionError(`has a number beside ${JSON.stringify(word.text)} at ${word.at}, not a comparison`);
      }
      node = { ...node, evaluate: join(node.evaluate, right.evaluate) };
    }
    return node;
  }

  #comparison(): Node {
    const left = this.#sum();
    const operator = this.#take(Object.keys(COMPARISONS));
    const compare = COMPARISONS[operator?.text ?? ''];
    if (operator === undefined || compare === undefined) return left;
    const right = this.#sum();
    const a = numeric(left, operator);
    const b = numeric(right, operator);
    return { kind: 'boolean', evaluate: (values) => compare(a(values), b(values)), measured: a };
  }

  #sum(): Node {
    return this.#arithmetic(SUMS, () => this.#product());
  }

  #product(): Node {
    return this.#arithmetic(PRODUCTS, () => this.#factor());
  }

  #arithmetic(operators: Readonly<Record<string, (a: number, b: number) => number>>, part: () => Node): Node {
    let node = part();
    for (let token = this.#take(Object.keys(operators)); token; token = this.#take(Object.keys(operators))) {
      const operate = operators[token.text] as (a: number, b: number) => number;
      const a = numeric(node, token);
      const b = numeric(part(), token);
      node = { kind: 'number', evaluate: (values) => operate(a(values), b(values)) };
    }
    return node;
  }

  #factor(): Node {
    const token = this.#tokens[this.#next++];
    if (token === undefined) throw new ConditionError('ends too early');
    if (token.text === '(') {
      const node = this.#or();
      if (this.#take([')']) === undefined) throw new ConditionError(`lacks the ")" to the "(" at ${token.at}`);
      return node;
    }
    if (/^\d/.test(token.text)) {
      const value = Number(token.text);
      return { kind: 'number', evaluate: () => value };
    }
    const { text: name } = token;
    if (isConditionName(name)) {
      this.names.add(name);
      return { kind: 'number', evaluate: (values) => values[name] };
    }
    const known = CONDITION_NAMES.join(', ');
    throw new ConditionError(`has ${JSON.stringify(name)} at ${token.at}; known are numbers and ${known}`);
  }

  #take(texts: readonly string[]): Token | undefined {
    const token = this.#tokens[this.#next];
    if (token === undefined || !texts.includes(token.text)) return undefined;
    this.#next += 1;
    return token;
  }
}

const numeric = (node: Node, { text, at }: Token): Evaluate<number> => {
  if (node.kind === 'number') return node.evaluate;
  throw new ConditionError(`has a comparison beside ${JSON.stringify(text)} at ${at}, not a number`);
};

/** Throws `ConditionError`. */
export function parseCondition(text: string): Condition {
  if (text.length > MAX_CONDITION_LENGTH) {
    throw new ConditionError(`has ${text.length} characters; ${MAX_CONDITION_LENGTH} are allowed`);
  }
  const parser = new Parser(tokensOf(text));
  const { evaluate, measured } = parser.parse();
  return { names: parser.names, holds: evaluate, measured };
}
