import { expect, it } from "vitest";
import { startListener } from "../support/listener.ts";
import { run } from "../support/run.ts";
import { closeAfterEach, send, target } from "../support/send.ts";

closeAfterEach();

it.each(["forms form_submitted", "mail webhook --format wire", "cliq invocation", "crm Leads.create"])(
  "send %s --count 40 sends 40 different bodies",
  async (subject) => {
    const app = await target();
    expect((await send(`${subject} --count 40 --to PORT`, app, { env: {} })).exitCode).toBe(0);
    const bodies = app.seen.map(({ body }) => body.toString());
    expect(new Set(bodies).size).toBe(40);
    if (subject.startsWith("crm")) expect(bodies.join()).not.toContain("+2@");
    else expect(bodies.filter((body) => /(?<!\+\d*)@example\.com/.test(body))).toHaveLength(1);
  },
);

it("the copies of a form are different events for listen, and with --no-fresh one", async () => {
  const listener = await startListener();
  const argv = [
    "send",
    "forms",
    "--all",
    "--format",
    "wire",
    "--count",
    "5",
    "--to",
    `${listener.url}/webhooks/zoho/forms`,
  ];
  await run(argv);
  await run([...argv, "--no-fresh"]);
  const summary = (await listener.stop()).lines().at(-1);
  // The first copy is the sample itself.
  expect(summary).toMatchObject({ received: 10, duplicates: 5 });
});
