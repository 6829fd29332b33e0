import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { jsonFlaw } from "../../util/json.ts";
import { BodyField, Choice, Form, Modal } from "../../web/page/dialogs.tsx";
import { Button, Pairs, timeLeft, visible, withEscapes } from "../../web/page/parts.tsx";
import { into, set } from "../../web/page/signals.ts";
import type { Outcome } from "../api.ts";
import { ask } from "./actions.ts";
import { Answer } from "./answer.tsx";
import { lettersOn, SHORTCUTS, setLetters } from "./keys.ts";
import { details, dialog, hasTarget, now, products, selected, state } from "./model.ts";

const close = set(dialog, null);

export function Dialogs() {
  const { value: open } = dialog;
  return (
    <>
      {open === "help" && <Help />}
      {open === "replay" && details.value?.n === selected.value && <EditAndReplay />}
      {open === "send" && <Send />}
      {open === "channels" && <Channels />}
    </>
  );
}

function Help() {
  return (
    <Modal onClose={close} title="Keys">
      <Pairs of={SHORTCUTS.map(([keys, text]) => [keys, text])} />
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

/** Edits by number and time, for as long as the page is open: closing the dialog loses none. */
const drafts = new Map<string, string>();

function EditAndReplay() {
  // Another event may be selected, or this one change, while the dialog is open.
  const { value: event } = useSignal(details.peek());
  // In a text field, hidden characters can neither be seen nor edited.
  const original = event?.pretty == null ? (event?.raw ?? "") : withEscapes(event.pretty);
  const key = `${event?.n} ${event?.at}`;
  const body = useSignal(drafts.get(key) ?? original);
  const target = useSignal("");
  const answer = useSignal<Outcome | null>(null);
  const id = useId();
  const isEdited = body.value !== original;
  const flaw = event?.pretty == null ? undefined : jsonFlaw(body.value);
  if (event === null) return null;
  const { n, raw, masked } = event;
  if (raw === null)
    return (
      <Modal onClose={close} title={`Edit #${n} and replay it`}>
        The body is not text.
      </Modal>
    );
  const edit = (text: string) => {
    body.value = text;
    if (text === original) drafts.delete(key);
    else drafts.set(key, text);
  };
  const replay = async () => {
    if (flaw !== undefined) return document.getElementById(`${id}-body`)?.focus();
    const to = target.value.trim();
    answer.value = await ask("replay", { n, ...(isEdited && { body: body.value }), ...(to !== "" && { to }) });
  };
  return (
    <Form
      title={`Edit #${n} and replay it`}
      onClose={close}
      action="Sign and replay"
      outcome={answer.value && { ok: answer.value.ok, shown: <Answer outcome={answer.value} /> }}
      onSubmit={() => void replay()}
      buttons={
        isEdited && (
          <>
            <span class="faint">Your edit is kept until the page is closed.</span>
            <Button onPress={() => edit(original)}>Undo all</Button>
          </>
        )
      }
    >
      <p class="faint">The edited body is signed again with your secret, not with Zoho's.</p>
      {masked && original.includes("[masked]") && (
        <p class="warning">[masked] stands for the secret that came: where it is left in its place, that is sent.</p>
      )}
      <BodyField id={`${id}-body`} label="Body" text={body.value} flaw={flaw} onEdit={edit} />
      <label for={`${id}-to`}>Send to</label>
      <input
        id={`${id}-to`}
        list={`${id}-targets`}
        placeholder={
          event.attempts.at(-1)?.target ?? (hasTarget.value ? "your app" : "the port of your app, such as 3000")
        }
        required={!hasTarget.value}
        value={target.value}
        onInput={into(target)}
      />
      <datalist id={`${id}-targets`}>
        {state.value?.targets.map((each) => (
          <option key={each} value={each} />
        ))}
      </datalist>
    </Form>
  );
}

const FORMATS: Readonly<Record<string, string>> = {
  wire: "as Zoho's servers post it",
  guide: "as in the Webhooks Guide",
  workflow: "a body that you design",
};
const nameOf = (format: string) => (FORMATS[format] === undefined ? format : `${format}: ${FORMATS[format]}`);
const FAULTS = { badSignature: "With a bad signature", badToken: "With a bad token" } as const;

function Send() {
  const product = useSignal(products.value[0]?.id ?? "");
  const formats = products.value.find(({ id }) => id === product.value)?.formats ?? [];
  const wantedFormat = useSignal("");
  const format = formats.find(({ id }) => id === wantedFormat.value) ?? formats[0];
  const wantedEvent = useSignal("");
  const isBad = useSignal(false);
  const answer = useSignal<Outcome | null>(null);
  if (format === undefined) return null;
  const { events, fault, source } = format;
  const event = events.find((each) => each === wantedEvent.value) ?? events[0] ?? "";
  const send = async (preview: boolean) => {
    const wrong = isBad.value && fault !== null ? { fault } : {};
    answer.value = await ask("send", { product: product.value, event, format: format.id, ...wrong, preview });
  };
  return (
    <Form
      title="Send a sample"
      onClose={close}
      action="Send"
      outcome={answer.value && { ok: answer.value.ok, shown: <Answer outcome={answer.value} /> }}
      onSubmit={() => void send(false)}
      buttons={<Button onPress={() => send(true)}>Preview</Button>}
    >
      <div class="fields">
        <Choice label="Product" choice={product} from={products.value.map(({ id, name }) => [id, name])} />
        <Choice label="Event" choice={wantedEvent} from={events.map((each) => [each, each])} />
        <Choice label="Format" choice={wantedFormat} from={formats.map(({ id }) => [id, nameOf(id)])} />
      </div>
      <p class="faint source">Source of the format: {visible(source)}</p>
      {fault !== null && (
        <label>
          <input
            type="checkbox"
            checked={isBad.value}
            onChange={({ currentTarget }) => {
              isBad.value = currentTarget.checked;
            }}
          />{" "}
          {FAULTS[fault]}, which must be rejected
        </label>
      )}
      {state.value?.receiver === null ? (
        <p class="warning">No listener is running: start zoho-hooks listen first.</p>
      ) : (
        <p class="faint">It is signed with your secret and sent to the running listener.</p>
      )}
    </Form>
  );
}

function Channels() {
  const channels = state.value?.channels ?? [];
  return (
    <Modal onClose={close} title="Channels">
      <Pairs
        of={channels.map(({ id, events, expires_at, orphaned }) => {
          const left = expires_at === null ? "end not known" : timeLeft(expires_at, now.value);
          return [id, `${events.join(", ")}: ${left}${orphaned ? ", orphaned: its listener has ended" : ""}`];
        })}
      />
    </Modal>
  );
}
