import { Button, Time, timeLeft, Verdict, visible } from "../../page-kit/page/parts.tsx";
import { formatDuration } from "../../util/units.ts";
import type { DeliveryView, RequestView } from "../view.ts";
import { act, showDelivery, showRequest, view } from "./model.ts";
import { Command } from "./parts.tsx";
import { Table } from "./table.tsx";

export const iso = (at: number): string => new Date(at).toISOString();

export function Subscriptions() {
  const { subscriptions = [], now = 0, invocation } = view.value ?? {};
  const end = (done: string, product: string, id: string, action: string) =>
    act(`${done} ${product} ${id}`, "subscriptions", { product, id, action });
  return (
    <Table
      title="Channels and webhooks"
      heads={["Product", "URL and events", "Expiry", "Actions"]}
      rows={subscriptions.map(({ product, id, url, events, expiresAt, enabled }) => [
        `${product} ${id}`,
        <>
          {product} <span class="id">{visible(id)}</span>
        </>,
        <>
          <code>{visible(url)}</code> <span class="faint">{visible(events.join(", "))}</span>
        </>,
        <>
          {expiresAt === undefined ? "does not expire" : timeLeft(iso(expiresAt), now)}{" "}
          {!enabled && <Verdict tone="bad">disabled</Verdict>}
        </>,
        <span class="actions">
          {expiresAt !== undefined && (
            <Button label={`Expire ${id}`} onPress={() => end("Expired", product, id, "expire")}>
              Expire
            </Button>
          )}
          <Button label={`Delete ${id}`} onPress={() => end("Deleted", product, id, "delete")}>
            Delete
          </Button>
        </span>,
      ])}
      empty={
        <>
          None yet. This makes one: <Command text={`${invocation} listen 3000 --channel Leads.create`} />
        </>
      }
    />
  );
}

export function Deliveries() {
  const { deliveries = [], dropped } = view.value ?? {};
  return (
    <Table
      title="Deliveries"
      heads={["#", "Time", "Event", "To", "Answer"]}
      rows={deliveries.map((each) => [
        each.n,
        <span class="number">{each.n}</span>,
        <Time at={iso(each.at)} />,
        <Button class="link" label={`${each.product} ${each.event} #${each.n}`} onPress={() => showDelivery(each.n)}>
          {each.product} {visible(each.event)}
        </Button>,
        <code>{visible(each.url)}</code>,
        <Result of={each} />,
      ])}
      empty="None yet. A change of a record is posted to the channels and webhooks that watch it."
    >
      <Dropped count={dropped?.deliveries} />
    </Table>
  );
}

function Dropped({ count = 0 }: { readonly count: number | undefined }) {
  return count > 0 && <small>the oldest {count.toLocaleString("en")} are gone</small>;
}

/** What became of a delivery. */
export function Result({ of: { status, error, fault, again, ms } }: { readonly of: DeliveryView }) {
  const isGood = status !== undefined && status < 300 && error === undefined;
  const words = [status, error === undefined ? undefined : visible(error)].filter((each) => each !== undefined);
  return (
    <>
      <Verdict tone={fault === "lost" ? "unknown" : isGood ? "good" : "bad"}>
        {words.map((each, index) => [index > 0 && ": ", each])}
      </Verdict>
      <small>
        {ms !== undefined && ` ${formatDuration(ms)}`} {again !== undefined && ` #${again} again`}
        {fault !== undefined && ` ${fault} on purpose`}
      </small>
    </>
  );
}

export function Requests() {
  const { requests = [], dropped } = view.value ?? {};
  return (
    <Table
      title="Requests"
      heads={["#", "Time", "Request", "Answer"]}
      rows={requests.map(({ n, at, method, path, query, ...answered }) => [
        n,
        <span class="number">{n}</span>,
        <Time at={iso(at)} />,
        <Button class="link" label={`${method} ${path} #${n}`} onPress={() => showRequest(n)}>
          <code>
            {visible(`${method} ${path}`)}
            <span class="faint">{query !== "" && visible(`?${query}`)}</span>
          </code>
        </Button>,
        <Answered of={answered} />,
      ])}
      empty="None yet. Point an SDK, curl or zoho-hooks at this address."
    >
      <Dropped count={dropped?.requests} />
    </Table>
  );
}

/** How a request was answered. */
export function Answered({
  of: { status, ms, lacks, hint },
}: {
  readonly of: Pick<RequestView, "status" | "ms" | "lacks" | "hint">;
}) {
  return (
    <>
      <span class={status === undefined || status >= 400 ? "bad" : ""}>{status ?? "none, on purpose"}</span>
      <small> {formatDuration(ms)}</small>
      {lacks !== undefined && <span class="warning"> the emulator does not have it</span>}
      {hint !== undefined && <span class="warning"> {visible(hint)}</span>}
    </>
  );
}
