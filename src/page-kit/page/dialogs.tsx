import type { Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { Button } from "./parts.tsx";
import { into } from "./signals.ts";

interface ModalProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** The browser keeps the focus inside, closes it at Esc and gives the focus back. */
export function Modal({ title, onClose, children }: ModalProps) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const opener = document.activeElement as HTMLElement | null;
    element.current?.showModal();
    const field = element.current?.querySelector<HTMLTextAreaElement | HTMLSelectElement>("textarea, select");
    // At its start, so that the beginning is seen.
    if (field?.matches("textarea")) (field as HTMLTextAreaElement).setSelectionRange(0, 0);
    field?.focus();
    // The browser does so only for one that was closed. It may run after the next key has moved the focus.
    return () => {
      if (document.activeElement === document.body) opener?.focus();
    };
  }, []);
  return (
    <dialog ref={element} aria-labelledby={id} onClose={onClose}>
      <h2 id={id}>
        {title}
        <Button letter="Esc" onPress={() => element.current?.close()}>
          Close
        </Button>
      </h2>
      {children}
    </dialog>
  );
}

interface FormProps extends ModalProps {
  readonly action: string;
  readonly outcome: { readonly ok: boolean; readonly shown: ComponentChildren } | null;
  readonly onSubmit: () => void;
  /** Beside the one that submits. */
  readonly buttons: ComponentChildren;
}

/** Stays open: what was sent may be changed and sent again. */
export function Form({ title, onClose, action, outcome, onSubmit, buttons, children }: FormProps) {
  return (
    <Modal title={title} onClose={onClose}>
      <form
        onSubmit={(submit) => {
          submit.preventDefault();
          onSubmit();
        }}
      >
        {children}
        <div class="buttons">
          {buttons}
          <button type="submit" class="primary">
            {action}
          </button>
        </div>
        <div role="status" class={outcome === null ? "" : `result ${outcome.ok ? "" : "failed"}`}>
          {outcome?.shown}
        </div>
      </form>
    </Modal>
  );
}

interface BodyFieldProps {
  readonly id: string;
  readonly label: string;
  readonly text: string;
  /** Why it is not what it should be. */
  readonly flaw: string | undefined;
  readonly onEdit: (text: string) => void;
}

/** A text to edit, such as JSON. */
export function BodyField({ id, label, text, flaw, onEdit }: BodyFieldProps) {
  return (
    <>
      <label for={id}>{label}</label>
      <textarea
        id={id}
        spellcheck={false}
        autocomplete="off"
        aria-invalid={flaw !== undefined}
        aria-describedby={`${id}-flaw`}
        value={text}
        onInput={({ currentTarget }) => onEdit(currentTarget.value)}
      />
      <p id={`${id}-flaw`} class="bad" role="status">
        {flaw !== undefined && `Not valid JSON: ${flaw}`}
      </p>
    </>
  );
}

/** A choice of yes or no. */
export function Checkbox(props: { label: string; checked: boolean; onChange: (checked: boolean) => void }) {
  const { label, checked, onChange } = props;
  return (
    <label>
      <input type="checkbox" checked={checked} onChange={({ currentTarget }) => onChange(currentTarget.checked)} />{" "}
      {label}
    </label>
  );
}

type Option = readonly [value: string, name: string];

/** A choice of one: the first, until another is selected. */
export function Choice(props: { label: string; from: readonly Option[]; choice: Signal<string> }) {
  const { label, from, choice } = props;
  const isOffered = from.some(([id]) => id === choice.value);
  return (
    <label>
      {label}
      <select value={isOffered ? choice.value : from[0]?.[0]} onChange={into(choice)}>
        {from.map(([id, name]) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
