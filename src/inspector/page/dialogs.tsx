import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import type { Outcome } from "../api.ts";
import { replay } from "./actions.ts";
import { call } from "./client.ts";
import { lettersOn, SHORTCUTS, setLetters } from "./keys.ts";
import { chosen, details, dialog, errorText, hasTarget, into, now, products, set, state } from "./model.ts";
import { Button, timeLeft, visible, withEscapes } from "./parts.tsx";

export function Dialogs() {
  const { value: open } = dialog;
  return (
    <>
      {open === "help" && <Help />}
      {open === "replay" && details.value?.n === chosen.value && <EditAndReplay />}
      {open === "send" && <Send />}
      {open === "channels" && <Channels />}
    </>
  );
}

/** The browser keeps the focus inside, closes it at Esc and gives the focus back. */
function Modal({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
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
    <dialog ref={element} aria-labelledby={id} onClose={set(dialog, null)}>
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

function Help() {
  return (
    <Modal title="Keys">
      <dl class="keys">
        {SHORTCUTS.map(([keys, text]) => (
          <div key={keys}>
            <dt>
              {keys.split(" ").map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <label>
        <input
          type="checkbox"
          checked={lettersOn.value}
          onChange={({ currentTarget }) => setLetters(currentTarget.checked)}
        />{" "}
        Letters work outside of text fields
      </label>
    </Modal>
  );
}

function EditAndReplay() {
  // Another event may be chosen, or this one change, while the dialog is open.
  const { value: event } = useSignal(details.peek());
  // In a text field, hidden characters can neither be seen nor edited.
  const original = event?.pretty == null ? (event?.raw ?? "") : withEscapes(event.pretty);
  const body = useSignal(original);
  const target = useSignal("");
  const busy = useSignal(false);
  const refusal = useSignal<string | undefined>(undefined);
  const id = useId();
  const error = event?.pretty == null ? null : jsonError(body.value);
  if (event === null) return null;
  if (event.raw === null) return <Modal title={`Edit #${event.n} and replay it`}>The body is not text.</Modal>;
  return (
    <Modal title={`Edit #${event.n} and replay it`}>
      <form
        onSubmit={async (submit) => {
          submit.preventDefault();
          busy.value = true;
          const to = target.value.trim();
          refusal.value = await replay({ n: event.n, body: body.value, ...(to !== "" && { to }) });
          busy.value = false;
          // What was typed is kept where nothing was sent.
          if (refusal.value === undefined) dialog.value = null;
        }}
      >
        <p>The edited body is signed again with your secret, not with Zoho's.</p>
        {event.masked && original.includes("[masked]") && (
          <p class="warning">[masked] stands for the secret that came: where it is left in its place, that is sent.</p>
        )}
        <label for={`${id}-body`}>Body</label>
        <textarea
          id={`${id}-body`}
          spellcheck={false}
          autocomplete="off"
          aria-describedby={`${id}-error`}
          value={body.value}
          onInput={into(body)}
        />
        <p id={`${id}-error`} class="bad" role="status">
          {error === null ? "" : `Not JSON: ${error}. It can be sent all the same.`}
        </p>
        <label for={`${id}-to`}>Send to</label>
        <input
          id={`${id}-to`}
          list={`${id}-targets`}
          placeholder={hasTarget.value ? "where it went before" : "the port of your app, such as 3000"}
          required={!hasTarget.value}
          value={target.value}
          onInput={into(target)}
        />
        <datalist id={`${id}-targets`}>
          {state.value?.targets.map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
        {refusal.value !== undefined && (
          <pre class="bad" role="alert">
            {visible(refusal.value)}
          </pre>
        )}
        <div class="buttons">
          <button type="submit" class="primary" disabled={busy.value}>
            Sign and replay
          </button>
        </div>
      </form>
    </Modal>
  );
}

function jsonError(text: string): string | null {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

function Send() {
  const product = useSignal(products.value[0]?.id ?? "");
  const formats = products.value.find(({ id }) => id === product.value)?.formats ?? [];
  const wantedFormat = useSignal("");
  const format = formats.find(({ id }) => id === wantedFormat.value) ?? formats[0];
  const wantedEvent = useSignal("");
  const events = format?.events ?? [];
  const event = events.find((each) => each === wantedEvent.value) ?? events[0] ?? "";
  const answer = useSignal<Outcome | null>(null);
  const send = async (preview: boolean) => {
    try {
      const body = { product: product.value, event, ...(format && { format: format.id }), preview };
      answer.value = await call<Outcome>("/api/send", { body });
    } catch (error) {
      answer.value = { ok: false, text: errorText(error), lines: [] };
    }
  };
  return (
    <Modal title="Send a sample">
      <form
        onSubmit={(submit) => {
          submit.preventDefault();
          void send(false);
        }}
      >
        <div class="fields">
          <Choice
            label="Product"
            selected={product.value}
            choice={product}
            from={products.value.map(({ id, name }) => [id, name])}
          />
          <Choice label="Format" selected={format?.id} choice={wantedFormat} from={formats.map(({ id }) => [id, id])} />
          <Choice label="Event" selected={event} choice={wantedEvent} from={events.map((each) => [each, each])} />
        </div>
        {state.value?.receiver === null ? (
          <p class="warning">No listener is running: start zoho-hooks listen first.</p>
        ) : (
          <p class="faint">It is signed with your secret and sent to the running listen.</p>
        )}
        <div class="buttons">
          <Button onPress={() => send(true)}>Preview</Button>
          <button type="submit" class="primary">
            Send
          </button>
        </div>
        {answer.value !== null && (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
          <pre role="status" tabIndex={0} class={answer.value.ok ? "" : "bad"}>
            {visible(answer.value.text.trimEnd())}
          </pre>
        )}
      </form>
    </Modal>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly selected: string | undefined;
  readonly from: readonly (readonly [value: string, name: string])[];
  readonly choice: Signal<string>;
}

function Choice({ label, selected, from, choice }: ChoiceProps) {
  return (
    <label>
      {label}
      <select value={selected} onChange={into(choice)}>
        {from.map(([id, name]) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function Channels() {
  return (
    <Modal title="Channels">
      <ul>
        {state.value?.channels.map(({ id, events, expires_at, orphaned }) => (
          <li key={id}>
            <code>{id}</code> {visible(events.join(", "))}:{" "}
            {expires_at === null ? "end not known" : timeLeft(expires_at, now.value)}
            {orphaned && <span class="bad"> orphaned: its listener has ended</span>}
          </li>
        ))}
      </ul>
    </Modal>
  );
}
