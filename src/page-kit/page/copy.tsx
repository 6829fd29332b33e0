import { signal } from "@preact/signals";
import { Button } from "./parts.tsx";

/** The text that was copied a moment ago. */
const copied = signal<string | null>(null);
const COPIED_MS = 2000;

/** Rejects where the browser gives no clipboard, as on a page of another machine without TLS. */
export async function toClipboard(text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
  copied.value = text;
  setTimeout(() => {
    if (copied.value === text) copied.value = null;
  }, COPIED_MS);
}

/** Copies a text. Says so where it was pressed. */
export function CopyButton({ text, copy }: { readonly text: string; readonly copy: (text: string) => unknown }) {
  return <Button onPress={() => copy(text)}>{copied.value === text ? "✓ Copied" : "Copy"}</Button>;
}
