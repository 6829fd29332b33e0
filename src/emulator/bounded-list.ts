/** The newest items, bounded by count and size, each with a number that counts from 1. */
export class BoundedList<Item> {
  #items: (Item & { readonly n: number })[] = [];
  #sizes: number[] = [];
  #bytes = 0;
  #last = 0;
  readonly #maxItems: number;
  readonly #maxBytes: number;

  constructor(maxItems: number, maxBytes: number) {
    this.#maxItems = maxItems;
    this.#maxBytes = maxBytes;
  }

  get items(): readonly (Item & { readonly n: number })[] {
    return this.#items;
  }

  /** How many old items are gone. */
  get dropped(): number {
    return this.#last - this.#items.length;
  }

  add(item: Item, bytes: number): Item & { readonly n: number } {
    const numbered = { n: ++this.#last, ...item };
    this.#items.push(numbered);
    this.#sizes.push(bytes);
    this.#bytes += bytes;
    while (this.#items.length > this.#maxItems || (this.#bytes > this.#maxBytes && this.#items.length > 1)) {
      this.#items.shift();
      this.#bytes -= this.#sizes.shift() ?? 0;
    }
    return numbered;
  }

  find(n: number): (Item & { readonly n: number }) | undefined {
    return this.#items[n - 1 - this.dropped];
  }

  clear(): void {
    this.#items = [];
    this.#sizes = [];
    this.#bytes = 0;
    this.#last = 0;
  }
}
