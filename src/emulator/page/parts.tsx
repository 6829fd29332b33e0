import type { Signal } from "@preact/signals";
import { useId } from "preact/hooks";
import { CopyButton } from "../../page-kit/page/copy.tsx";
import { jsonLine, Lines, textLine } from "../../page-kit/page/lines.tsx";
import { into } from "../../page-kit/page/signals.ts";
import { jsonFlaw } from "../../util/json.ts";
import { prettyJson } from "../../util/json-print.ts";
import { copy, failure } from "./model.ts";

/** A command for a terminal. */
export function Command({ text = "" }: { readonly text: string | undefined }) {
  return (
    <span class="actions">
      <code class="command">{text}</code> <CopyButton text={text} copy={copy} />
    </span>
  );
}

interface FieldProps {
  /** What the control call names in an error. */
  readonly name: string;
  readonly label: string;
  readonly text: Signal<string>;
  readonly placeholder?: string;
  readonly size?: number;
  /** Of the label. */
  readonly class?: string;
}

/** A line to write, with what is wrong with it below. */
export function Field({ name, label, text, class: kind, ...others }: FieldProps) {
  const id = useId();
  const flaw = failure.value.field === name && failure.value.text;
  return (
    <div class="field">
      <label for={id} class={kind}>
        {label}
      </label>
      <input
        id={id}
        required
        aria-invalid={Boolean(flaw)}
        aria-describedby={`${id}-flaw`}
        value={text.value}
        onInput={into(text)}
        {...others}
      />
      <span id={`${id}-flaw`} class="bad" role="status">
        {flaw}
      </span>
    </div>
  );
}

/** The body of a request, a delivery or an answer. */
export function Body({ text }: { readonly text: string }) {
  if (text === "") return <p class="faint">No body.</p>;
  const isJson = jsonFlaw(text) === undefined;
  return <Lines text={isJson ? prettyJson(text) : text} print={isJson ? jsonLine : textLine} />;
}
