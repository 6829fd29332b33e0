import { CopyButton as Copy } from "../../page-kit/page/copy.tsx";
import { copy } from "./model.ts";

/** Copies a text, or shows it where it cannot. */
export function CopyButton({ text }: { readonly text: string }) {
  return <Copy text={text} copy={copy} />;
}
