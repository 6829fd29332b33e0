import { afterEach, describe, expect, it } from "vitest";
import { createListener, type Listener } from "../../src/library/testing.ts";
import { parseJson } from "../../src/util/json.ts";
import { type ApiReply, distortions, type EmulatorApi, openEmulatorApi } from "../support/emulator-api.ts";
import { startTarget } from "../support/target.ts";

const SECRET = "thisisthesamplekeyfortestingpurposes";
const SCOPES = ["ZohoSign.account.ALL", "ZohoSign.documents.ALL"];
const ALL = "Sent,Viewed,Sign,Completed,Declined,Recalled,Forward,Expired";

let close: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const each of close.toReversed()) await each();
  close = [];
});

async function opened(): Promise<EmulatorApi> {
  const emulator = await openEmulatorApi(SCOPES);
  close.push(emulator.close);
  return emulator;
}

async function receiver(): Promise<Listener> {
  const listener = await createListener({ keys: { secret: SECRET } });
  close.push(listener.close);
  return listener;
}

const call = (emulator: EmulatorApi, method: string, path: string, body?: FormData): Promise<ApiReply> =>
  emulator.call(method, `/api/v1/${path}`, body);

function form(fields: Readonly<Record<string, string>>): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.set(name, value);
  return data;
}

async function hooked(emulator: EmulatorApi, url: string, actions = ALL): Promise<void> {
  const fields = {
    webhook_url: url,
    purpose: "test",
    webhook_actions: actions,
    environment: "PRODUCTION",
    webhook_security_settings: JSON.stringify({
      hmac_security_info: { secret_key: SECRET },
      webhook_security_type: "HMAC",
    }),
  };
  const made = await call(emulator, "POST", "accounts/webhooks", form(fields));
  expect(made, JSON.stringify(made.body)).toMatchObject({ status: 200 });
}

const recipients = ["r.bowman@example.com", "i.prado@example.com"].map((recipient_email) => ({ recipient_email }));

/** Uploads a document and sends it to two recipients. */
async function sent(emulator: EmulatorApi, more: object = {}): Promise<string> {
  const data = form({ data: JSON.stringify({ requests: { request_name: "NDA", actions: recipients, ...more } }) });
  data.set("file", new Blob(["%PDF-1.7\r\n\r\n--"], { type: "application/pdf" }), "nda.pdf");
  const { status, body } = await call(emulator, "POST", "requests", data);
  expect([status, body.requests?.request_status, body.requests?.document_ids?.[0]?.document_name]).toEqual([
    200,
    "draft",
    "nda.pdf",
  ]);
  const { request_id: id } = body.requests;
  expect((await call(emulator, "POST", `requests/${id}/submit`)).body.requests.request_status).toBe("inprogress");
  return id;
}

const names = (listener: Listener) => listener.received.map(({ name }) => name);

describe("Sign of the emulator", () => {
  it("posts each step of a request, signed, with ids as numbers of 18 digits", async () => {
    const emulator = await opened();
    const listener = await receiver();
    await hooked(emulator, listener.urlOf("sign"));
    const id = await sent(emulator);
    const step = (action: string) => emulator.sign.change("requests", id, { action });
    expect(step("view").actions).toMatchObject([{ action_status: "VIEWED" }, { action_status: "NOACTION" }]);
    expect(step("sign").actions).toMatchObject([{ action_status: "SIGNED" }, { action_status: "UNOPENED" }]);
    expect(step("sign").request_status).toBe("completed");
    await emulator.deliveries.settled();
    const { received } = listener;
    expect(received.map(({ ok, genuine }) => [ok, genuine])).toEqual(received.map(() => [true, true]));
    expect(names(listener).toSorted()).toEqual(
      [
        "RequestSubmitted",
        "RequestViewed",
        "RequestSigningSuccess",
        "RequestSigningSuccess",
        "RequestCompleted",
      ].toSorted(),
    );
    const first = received.find(({ name }) => name === "RequestSubmitted")?.request.body.toString() ?? "";
    expect(first).toMatch(/"request_id":\d{18},/);
    expect(parseJson(first)).toMatchObject({
      value: {
        requests: { request_id: id, request_status: "inprogress", request_name: "NDA" },
        notifications: { operation_type: "RequestSubmitted", performed_by_email: "legal@example.com" },
      },
    });
    const signed = received.filter(({ name }) => name === "RequestSigningSuccess");
    expect(signed.map(({ payload }) => payload)).toContainEqual(
      expect.objectContaining({
        notifications: expect.objectContaining({ performed_by_email: "i.prado@example.com", signing_order: 2 }),
      }),
    );
    expect((await call(emulator, "POST", `requests/${id}/recall`)).status).toBe(400);
    expect(() => step("sign")).toThrow("the request is completed");
  });

  it("lets all recipients act at once, one decline, and one pass it on", async () => {
    const emulator = await opened();
    const listener = await receiver();
    await hooked(emulator, listener.urlOf("sign"), "Declined,Forward");
    const id = await sent(emulator, { is_sequential: false });
    const { body } = await call(emulator, "GET", `requests/${id}`);
    const { action_id } = body.requests.actions[1];
    emulator.sign.change("requests", id, { action: "forward", action_id, email: "new@example.com", name: "N" });
    expect(await listener.next()).toMatchObject({
      name: "RequestForwarded",
      payload: { notifications: { performed_by_email: "i.prado@example.com" } },
    });
    const declined = emulator.sign.change("requests", id, { action: "decline", action_id, reason: "wrong price" });
    expect(declined.request_status).toBe("declined");
    expect(await listener.next()).toMatchObject({
      name: "RequestRejected",
      payload: { notifications: { performed_by_email: "new@example.com", reason: "wrong price" } },
    });
    expect(names(listener)).toHaveLength(2);
  });

  it("expires what has not been signed, when its time is advanced, and recalls and deletes", async () => {
    const emulator = await opened();
    const listener = await receiver();
    await hooked(emulator, listener.urlOf("sign"), "Recalled,Expired");
    const id = await sent(emulator, { expiration_days: 3 });
    emulator.advance(2.9 * 86_400_000);
    expect((await call(emulator, "GET", `requests/${id}`)).body.requests.request_status).toBe("inprogress");
    emulator.advance(0.2 * 86_400_000);
    expect(await listener.next()).toMatchObject({ name: "RequestExpired", genuine: true });
    const other = await sent(emulator);
    const recalled = await call(emulator, "POST", `requests/${other}/recall`);
    expect(recalled.body.requests.request_status).toBe("recalled");
    expect(await listener.next()).toMatchObject({ name: "RequestRecalled", genuine: true });
    expect((await call(emulator, "PUT", `requests/${id}/delete`)).body.status).toBe("success");
    const page = encodeURIComponent(JSON.stringify({ page_context: { row_count: 10, start_index: 1 } }));
    const { body } = await call(emulator, "GET", `requests?data=${page}`);
    expect(body.requests.map((each: { request_id: string }) => each.request_id)).toEqual([other]);
    expect(body.page_context).toMatchObject({ has_more_rows: false });
  });

  it("disables a webhook after 20 failures in a row, and not before", async () => {
    const emulator = await opened();
    let status = 204;
    const target = await startTarget((response) => void response.writeHead(status).end());
    close.push(target.close);
    await hooked(emulator, target.url, "Sent");
    const sendOnce = async (): Promise<string> => {
      const { id } = emulator.sign.create("requests", { request_name: "NDA", actions: recipients });
      emulator.sign.change("requests", id, { action: "submit" });
      await emulator.deliveries.settled();
      const data = encodeURIComponent(JSON.stringify({ page_context: { row_count: 10, start_index: 1 } }));
      return (await call(emulator, "GET", `accounts/webhooks?data=${data}`)).body.webhooks[0].webhook_status;
    };
    for (let i = 0; i < 19; i++) expect(await sendOnce()).toBe("Active");
    status = 200;
    expect(await sendOnce()).toBe("Active");
    status = 500;
    for (let i = 0; i < 19; i++) expect(await sendOnce()).toBe("Active");
    expect(await sendOnce()).toBe("Inactive");
    expect(emulator.sign.subscriptions()).toMatchObject([{ enabled: false, events: ["Sent"] }]);
    await sendOnce();
    expect(target.seen).toHaveLength(40);
  });

  it.each([
    ["POST", "requests", form({ data: '{"requests":' }), 400],
    [
      "POST",
      "requests",
      form({ data: '{"requests":{"request_name":"n","actions":[{"recipient_email":"__proto__"}]}}' }),
      400,
    ],
    ["POST", "requests", undefined, 400],
    ["GET", "requests/100000000000999999", undefined, 400],
    ["GET", "requests?data=x", undefined, 400],
    ["GET", "accounts/webhooks?data=%7B", undefined, 400],
    ["POST", "accounts/webhooks", form({ webhook_url: "http://a.example", webhook_actions: "constructor" }), 400],
    ["PATCH", "requests", undefined, 404],
  ])("refuses %s %s", async (method, path, body, status) => {
    const emulator = await opened();
    expect(await call(emulator, method, path, body)).toMatchObject({ status, body: { status: "failure" } });
  });

  it("answers members of any type, and goes on posting", async () => {
    const troubles: string[] = [];
    const emulator = await openEmulatorApi(SCOPES, { onTrouble: (message) => troubles.push(message) });
    close.push(emulator.close);
    const listener = await receiver();
    await hooked(emulator, listener.urlOf("sign"));
    const requests = {
      request_name: "n",
      is_sequential: true,
      expiration_days: 1,
      actions: [{ recipient_email: "a@b", signing_order: 1 }],
    };
    for (const body of distortions({ requests })) {
      const made = await call(emulator, "POST", "requests", form({ data: JSON.stringify(body) }));
      if (made.status === 200) await call(emulator, "POST", `requests/${made.body.requests.request_id}/submit`);
    }
    const steps = {
      product: "sign",
      module: "requests",
      action: "change",
      data: { action: "forward", email: "c@d", name: "n", reason: "r" },
    };
    const id = await sent(emulator);
    for (const body of distortions(steps)) await emulator.call("POST", "/_emulator/records", { id, ...Object(body) });
    for (const body of distortions({ page_context: { row_count: 1, start_index: 1 } })) {
      const data = encodeURIComponent(JSON.stringify(body));
      await call(emulator, "GET", `requests?data=${data}`);
      await call(emulator, "GET", `accounts/webhooks?data=${data}`);
    }
    await emulator.deliveries.settled();
    expect([troubles, emulator.requests.items.filter(({ status = 500 }) => status >= 500)]).toEqual([[], []]);
    expect(listener.received.map(({ ok, genuine }) => ok && genuine)).not.toContain(false);
    expect(listener.received.length).toBeGreaterThan(1);
  });

  it("requires the scope of the call, and refuses what is no step", async () => {
    const emulator = await openEmulatorApi(["ZohoSign.documents.READ"]);
    close.push(emulator.close);
    expect((await call(emulator, "GET", "requests")).body.requests).toEqual([]);
    expect((await call(emulator, "POST", "requests")).body.code).toBe(9041);
    const { id } = emulator.sign.create("requests", { request_name: "NDA", actions: recipients });
    expect(() => emulator.sign.change("requests", id, { action: "__proto__" })).toThrow("action is not submit");
    expect(() => emulator.sign.change("requests", id, { action: "sign" })).toThrow("the request is draft");
    expect(() => emulator.sign.remove("requests", "1")).toThrow("No match found");
    expect(() => emulator.sign.create("__proto__", {})).toThrow("No match found");
  });
});
