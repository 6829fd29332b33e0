import type { Signal } from "@preact/signals";

/** An event handler that sets a signal. */
export function set<T>(target: Signal<T>, value: T): () => void {
  return () => {
    target.value = value;
  };
}

/** An event handler that puts the value of a field into a signal. */
export function into(target: Signal<string>) {
  return ({ currentTarget }: { readonly currentTarget: { readonly value: string } }): void => {
    target.value = currentTarget.value;
  };
}
