/** Things under a key, of which a few are visited at a time, round and round. The cost of a visit does not follow their number. */
export class Round<K, T> {
  readonly #items = new Map<K, T>();
  #turn: Iterator<T, undefined> | undefined;

  get size(): number {
    return this.#items.size;
  }

  set(key: K, item: T): void {
    this.#items.set(key, item);
  }

  delete(key: K): void {
    this.#items.delete(key);
  }

  clear(): void {
    this.#items.clear();
    this.#turn = undefined;
  }

  all(): IterableIterator<T> {
    return this.#items.values();
  }

  /** The next `count`, or all when there are no more. What is added meanwhile is visited in the same round. */
  next(count: number): T[] {
    if (this.#items.size <= count) {
      this.#turn = undefined;
      return [...this.#items.values()];
    }
    const taken: T[] = [];
    while (taken.length < count) {
      this.#turn ??= this.#items.values();
      const step: IteratorResult<T, undefined> = this.#turn.next();
      if (step.done) this.#turn = undefined;
      else taken.push(step.value);
    }
    return taken;
  }
}
