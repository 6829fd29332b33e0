import { Button, Pairs, Verdict } from "../../web/page/parts.tsx";
import { ask } from "./actions.ts";
import { CopyButton } from "./copy-button.tsx";
import { ResultPanel } from "./details.tsx";
import { products, result, state } from "./model.ts";

/** What to do while nothing has come yet. */
export function Start() {
  const { value } = state;
  if (value === null) return null;
  const { receiver, try_command: command } = value;
  return (
    <main class="start">
      <h2>{receiver === null ? "No listener is running" : "Waiting for the first event"}</h2>
      <p class="faint">
        {receiver === null ? "Start one in the project's folder:" : "Send one from here, or in a terminal:"}
      </p>
      <p class="actions">
        {receiver !== null && (
          <Button class="primary" onPress={sendFirst}>
            Send CRM Leads.create
          </Button>
        )}
        <code class="command">{command}</code>
        <CopyButton text={command} />
      </p>
      <ResultPanel />
      {receiver !== null && (
        <section class="card">
          <h3>
            URLs for Zoho
            {receiver.public_url === null && <small>only this machine reaches them: there is no tunnel</small>}
          </h3>
          <Pairs
            of={products.value.map(({ name, path, secrets }) => {
              const url = `${receiver.public_url ?? receiver.url}${path}`;
              return [
                name,
                <span class="actions">
                  <code>{url}</code> <CopyButton text={url} /> <span class="space" />
                  {secrets.map(({ name: variable, set }) => (
                    <Verdict key={variable} tone={set ? "good" : "unknown"}>
                      {variable} {set ? "is set" : "is not set"}
                    </Verdict>
                  ))}
                </span>,
              ];
            })}
          />
          <p class="faint">A delivery whose secret is not set is accepted, and marked “no key”.</p>
        </section>
      )}
    </main>
  );
}

/** Its event shows that it came. */
async function sendFirst(): Promise<void> {
  const outcome = await ask("send", { product: "crm", event: "Leads.create", preview: false });
  if (!outcome.ok) result.value = { title: "Send CRM Leads.create", outcome };
}
