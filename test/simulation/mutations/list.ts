/**
 * Bugs to plant into the engine, one at a time. Each is one that somebody could make, and that only a crash, a takeover or an
 * unlucky order brings to light; the simulator has to find every one of them.
 */

export interface Mutation {
  readonly name: string;
  /** What the engine does wrong with it. */
  readonly bug: string;
  /** From the root of the project. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

const commit: readonly Mutation[] = [
  {
    name: 'state-before-transaction',
    bug: 'The state is written before its transaction has committed.',
    file: 'streams/commit.ts',
    find: `  const written = await input.collector.commit(input.inputPositions);
  applyToState(input, written);`,
    replace: `  applyToState(input, new Map());
  await input.collector.commit(input.inputPositions);`,
  },
  {
    name: 'offsets-apart',
    bug: 'The input positions are committed in a transaction of their own, after the results.',
    file: 'streams/commit.ts',
    find: `  const written = await input.collector.commit(input.inputPositions);`,
    replace: `  const written = await input.collector.commit([]);
  await input.collector.commit(input.inputPositions);`,
  },
  {
    name: 'failed-commit-counts',
    bug: 'A commit that failed counts as one that succeeded.',
    file: 'streams/commit.ts',
    find: `await input.collector.commit(input.inputPositions);`,
    replace: `await input.collector.commit(input.inputPositions).catch(() => new Map<string, number>());`,
  },
  {
    name: 'data-without-position',
    bug: 'A commit writes data to the state without the changelog position that it stands for.',
    file: 'streams/commit.ts',
    find: `if (changelog !== undefined && position !== undefined) batch.setPosition(changelog, position);`,
    replace: ``,
  },
  {
    name: 'position-without-data',
    bug: 'A restore names the position of a record that it did not apply, when it comes alone.',
    file: 'streams/restore.ts',
    find: `fetched.records.length > 0`,
    replace: `fetched.records.length > 1`,
  },
  {
    name: 'deletions-not-logged',
    bug: 'A deletion reaches the state and not the changelog, so that what was deleted comes back, and fires again, elsewhere.',
    file: 'state/write-back-cache.ts',
    find: `if (entry.value === undefined) changelog.append(key, null, timestampMs);`,
    replace: `if (entry.value === undefined) continue;`,
  },
  {
    name: 'position-ahead',
    bug: 'The position to commit is that of what was fetched, not of what was processed.',
    file: 'streams/record-queue.ts',
    find: `    this.#batches.push(batch);`,
    replace: `    this.#batches.push(batch);
    this.#position = batch.nextOffset;`,
  },
];

const takeover: readonly Mutation[] = [
  {
    name: 'fence-too-late',
    bug: 'The committed offset is read before the former owner is fenced.',
    file: 'streams/task-opener.ts',
    find: `    await producer.init();
    const committed = await consumer.committed(taskInputs(place));`,
    replace: `    const committed = await consumer.committed(taskInputs(place));
    await producer.init();`,
  },
  {
    name: 'restore-skips-one',
    bug: 'A restore begins one record too late.',
    file: 'streams/restore.ts',
    find: `reader.read(changelog, from, end, onBatch, signal)`,
    replace: `reader.read(changelog, from + 1, end, onBatch, signal)`,
  },
  {
    name: 'restore-skips-tail',
    bug: 'A state that is there counts as complete: the tail of the changelog is not read.',
    file: 'streams/restore.ts',
    find: `if (from < end) await`,
    replace: `if (from < end && from === beginning) await`,
  },
  {
    name: 'restore-not-awaited',
    bug: 'A task runs while its state is still being restored.',
    file: 'streams/restore.ts',
    find: `if (from < end) await reader.read(`,
    replace: `if (from < end) void reader.read(`,
  },
  {
    name: 'standby-begins-at-end',
    bug: 'A warm copy follows the changelog from its end on, without what stands before.',
    file: 'streams/standby-task.ts',
    find: `const offset = startPosition(position, beginning, end, logged.changelog);`,
    replace: `startPosition(position, beginning, end, logged.changelog);
      const offset = end;`,
  },
  {
    name: 'standby-wasted',
    bug: 'A warm copy whose last transaction cannot be read yet is taken for damaged and thrown away.',
    file: 'streams/standby-task.ts',
    find: `      requireReadable(position, end, logged.changelog);
`,
    replace: ``,
  },
  {
    name: 'standby-not-closed',
    bug: 'A warm copy is not closed before its task is opened to run.',
    file: 'streams/rebalance.ts',
    find: `  await standbys.revoke(standby);
`,
    replace: ``,
  },
  {
    name: 'revoked-not-closed',
    bug: 'A task that went to another member goes on here.',
    file: 'streams/task-manager.ts',
    find: `    await Promise.all(revoked.map((entry) => this.#close(entry)));
    for`,
    replace: `    for`,
  },
  {
    name: 'reads-unassigned',
    bug: 'A task begins to read although its partitions may have gone to another member.',
    file: 'streams/rebalance.ts',
    find: `  tasks.awaitAssignment();
`,
    replace: ``,
  },
  {
    name: 'batch-of-predecessor',
    bug: 'A batch that was polled for a task goes to its successor.',
    file: 'streams/thread.ts',
    find: `tasks.add(batch, task);`,
    replace: `tasks.add(batch, tasks.taskOf(batch));`,
  },
  {
    name: 'assigned-twice',
    bug: 'Tasks that stay with their owner are given to another member as well.',
    file: 'streams/task-assignor.ts',
    find: `for (const task of moved) leastActive`,
    replace: `for (const task of tasks) leastActive`,
  },
  {
    name: 'stream-time-lost',
    bug: 'Whoever takes a task over begins with a stream time of its own.',
    file: 'streams/task.ts',
    find: `(/^\\d{1,15}$/.test(metadata) ? Number(metadata) : -1)`,
    replace: `(metadata === '' ? -1 : -1)`,
  },
];

const processing: readonly Mutation[] = [
  {
    name: 'undo-forgets-stores',
    bug: 'What a failing record wrote to the stores stays.',
    file: 'streams/task.ts',
    find: `    for (const store of this.#stores) store.undo();
`,
    replace: ``,
  },
  {
    name: 'undo-forgets-results',
    bug: 'What a failing record sent stays.',
    file: 'streams/task.ts',
    find: `    this.#options.collector.truncate(collectorMark);
`,
    replace: `    void collectorMark;
`,
  },
  {
    name: 'timers-not-restored',
    bug: 'Timers are not set again when their entries are restored.',
    file: 'state/due-index.ts',
    find: `      if (dueMs !== undefined) batch.put(space, indexKey(dueMs, keyBytes), NO_VALUE);
    }`,
    replace: `    }`,
  },
  {
    name: 'timers-too-eager',
    bug: 'A timer that is due at the very time of a record fires before it.',
    file: 'streams/task.ts',
    find: `Math.min(eventTimeMs - 1, this.#systemTimeMs)`,
    replace: `Math.min(eventTimeMs, this.#systemTimeMs)`,
  },
  {
    name: 'timers-too-late',
    bug: 'Timers wait for the input to be drained, whatever the records say.',
    file: 'streams/task.ts',
    find: `done += this.#fireTimersBefore(record.timestampMs, limit - done);`,
    replace: `done += this.#fireTimersBefore(-1, limit - done) * 0;`,
  },
  {
    name: 'timer-fires-twice',
    bug: 'The handler of a due entry is called twice.',
    file: 'streams/due-scheduler.ts',
    find: `handler?.(entry.key, entry.value, entry.dueMs);`,
    replace: `handler?.(entry.key, entry.value, entry.dueMs);
  handler?.(entry.key, entry.value, entry.dueMs);`,
  },
  {
    name: 'order-by-arrival',
    bug: 'A task does not wait for an input that is known to hold more.',
    file: 'streams/partition-group.ts',
    find: `        if (!queue.drained) return undefined;
`,
    replace: ``,
  },
  {
    name: 'processes-while-committing',
    bug: 'A task goes on processing while it commits.',
    file: 'streams/thread.ts',
    find: `if (task === undefined || task.committing) continue;
      const nowMs`,
    replace: `if (task === undefined) continue;
      const nowMs`,
  },
];

export const mutations: readonly Mutation[] = [...commit, ...takeover, ...processing];
