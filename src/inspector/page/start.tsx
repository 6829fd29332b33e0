import { useSignal } from "@preact/signals";
import { Choice } from "../../page-kit/page/dialogs.tsx";
import { Button, Pairs, Verdict } from "../../page-kit/page/parts.tsx";
import type { ProductEntry, State } from "../api.ts";
import { ask } from "./actions.ts";
import { CopyButton } from "./copy-button.tsx";
import { ResultPanel } from "./details.tsx";
import { products, result, state } from "./model.ts";

/** What to do while nothing has come yet. */
export function Start() {
  const { value } = state;
  if (value === null) return null;
  const { receiver, invocation } = value;
  return (
    <main class="start">
      {receiver === null ? (
        <>
          <h2>No listener is running</h2>
          <p class="faint">Start one in the project's folder:</p>
          <Command text={`${invocation} listen`} />
        </>
      ) : (
        <First receiver={receiver} invocation={invocation} />
      )}
    </main>
  );
}

function Command({ text }: { readonly text: string }) {
  return (
    <p class="actions">
      <code class="command">{text}</code>
      <CopyButton text={text} />
    </p>
  );
}

interface FirstProps {
  readonly receiver: NonNullable<State["receiver"]>;
  readonly invocation: string;
}

/** The URL of a product for Zoho, and a sample of it. */
function First({ receiver, invocation }: FirstProps) {
  const chosen = useSignal("");
  // The products whose secrets are set are probably those that are worked on.
  const sorted = [...products.value].sort((a, b) => Number(isConfigured(b)) - Number(isConfigured(a)));
  const product = sorted.find(({ id }) => id === chosen.value) ?? sorted[0];
  if (product === undefined) return null;
  const urlOf = ({ path }: ProductEntry): string => `${receiver.public_url ?? receiver.url}${path}`;
  const { id, name, secrets, formats } = product;
  const event = formats[0]?.events[0] ?? "";
  return (
    <>
      <h2>Waiting for the first event</h2>
      <section class="card">
        <div class="fields">
          <Choice label="Product" choice={chosen} from={sorted.map((each) => [each.id, each.name])} />
        </div>
        <div>
          <span class="faint">URL for Zoho</span>
          <p class="actions">
            <code class="command">{urlOf(product)}</code>
            <CopyButton text={urlOf(product)} />
          </p>
        </div>
        {receiver.public_url === null && <p class="faint">Only this machine reaches it: there is no tunnel.</p>}
        {secrets.map((secret) => (
          <SecretVerdict key={secret.name} {...secret} />
        ))}
        {secrets.some(({ set }) => !set) && (
          <p class="faint">A delivery whose secret is not set is accepted, and marked “no key”.</p>
        )}
      </section>
      <p class="faint">Send a first sample from here, or in a terminal:</p>
      <div class="actions">
        <Button class="primary" onPress={() => sendFirst(id, event)}>
          Send {name} {event}
        </Button>
        <Command text={`${invocation} send ${id} ${event}`} />
      </div>
      <ResultPanel />
      <details>
        <summary>All {products.value.length} URLs</summary>
        <Pairs of={products.value.map((each) => [each.name, <code>{urlOf(each)}</code>])} />
      </details>
    </>
  );
}

function isConfigured({ secrets }: ProductEntry): boolean {
  return secrets.length > 0 && secrets.every(({ set }) => set);
}

function SecretVerdict({ name, set }: ProductEntry["secrets"][number]) {
  return (
    <p>
      <Verdict tone={set ? "good" : "unknown"}>
        {name} {set ? "is set" : "is not set"}
      </Verdict>
    </p>
  );
}

/** Its event shows that it came. */
async function sendFirst(product: string, event: string): Promise<void> {
  const outcome = await ask("send", { product, event, preview: false });
  if (!outcome.ok) result.value = { title: `Send ${product} ${event}`, outcome };
}
