interface BufferLimits<T> {
  readonly maxCount: number;
  /** For all items together. Only the first item may go past it, since otherwise a large one would never fit. */
  readonly maxBytes: number;
  sizeOf(item: T): number;
}

/**
 * A queue (first in, first out) that is bounded by count and bytes, so that memory stays flat however many items wait elsewhere.
 * Room can be reserved for an item before it is there; such room counts as used.
 */
export class BoundedBuffer<T> {
  readonly #limits: BufferLimits<T>;
  #items: T[] = [];
  #usedCount = 0;
  #usedBytes = 0;

  constructor(limits: BufferLimits<T>) {
    this.#limits = limits;
  }

  /** The items, without reserved room. */
  get length(): number {
    return this.#items.length;
  }

  /** The items and reserved room. */
  get usedCount(): number {
    return this.#usedCount;
  }

  /** Zero or less when it is full. */
  get freeBytes(): number {
    return this.#limits.maxBytes - this.#usedBytes;
  }

  /** Reserves room for one item of this size; false when there is none. */
  reserve(bytes: number): boolean {
    if (this.#usedCount >= this.#limits.maxCount) return false;
    if (this.#usedCount > 0 && bytes > this.freeBytes) return false;
    this.#take(bytes);
    return true;
  }

  /** Frees reserved room. */
  unreserve(bytes: number): void {
    this.#free(bytes);
  }

  /** Adds an item into room that was reserved for it. */
  pushReserved(item: T): void {
    this.#items.push(item);
  }

  /** Adds an item whatever its size and number: the caller asked for no more than there was room for. */
  push(item: T): void {
    this.#take(this.#limits.sizeOf(item));
    this.#items.push(item);
  }

  /** Removes and returns the oldest item. */
  shift(): T | undefined {
    const item = this.#items.shift();
    if (item !== undefined) this.#free(this.#limits.sizeOf(item));
    return item;
  }

  /** Removes and returns all items. Reserved room stays reserved. */
  clear(): readonly T[] {
    const items = this.#items;
    this.#items = [];
    for (const item of items) this.#free(this.#limits.sizeOf(item));
    return items;
  }

  #take(bytes: number): void {
    this.#usedCount++;
    this.#usedBytes += bytes;
  }

  #free(bytes: number): void {
    this.#usedCount--;
    this.#usedBytes -= bytes;
  }
}
