import { Button } from "../../web/page/parts.tsx";
import { copied, copy } from "./model.ts";

/** Copies a text. Says so where it was pressed. */
export function CopyButton({ text }: { readonly text: string }) {
  return <Button onPress={() => copy(text)}>{copied.value === text ? "✓ Copied" : "Copy"}</Button>;
}
